"""Reading session descriptions: lenient about what is written, strict about what is meant.

Errors do not quote the text: a description holds addresses and passwords that belong in no log.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from offhook.wire.sdp.model import (
    DISCARD_PORT,
    NO_ADDRESS,
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

#: Longest text that `parse` reads, in characters. Real descriptions have 1000 to 6000.
MAX_LENGTH = 65536

_Line = tuple[str, str]

_TOKEN = re.compile(r"[!#-'*+\-.0-9A-Z^-~]{1,256}")
_NUMBER = re.compile(r"[0-9]{1,20}")
_PRINTABLE = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]*")
_ICE_TEXT = re.compile(r"[A-Za-z0-9+/\-_=]{1,256}")
_ADDRESS = re.compile(r"[A-Za-z0-9.:%_-]{1,255}")
_PROTOCOL = re.compile(r"[A-Za-z0-9/.-]{1,64}")
_DIGEST = re.compile(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){15,63}")
_CANDIDATE = re.compile(
    r"\S{1,64} [0-9]{1,3} \S{1,16} [0-9]{1,10} \S{1,255} [0-9]{1,5} typ \S{1,32}( \S+ \S+)*"
)
_CANDIDATE_NUMBERS = ("rport", "generation")

#: Payload types that need no rtpmap (RFC 3551 section 6), as far as WebRTC peers use them.
_STATIC_CODECS = {
    0: Codec(0, "PCMU", 8000),
    8: Codec(8, "PCMA", 8000),
    9: Codec(9, "G722", 8000),
    13: Codec(13, "CN", 8000),
}


def parse(text: str) -> SessionDescription:
    """Read a description, with LF or CRLF. Raises `SdpError` with a sentence, nothing else.

    ``m=audio 0`` with candidates is read as port 9: the official client writes it when it knows
    no default candidate, and means a live section.
    """
    if len(text) > MAX_LENGTH:
        raise SdpError(f"The session description is longer than {MAX_LENGTH} characters.")
    lines = text.replace("\r\n", "\n").strip("\n").split("\n")
    if lines[0].rstrip() != "v=0":
        raise SdpError("The session description does not start with v=0.")
    session, sections = _split(lines)
    session_id, version = _read_origin(session)
    shared = _read_attributes(session)
    parsed: list[AudioSection | OtherSection] = []
    for section in sections:
        kind, port, protocol, formats = _read_media_line(section[0][1])
        if kind == "audio" and not any(isinstance(other, AudioSection) for other in parsed):
            parsed.append(_read_audio(port, protocol, formats, section, shared))
        else:
            mid = _read_attributes(section).mid
            parsed.append(OtherSection(kind, port, protocol, formats, mid))
    if not any(isinstance(section, AudioSection) for section in parsed):
        raise SdpError("The session description has no audio section.")
    return SessionDescription(session_id, version, tuple(parsed), shared.bundle, shared.ice_lite)


@dataclass(slots=True)
class _Attributes:
    """What the ``a=`` and ``c=`` lines of one level say."""

    address: str | None = None
    mid: str | None = None
    bundle: tuple[str, ...] = ()
    direction: Direction | None = None
    rtcp_mux: bool = False
    rtcp_rsize: bool = False
    ice_lite: bool = False
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


def _split(lines: list[str]) -> tuple[list[_Line], list[list[_Line]]]:
    """The session's lines and those of each section, as (letter, value)."""
    session: list[_Line] = []
    sections: list[list[_Line]] = []
    for line in lines:
        if len(line) < 2 or line[1] != "=" or not _PRINTABLE.fullmatch(line):
            raise SdpError("This is not a line of a session description.")
        pair = (line[0], line[2:].strip(" "))
        if pair[0] == "m":
            sections.append([pair])
        elif sections:
            sections[-1].append(pair)
        else:
            session.append(pair)
    return session, sections


