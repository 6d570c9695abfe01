"""Writing session descriptions, in the order of lines that browsers use."""

from collections.abc import Iterable, Iterator

from offhook.wire.sdp.model import (
    DISCARD_PORT,
    NO_ADDRESS,
    AudioSection,
    OtherSection,
    SdpError,
    SessionDescription,
)


def render(description: SessionDescription, newline: str = "\r\n") -> str:
    """The text of `description`, each line ended by `newline`.

    Raises `SdpError` if a value contains a line break.
    """
    lines = [
        "v=0",
        f"o=- {description.session_id} {description.version} IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
    ]
    if description.bundle:
        lines.append(f"a=group:BUNDLE {' '.join(description.bundle)}")
    if description.ice_lite:
        lines.append("a=ice-lite")
    for section in description.sections:
        match section:
            case AudioSection():
                lines += _render_audio(section)
            case OtherSection():
                lines += _render_other(section)
    if any("\n" in line or "\r" in line for line in lines):
        raise SdpError("A value of the session description contains a line break.")
    return newline.join(lines) + newline


def _connection(address: str) -> str:
    return f"IN {'IP6' if ':' in address else 'IP4'} {address}"


def _render_other(section: OtherSection) -> list[str]:
    lines = [
        f"m={section.kind} {section.port} {section.protocol} {section.formats}",
        f"c={_connection(NO_ADDRESS)}",
        "a=inactive",
    ]
    if section.mid is not None:
        lines.append(f"a=mid:{section.mid}")
    return lines


def _render_audio(section: AudioSection) -> list[str]:
    payload_types = " ".join(str(codec.payload_type) for codec in section.codecs)
    lines = [
        f"m=audio {section.port} {section.protocol} {payload_types}",
        f"c={_connection(section.address)}",
        f"a=rtcp:{DISCARD_PORT} {_connection(NO_ADDRESS)}",
    ]
    lines += [f"a=candidate:{candidate}" for candidate in section.candidates]
    optional = [
        ("end-of-candidates", section.end_of_candidates),
        ("ice-ufrag", section.ice_ufrag),
        ("ice-pwd", section.ice_pwd),
        ("ice-options", " ".join(section.ice_options)),
    ]
    lines += _render_optional(optional)
    lines += [f"a=fingerprint:{f.algorithm} {f.digest}" for f in section.fingerprints]
    lines += _render_optional([("setup", section.setup), ("mid", section.mid)])
    lines += [f"a=extmap:{extension.id} {extension.uri}" for extension in section.extensions]
    lines.append(f"a={section.direction}")
    optional = [
        ("msid", section.msid),
        ("rtcp-mux", section.rtcp_mux),
        ("rtcp-rsize", section.rtcp_rsize),
    ]
    lines += _render_optional(optional)
    for codec in section.codecs:
        channels = f"/{codec.channels}" if codec.channels != 1 else ""
        lines.append(f"a=rtpmap:{codec.payload_type} {codec.name}/{codec.clock_rate}{channels}")
        if codec.parameters:
            lines.append(f"a=fmtp:{codec.payload_type} {codec.parameters}")
    lines += _render_optional([("ptime", section.ptime), ("maxptime", section.maxptime)])
    if section.ssrc is not None:
        cname = f" cname:{section.cname}" if section.cname else ""
        lines.append(f"a=ssrc:{section.ssrc}{cname}")
    return lines


def _render_optional(attributes: Iterable[tuple[str, str | int | bool | None]]) -> Iterator[str]:
    """The attributes that are there: a flag, if it is set; a value, if there is one."""
    for name, value in attributes:
        if value is True:
            yield f"a={name}"
        elif value is not None and value is not False and value != "":
            yield f"a={name}:{value}"
