"""What is fuzzed: every parser that reads what strangers send.

A target takes one input and returns. It lets documented errors pass in silence; any other exception
is a find.
"""

import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec
from aioice import Candidate

from offhook.engine.rtp.jitter import JitterBuffer
from offhook.engine.rtp.packet import RtpError, RtpPacket
from offhook.engine.rtp.rewrite import StreamRewriter, map_rtcp
from offhook.engine.rtp.rtcp import parse_rtcp, serialise_rtcp
from offhook.engine.rtp.telephone_event import EVENTS, EventReceiver
from offhook.wire import catalog, mercury, mobius, rest, wdm
from offhook.wire.body import MalformedBodyError, read_body
from offhook.wire.ids import InvalidIdError, bare_uuid
from offhook.wire.name_addr import MAX_NAME, NameAddr, parse_name_addr, render_name_addr
from offhook.wire.phone_number import (
    NotAPhoneNumberError,
    format_for_people,
    normalise_e164,
    parse_dial_string,
)
from offhook.wire.roap import RoapMessage
from offhook.wire.sdp import Fingerprint, SdpError, parse, render
from offhook.wire.sdp.negotiation import LocalSide, build_answer, build_offer, read_answer

CAPTURES = Path(__file__).parents[1] / "tests" / "wire" / "captures"


@dataclass(frozen=True)
class Target:
    """`check` raises on a find. `seeds` are well-formed messages to start from."""

    name: str
    seeds: Sequence[bytes]
    check: Callable[[bytes], None]


def text_of(data: bytes) -> str:
    """Any bytes as text, lone surrogates included, as a careless caller might pass it."""
    return data.decode("utf-8", "surrogateescape")


# --- text ---------------------------------------------------------------------------------------

US = LocalSide(
    session_id=1,
    version=1,
    ice_ufrag="abcd",
    ice_pwd="p" * 22,
    candidates=("1 1 udp 2130706431 127.0.0.1 40000 typ host",),
    fingerprints=(Fingerprint("sha-256", ":".join(["AB"] * 32)),),
    ssrc=1,
    cname="us",
)


def check_sdp(data: bytes) -> None:
    """Read, write again, answer and take as an answer."""
    with suppress(SdpError):
        description = parse(text_of(data))
        if parse(render(description)) != description:
            raise AssertionError("the description reads differently after writing")
        for candidate in description.audio.candidates:
            Candidate.from_sdp(candidate)
        with suppress(SdpError):
            parse(render(build_answer(description, US)[0]))
        read_answer(build_offer(US), description)


def check_phone_number(data: bytes) -> None:
    """Read as dialled, in international form and for a display."""
    text = text_of(data)
    with suppress(NotAPhoneNumberError):
        dialled = parse_dial_string(text)
        if parse_dial_string(dialled.uri) != dialled:
            raise AssertionError("the number reads differently as a URI")
    with suppress(NotAPhoneNumberError):
        normalise_e164(text, "US")
    format_for_people(text, "DE")


def check_name_addr(data: bytes) -> None:
    """Read, and use as a name."""
    text = text_of(data)
    if len(parse_name_addr(text).name) > MAX_NAME:
        raise AssertionError("the name is longer than promised")
    if "\n" in render_name_addr(NameAddr(text, text), "example.org"):
        raise AssertionError("the name broke out of its line")


def check_id(data: bytes) -> None:
    """Read as a resource id."""
    with suppress(InvalidIdError):
        bare_uuid(text_of(data))


# --- bodies -------------------------------------------------------------------------------------


def bodies(*kinds: type[msgspec.Struct]) -> Callable[[bytes], None]:
    """A check that reads its input as each of `kinds` and writes what it understood."""

    def check(data: bytes) -> None:
        for kind in kinds:
            with suppress(MalformedBodyError):
                msgspec.json.encode(read_body(data, kind))

    return check


def captured(*prefixes: str) -> list[bytes]:
    """The captured bodies whose names start so."""
    files = sorted(CAPTURES.glob("*.json"))
    return [file.read_bytes() for file in files if file.stem.startswith(prefixes)]


# --- packets ------------------------------------------------------------------------------------


def rtp(payload_type: int, sequence: int, timestamp: int, ssrc: int, payload: bytes) -> bytes:
    """A packet with the fixed header only."""
    return struct.pack("!BBHII", 0x80, payload_type, sequence, timestamp, ssrc) + payload


RTP_SEEDS = [
    rtp(111, 65535, 4294967000, 7, b"\xf8\xff\xfe"),
    rtp(0x80 | 110, 1, 960, 7, b"\x05\x0a\x03\xc0"),
    struct.pack("!BBHIIHH", 0x90, 111, 2, 1920, 7, 0xBEDE, 1) + b"\x10\xff\x00\x00\xf8",
]
_REPORT = struct.pack("!IIIIII", 9, 0x01000002, 70000, 30, 40, 50)
RTCP_SEEDS = [
    struct.pack("!BBHIIIIII", 0x81, 200, 12, 7, 1, 2, 960, 5, 500) + _REPORT,
    struct.pack("!BBHI", 0x81, 201, 7, 7) + _REPORT,
    struct.pack("!BBHI", 0x81, 202, 3, 7) + b"\x01\x05alice\x00",
    struct.pack("!BBHIIHH", 0x81, 205, 3, 7, 9, 65535, 0xFFFF),
    struct.pack("!BBHII", 0x81, 206, 2, 7, 9),
    struct.pack("!BBHI", 0x81, 203, 1, 7),
]
RTCP_SEEDS.append(RTCP_SEEDS[0] + RTCP_SEEDS[2])