def _read_origin(session: list[_Line]) -> tuple[int, int]:
    origin = next((value for letter, value in session if letter == "o"), "")
    fields = origin.split(" ")
    if len(fields) != 6:
        raise SdpError("The session description needs an o= line with six fields.")
    return _number(fields[1], "session id"), _number(fields[2], "session version")


def _read_media_line(value: str) -> tuple[str, int, str, str]:
    kind, _, rest = value.partition(" ")
    port, _, rest = rest.partition(" ")
    protocol, _, formats = rest.partition(" ")
    formats = " ".join(formats.split())
    if not (_TOKEN.fullmatch(kind) and _PROTOCOL.fullmatch(protocol) and formats):
        raise SdpError("The media line cannot be read.")
    number, _, _count = port.partition("/")
    return kind, _number(number, "port", 65535), protocol, formats


def _read_audio(
    port: int, protocol: str, formats: str, lines: list[_Line], shared: _Attributes
) -> AudioSection:
    own = _read_attributes(lines)
    candidates = own.candidates or shared.candidates
    return AudioSection(
        codecs=_read_codecs(formats, lines),
        port=DISCARD_PORT if port == 0 and candidates else port,
        protocol=protocol,
        address=own.address or shared.address or NO_ADDRESS,
        mid=own.mid,
        direction=own.direction or shared.direction or Direction.SENDRECV,
        rtcp_mux=own.rtcp_mux,
        rtcp_rsize=own.rtcp_rsize,
        ice_ufrag=own.ice_ufrag or shared.ice_ufrag,
        ice_pwd=own.ice_pwd or shared.ice_pwd,
        ice_options=own.ice_options or shared.ice_options,
        candidates=candidates,
        end_of_candidates=own.end_of_candidates or shared.end_of_candidates,
        fingerprints=own.fingerprints or shared.fingerprints,
        setup=own.setup or shared.setup,
        extensions=own.extensions or shared.extensions,
        ptime=own.ptime,
        maxptime=own.maxptime,
        ssrc=own.ssrc,
        cname=own.cname,
        msid=own.msid,
    )


def _read_codecs(formats: str, lines: Iterable[_Line]) -> tuple[Codec, ...]:
    names: dict[int, Codec] = dict(_STATIC_CODECS)
    parameters: dict[int, str] = {}
    for attribute, value in _attributes_of(lines):
        if attribute == "rtpmap":
            payload_type, rest = _payload_type_and_rest(attribute, value)
            names[payload_type] = _read_rtpmap(payload_type, rest)
        elif attribute == "fmtp":
            payload_type, parameters_text = _payload_type_and_rest(attribute, value)
            parameters[payload_type] = parameters_text
    listed = dict.fromkeys(_number(entry, "payload type", 127) for entry in formats.split())
    codecs = tuple(
        replace(names[payload_type], parameters=parameters.get(payload_type, ""))
        for payload_type in listed
        if payload_type in names
    )
    if not codecs:
        raise SdpError("The audio section names no codec.")
    return codecs


def _payload_type_and_rest(attribute: str, value: str) -> tuple[int, str]:
    payload_type, _, rest = value.partition(" ")
    rest = rest.strip(" ")
    if not rest:
        raise SdpError(f"The {attribute} attribute cannot be read.")
    return _number(payload_type, "payload type", 127), rest


def _read_rtpmap(payload_type: int, value: str) -> Codec:
    name, clock_rate, *channels = value.split("/")[:3] if "/" in value else (value, "")
    if not _TOKEN.fullmatch(name):
        raise SdpError("The rtpmap attribute cannot be read.")
    return Codec(
        payload_type,
        name,
        _number(clock_rate, "clock rate", 1_000_000),
        _number(channels[0], "channel count", 255) if channels else 1,
    )


def _attributes_of(lines: Iterable[_Line]) -> Iterator[tuple[str, str]]:
    for letter, value in lines:
        if letter == "a":
            name, _, rest = value.partition(":")
            yield name, rest.strip(" ")


