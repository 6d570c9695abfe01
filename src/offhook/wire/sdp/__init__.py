"""Session descriptions of audio calls, as typed objects (RFC 8866, 8829, 8839, 8122).

`parse` reads what browsers, official clients and media servers write; `render` writes it. Both are
purely structural; who offers and answers what is the business of `offhook.wire.sdp.negotiation`.

Understood is one ``m=audio`` section with its ICE, DTLS and codec attributes. Further sections are
kept as `OtherSection`, so that an answer can reject them in their place. Attributes that stand at
session level (ICE credentials, fingerprints, setup, direction) are moved into the audio section.
Attributes that mean nothing to an audio call are dropped.
"""

from offhook.wire.sdp.model import (
    AudioSection,
    Codec,
    Direction,
    Fingerprint,
    HeaderExtension,
    OtherSection,
    SdpError,
    SessionDescription,
    Setup,
)
from offhook.wire.sdp.reader import parse
from offhook.wire.sdp.writer import render

__all__ = [
    "AudioSection",
    "Codec",
    "Direction",
    "Fingerprint",
    "HeaderExtension",
    "OtherSection",
    "SdpError",
    "SessionDescription",
    "Setup",
    "parse",
    "render",
]
