"""Offer and answer for one audio stream (RFC 3264, RFC 8829): Opus and telephone events.

Sans-I/O: the caller brings its transport (ICE credentials, candidates, fingerprint) and carries out
the `Agreement`. A side that offers calls `build_offer`, then `read_answer`; the other side calls
`build_answer`. A renegotiation is the same with the version one higher and the same transport.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from offhook.wire.sdp.model import (
    AudioSection,
    Codec,
    Direction,
    Fingerprint,
    OtherSection,
    SdpError,
    SessionDescription,
    Setup,
)

OPUS_CLOCK_RATE = 48000

#: 10 ms packets are allowed, and the sender may repair losses with in-band FEC (RFC 7587).
OPUS_PARAMETERS = "minptime=10;useinbandfec=1"

#: All digits, *, #, A to D (RFC 4733).
TELEPHONE_EVENTS = "0-15"

#: What our offers contain, by the payload types that browsers use.
OFFERED_CODECS = (
    Codec(111, "opus", OPUS_CLOCK_RATE, 2, OPUS_PARAMETERS),
    Codec(110, "telephone-event", OPUS_CLOCK_RATE, 1, TELEPHONE_EVENTS),
    Codec(126, "telephone-event", 8000, 1, TELEPHONE_EVENTS),
)

_MID = "0"


@dataclass(frozen=True, slots=True)
class LocalSide:
    """Who we are in a description.

    `session_id` stays the same for the life of a leg, `version` starts at 1 and rises by one with
    each description sent. `candidates` are values of ``a=candidate``, complete: nothing trickles.
    """

    session_id: int
    version: int
    ice_ufrag: str
    ice_pwd: str
    candidates: tuple[str, ...]
    fingerprints: tuple[Fingerprint, ...]
    ssrc: int
    cname: str
    ice_lite: bool = False


@dataclass(frozen=True, slots=True)
class RemoteTransport:
    """How the other side is reached and recognised. `candidates` may be empty."""

    ice_ufrag: str
    ice_pwd: str
    ice_lite: bool
    candidates: tuple[str, ...]
    fingerprints: tuple[Fingerprint, ...]


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """The negotiated payload types, used in both directions.

    `opus` is always at 48000 Hz. `telephone_event` is None if the other side has none;
    `telephone_event_rate` is the clock of its timestamps in Hz.
    """

    opus: int
    telephone_event: int | None = None
    telephone_event_rate: int = OPUS_CLOCK_RATE


@dataclass(frozen=True, slots=True)
class Agreement:
    """What an offer and its answer come to, seen from our side.

    `setup` is ACTIVE if we start the DTLS handshake, else PASSIVE. `direction` is ours: audio may
    be sent only if it sends.
    """

    format: AudioFormat
    setup: Setup
    direction: Direction
    remote: RemoteTransport


def build_offer(local: LocalSide, direction: Direction = Direction.SENDRECV) -> SessionDescription:
    """Our offer: one audio section with mid 0, ``setup:actpass``."""
    section = _section(local, OFFERED_CODECS, Setup.ACTPASS, direction, mid=_MID)
    return SessionDescription(local.session_id, local.version, (section,), (_MID,), local.ice_lite)


def build_answer(
    offer: SessionDescription,
    local: LocalSide,
    *,
    direction: Direction = Direction.SENDRECV,
    setup: Setup | None = None,
) -> tuple[SessionDescription, Agreement]:
    """Our answer to `offer`, and what it comes to.

    `direction` is what we would like; the answer has what the offer allows of it. `setup` fixes our
    DTLS role, which a renegotiation of a running leg must not change; else we start the handshake
    if the offer leaves it open. Raises `SdpError` if there is nothing to agree on.
    """
    offered = offer.audio
    opus = _opus_of(offered)
    if opus is None:
        raise SdpError("The offer has no Opus at 48000 Hz, the only codec spoken here.")
    remote = _transport_of(offer)
    event = _telephone_event_of(offered)
    role = _answering_role(offered.setup, setup)
    agreed = mirrored(offered.direction, direction)
    codecs = [Codec(opus.payload_type, opus.name, opus.clock_rate, 2, OPUS_PARAMETERS)]
    if event is not None:
        codecs.append(Codec(event.payload_type, event.name, event.clock_rate, 1, TELEPHONE_EVENTS))
    section = _section(
        local,
        codecs,
        role,
        agreed,
        mid=offered.mid,
        protocol=offered.protocol,
        rtcp_rsize=offered.rtcp_rsize,
    )
    sections: list[AudioSection | OtherSection] = [
        section if isinstance(other, AudioSection) else other.rejected() for other in offer.sections
    ]
    bundle = (offered.mid,) if offered.mid is not None and offered.mid in offer.bundle else ()
    answer = SessionDescription(
        local.session_id, local.version, tuple(sections), bundle, local.ice_lite
    )
    return answer, Agreement(_format(opus, event), role, agreed, remote)


def read_answer(offer: SessionDescription, answer: SessionDescription) -> Agreement:
    """What `answer` makes of our `offer`. Raises `SdpError` if it does not fit, or refuses."""
    if len(answer.sections) != len(offer.sections):
        raise SdpError("The answer does not have as many sections as the offer.")
    answered = answer.audio
    opus = _opus_of(answered)
    if opus is None:
        raise SdpError("The answer did not choose Opus at 48000 Hz.")
    remote = _transport_of(answer)
    match answered.setup:
        case Setup.ACTIVE:
            role = Setup.PASSIVE
        case Setup.PASSIVE:
            role = Setup.ACTIVE
        case _:
            raise SdpError("The answer must say setup:active or setup:passive.")
    direction = mirrored(answered.direction, offer.audio.direction)
    return Agreement(_format(opus, _telephone_event_of(answered)), role, direction, remote)


def mirrored(theirs: Direction, wished: Direction) -> Direction:
    """Our direction: what we wish, as far as the other side's direction allows it."""
    sends = wished.sends and theirs.receives
    receives = wished.receives and theirs.sends
    if sends:
        return Direction.SENDRECV if receives else Direction.SENDONLY
    return Direction.RECVONLY if receives else Direction.INACTIVE


