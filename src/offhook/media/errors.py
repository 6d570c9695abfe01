"""What can go wrong on the way of a voice packet.

::

    MediaError
    ├── NegotiationError    the SDP cannot be used, or came at the wrong time
    ├── IceError            no path to the other side
    ├── DtlsError           the other side is not who its SDP says, or the handshake failed
    ├── OpusError           libopus is missing, or refused a packet or a setting (`media.opus`)
    ├── AudioSourceError    audio cannot be had from there (`media.sources`)
    ├── AudioSinkError      audio cannot be put there (`media.sinks`)
    └── DigitsUnavailableError  keys cannot be sent now (`media.session`)
"""


class MediaError(Exception):
    """Root of the media errors. The message is a sentence that says what to do."""


class NegotiationError(MediaError):
    """The session description cannot be used, or an answer came without an offer."""


class IceError(MediaError):
    """No network path to the other side was found, or it was lost."""


class DtlsError(MediaError):
    """The DTLS handshake failed, took too long, or showed another certificate than announced."""