def _read_attributes(lines: list[_Line]) -> _Attributes:
    found = _Attributes()
    for letter, value in lines:
        if letter == "c":
            found.address = _read_connection(value)
    for name, value in _attributes_of(lines):
        match name:
            case "mid":
                found.mid = _token(value, name)
            case "group" if value.split(" ")[0] == "BUNDLE":
                found.bundle = tuple(_token(mid, name) for mid in value.split()[1:])
            case "sendrecv" | "sendonly" | "recvonly" | "inactive":
                found.direction = Direction(name)
            case "rtcp-mux":
                found.rtcp_mux = True
            case "rtcp-rsize":
                found.rtcp_rsize = True
            case "ice-lite":
                found.ice_lite = True
            case "ice-ufrag":
                found.ice_ufrag = _matching(_ICE_TEXT, value, name)
            case "ice-pwd":
                found.ice_pwd = _matching(_ICE_TEXT, value, name)
            case "ice-options":
                found.ice_options = tuple(_token(option, name) for option in value.split())
            case "candidate":
                found.candidates += (_read_candidate(value),)
            case "end-of-candidates":
                found.end_of_candidates = True
            case "fingerprint":
                found.fingerprints += (_read_fingerprint(value),)
            case "setup":
                found.setup = _read_setup(value)
            case "extmap":
                found.extensions += (_read_extension(value),)
            case "ptime":
                found.ptime = _number(value, name, 1000)
            case "maxptime":
                found.maxptime = _number(value, name, 1000)
            case "msid":
                found.msid = value or None
            case "ssrc":
                _read_ssrc(value, found)
    return found


def _read_connection(value: str) -> str:
    fields = value.split()
    if len(fields) != 3 or fields[0] != "IN" or fields[1] not in ("IP4", "IP6"):
        raise SdpError("The connection line cannot be read.")
    address = fields[2].partition("/")[0]
    return _matching(_ADDRESS, address, "connection address")


def _read_candidate(value: str) -> str:
    candidate = " ".join(value.split())
    _matching(_CANDIDATE, candidate, "candidate")
    fields = candidate.split(" ")
    _number(fields[5], "candidate port", 65535)
    for name, extension in zip(fields[8::2], fields[9::2], strict=True):
        if name in _CANDIDATE_NUMBERS:
            _number(extension, f"candidate {name}", 2**32 - 1)
    return candidate


def _read_fingerprint(value: str) -> Fingerprint:
    algorithm, _, digest = value.partition(" ")
    digest = _matching(_DIGEST, digest.strip(" "), "fingerprint")
    return Fingerprint(_token(algorithm, "fingerprint").lower(), digest.upper())


def _read_setup(value: str) -> Setup:
    try:
        return Setup(value)
    except ValueError:
        raise SdpError("The setup attribute cannot be read.") from None


def _read_extension(value: str) -> HeaderExtension:
    entry, _, rest = value.partition(" ")
    number, _, _direction = entry.partition("/")
    uri = rest.split(" ")[0]
    if not uri:
        raise SdpError("The extmap attribute cannot be read.")
    return HeaderExtension(_number(number, "extmap id", 4351), uri)


def _read_ssrc(value: str, found: _Attributes) -> None:
    """Only the first SSRC counts: an audio section of a call has one source."""
    number, _, rest = value.partition(" ")
    ssrc = _number(number, "ssrc", 2**32 - 1)
    if found.ssrc is None:
        found.ssrc = ssrc
    name, _, text = rest.partition(":")
    if ssrc == found.ssrc and name == "cname" and text:
        found.cname = text


def _number(text: str, what: str, most: int = 2**64 - 1) -> int:
    if not _NUMBER.fullmatch(text) or int(text) > most:
        raise SdpError(f"The {what} is not a number from 0 to {most}.")
    return int(text)


def _token(text: str, what: str) -> str:
    return _matching(_TOKEN, text, what)


def _matching(pattern: re.Pattern[str], text: str, what: str) -> str:
    if not pattern.fullmatch(text):
        raise SdpError(f"The {what} attribute cannot be read.")
    return text