def _section(
    local: LocalSide,
    codecs: Sequence[Codec],
    setup: Setup,
    direction: Direction,
    *,
    mid: str | None,
    protocol: str = "UDP/TLS/RTP/SAVPF",
    rtcp_rsize: bool = True,
) -> AudioSection:
    return AudioSection(
        codecs=tuple(codecs),
        protocol=protocol,
        mid=mid,
        direction=direction,
        rtcp_mux=True,
        rtcp_rsize=rtcp_rsize,
        ice_ufrag=local.ice_ufrag,
        ice_pwd=local.ice_pwd,
        candidates=local.candidates,
        end_of_candidates=True,
        fingerprints=local.fingerprints,
        setup=setup,
        ssrc=local.ssrc,
        cname=local.cname,
        msid=f"{local.cname} audio",
    )


def _opus_of(section: AudioSection) -> Codec | None:
    return next((c for c in section.codecs if c.is_("opus", OPUS_CLOCK_RATE, 2)), None)


def _telephone_event_of(section: AudioSection) -> Codec | None:
    """At Opus' own clock rate if there is one, as RFC 4733 section 2.1 asks; else at 8000 Hz."""
    for clock_rate in (OPUS_CLOCK_RATE, 8000):
        for codec in section.codecs:
            if codec.is_("telephone-event", clock_rate):
                return codec
    return None


def _format(opus: Codec, event: Codec | None) -> AudioFormat:
    if event is None:
        return AudioFormat(opus.payload_type)
    return AudioFormat(opus.payload_type, event.payload_type, event.clock_rate)


def _transport_of(description: SessionDescription) -> RemoteTransport:
    section = description.audio
    if section.is_rejected:
        raise SdpError("The other side refuses audio.")
    if not section.protocol.upper().endswith(("RTP/SAVPF", "RTP/SAVP")):
        raise SdpError("The audio section is not secure RTP.")
    if section.ice_ufrag is None or section.ice_pwd is None:
        raise SdpError("The audio section has no ICE credentials (ice-ufrag and ice-pwd).")
    if not section.fingerprints:
        raise SdpError("The audio section has no certificate fingerprint.")
    if not section.rtcp_mux:
        raise SdpError("The audio section does not send RTCP and RTP on one port (rtcp-mux).")
    return RemoteTransport(
        section.ice_ufrag,
        section.ice_pwd,
        description.ice_lite,
        section.candidates,
        section.fingerprints,
    )


def _answering_role(offered: Setup | None, fixed: Setup | None) -> Setup:
    """Our role for an offer's setup; an offer without one means active (RFC 4145 section 4)."""
    if offered is Setup.HOLDCONN:
        raise SdpError("The offer says setup:holdconn, which media over DTLS cannot use.")
    if offered is Setup.ACTPASS:
        return Setup.PASSIVE if fixed is Setup.PASSIVE else Setup.ACTIVE
    role = Setup.ACTIVE if offered is Setup.PASSIVE else Setup.PASSIVE
    if fixed is not None and fixed is not role:
        raise SdpError("The offer would change who started the DTLS handshake of a running leg.")
    return role
