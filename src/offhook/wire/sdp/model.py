"""The parts of an audio call's session description (RFC 8866)."""

from dataclasses import dataclass, replace
from enum import StrEnum

#: The port of a section whose transport is found by ICE (RFC 8829 section 5.2.1).
DISCARD_PORT = 9

#: The address that says "not known yet" in a description; nothing binds to it.
NO_ADDRESS = "0.0.0.0"  # noqa: S104


class SdpError(ValueError):
    """The session description cannot be read, or its sides have nothing in common."""


class Direction(StrEnum):
    """Which way audio flows, seen by the side that wrote the description."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"

    @property
    def sends(self) -> bool:
        """Whether the writer sends audio."""
        return self in (Direction.SENDRECV, Direction.SENDONLY)

    @property
    def receives(self) -> bool:
        """Whether the writer is ready to receive audio."""
        return self in (Direction.SENDRECV, Direction.RECVONLY)


class Setup(StrEnum):
    """Who starts the DTLS handshake, seen by the writer: `active` does (RFC 4145, RFC 5763)."""

    ACTPASS = "actpass"
    ACTIVE = "active"
    PASSIVE = "passive"
    HOLDCONN = "holdconn"


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Hash of the certificate that DTLS will show: ``sha-256`` and hex pairs with colons."""

    algorithm: str
    digest: str


@dataclass(frozen=True, slots=True)
class Codec:
    """One payload type: ``a=rtpmap`` and, in `parameters`, the text of its ``a=fmtp``.

    `clock_rate` in Hz. The names of codecs compare without regard to case.
    """

    payload_type: int
    name: str
    clock_rate: int
    channels: int = 1
    parameters: str = ""

    def is_(self, name: str, clock_rate: int, channels: int = 1) -> bool:
        """Whether this is that codec, whatever its payload type."""
        return (self.name.lower(), self.clock_rate, self.channels) == (
            name.lower(),
            clock_rate,
            channels,
        )


@dataclass(frozen=True, slots=True)
class HeaderExtension:
    """``a=extmap``: the local id of an RTP header extension (RFC 8285)."""

    id: int
    uri: str


@dataclass(frozen=True, slots=True)
class AudioSection:
    """The ``m=audio`` section.

    `candidates` are the values after ``a=candidate:``, well formed for `aioice.Candidate.from_sdp`.
    `codecs` stand in order of preference and are never empty. `ptime` and `maxptime` in ms.
    `port` is 0 only if the section is rejected.
    """

    codecs: tuple[Codec, ...]
    port: int = DISCARD_PORT
    protocol: str = "UDP/TLS/RTP/SAVPF"
    address: str = NO_ADDRESS
    mid: str | None = None
    direction: Direction = Direction.SENDRECV
    rtcp_mux: bool = False
    rtcp_rsize: bool = False
    ice_ufrag: str | None = None
    ice_pwd: str | None = None
    ice_options: tuple[str, ...] = ()
    candidates: tuple[str, ...] = ()
    end_of_candidates: bool = False
    fingerprints: tuple[Fingerprint, ...] = ()
    setup: Setup | None = None
    extensions: tuple[HeaderExtension, ...] = ()
    ptime: int | None = None
    maxptime: int | None = None
    ssrc: int | None = None
    cname: str | None = None
    msid: str | None = None

    @property
    def is_rejected(self) -> bool:
        """Whether the writer refuses audio altogether."""
        return self.port == 0


@dataclass(frozen=True, slots=True)
class OtherSection:
    """A section that is not the call's audio. `formats` is the m-line's rest, as it came."""

    kind: str
    port: int
    protocol: str
    formats: str
    mid: str | None = None

    def rejected(self) -> "OtherSection":
        """The same section as an answer refuses it: port 0."""
        return replace(self, port=0)


@dataclass(frozen=True, slots=True)
class SessionDescription:
    """A whole description. `sections` keeps the order of the m-lines and has one `AudioSection`.

    `session_id` and `version` are those of the ``o=`` line; `version` rises by one with each new
    description of the same session. `bundle` holds the mids of ``a=group:BUNDLE``.
    """

    session_id: int
    version: int
    sections: tuple[AudioSection | OtherSection, ...]
    bundle: tuple[str, ...] = ()
    ice_lite: bool = False

    @property
    def audio(self) -> AudioSection:
        """The audio section. Raises `SdpError` if there is none."""
        for section in self.sections:
            if isinstance(section, AudioSection):
                return section
        raise SdpError("The session description has no audio section.")