def check_rtp(data: bytes) -> None:
    """Read a packet and write it again."""
    with suppress(RtpError):
        packet = RtpPacket.parse(data)
        if RtpPacket.parse(packet.serialise()) != packet:
            raise AssertionError("the packet reads differently after writing")


def check_rtcp(data: bytes) -> None:
    """Read a compound packet and write it again."""
    with suppress(RtpError):
        packets = parse_rtcp(data)
        with suppress(RtpError):
            if parse_rtcp(serialise_rtcp(packets)) != packets:
                raise AssertionError("the reports read differently after writing")


def check_jitter_buffer(data: bytes) -> None:
    """Play out packets whose headers are cut from the input, one for each 20 ms."""
    buffer = JitterBuffer()
    for turn, start in enumerate(range(0, min(len(data) - 11, 200), 4)):
        header = bytes([0x80, 111]) + data[start + 2 : start + 12]
        buffer.handle(RtpPacket.parse(header + b"\xf8\xff\xfe"), 0.02 * turn)
        buffer.next_frame(0.02 * turn)


def check_relay(data: bytes) -> None:
    """Relay a packet between other packets; the leg lets nothing shorter than a header through."""
    if len(data) < 12:
        return
    stream = StreamRewriter(ssrc=9)
    for packet in (RTP_SEEDS[0], data, RTP_SEEDS[1]):
        out = bytearray(packet)
        passed = stream.rewrite(out, 1.0, {111: 96, 110: 97})
        if not passed and out != packet:
            raise AssertionError("a packet that does not pass was changed")
        if passed and (len(out) != len(packet) or out[12:] != packet[12:]):
            raise AssertionError("the relay changed more than a packet's header")


def check_telephone_event(data: bytes) -> None:
    """A digit, sent three times: found at most once."""
    receiver = EventReceiver()
    digits = [digit for _ in range(3) if (digit := receiver.receive(data, 960)) is not None]
    if len(digits) > 1 or not all(digit in EVENTS for digit in digits):
        raise AssertionError("what was found is not one digit")


def check_relayed_reports(data: bytes) -> None:
    """Relay a compound packet."""
    if len(data) < 12 or not 192 <= data[1] <= 223:  # RFC 5761 section 4
        return
    forward, backward = StreamRewriter(ssrc=8), StreamRewriter(ssrc=9)
    for stream in (forward, backward):
        stream.rewrite(bytearray(RTP_SEEDS[0]), 1.0, {111: 111})
    out = map_rtcp(data, forward, backward)
    if out is not None and len(out) > len(data):
        raise AssertionError("the relay made a report longer")


TARGETS = [
    Target("sdp", [f.read_bytes() for f in sorted(CAPTURES.glob("sdp/*.sdp"))], check_sdp),
    Target(
        "roap",
        [
            b'{"seq":1,"messageType":"OFFER","sdp":"v=0","tieBreaker":4294967294}',
            b'{"seq":2,"messageType":"ERROR","errorType":"OUT_OF_ORDER","errorCause":"late"}',
        ],
        bodies(RoapMessage),
    ),
    Target(
        "mobius",
        captured("mobius", "event"),
        bodies(
            mobius.RegisterRequest,
            mobius.Registration,
            mobius.CreateCallRequest,
            mobius.UpdateCallRequest,
            mobius.MediaRequest,
            mobius.DisconnectRequest,
            mobius.TransferRequest,
            mobius.MobiusError,
            mobius.MobiusEvent,
        ),
    ),
    Target(
        "mercury", captured("mercury", "event"), bodies(mercury.ClientFrame, mercury.ServerFrame)
    ),
    Target(
        "rest",
        captured("rest", "catalog", "wdm"),
        bodies(rest.ErrorBody, rest.Person, catalog.Catalog, wdm.Device, wdm.DeviceRequest),
    ),
    Target(
        "phone_number",
        [
            b"+1 (800) 123-456 ext. 12",
            b"tel:863-1234;phone-context=+1-914-555;ext=5",
            b"#31#",
            "\u202a+\uff11\u0661\u00a0800\u202c".encode(),
        ],
        check_phone_number,
    ),
    Target(
        "name_addr",
        [b'"Alice \\"A\\"" <sip:1001@example.org;user=phone>;tag=1', b"Bob <tel:+1800;ext=1>"],
        check_name_addr,
    ),
    Target(
        "id",
        [
            b"9b0d8a5e-93c7-4e3c-8a40-6a2f2f7b0a01",
            b"Y2lzY29zcGFyazovL3VzL1BFT1BMRS85YjBkOGE1ZS05M2M3LTRlM2MtOGE0MC02YTJmMmY3YjBhMDE",
        ],
        check_id,
    ),
    Target("rtp", RTP_SEEDS, check_rtp),
    Target("rtcp", RTCP_SEEDS, check_rtcp),
    Target("jitter_buffer", [bytes(range(200)), RTP_SEEDS[0] * 12], check_jitter_buffer),
    Target("relay", RTP_SEEDS, check_relay),
    Target("relayed_reports", RTCP_SEEDS, check_relayed_reports),
    Target("telephone_event", [b"\x05\x0a\x03\xc0", b"\x0b\x8a\x1e\x00"], check_telephone_event),
]
