"""RTCP (RFC 3550 section 6): sender and receiver reports, descriptions, goodbyes."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import assert_never

from offhook.engine.rtp.packet import RtpError

_BLOCK = struct.Struct("!IIIIII")
_SENDER = struct.Struct("!IIIIII")
_WORD = struct.Struct("!I")
_CNAME = 1
_MOST_IN_ONE = 31
_FIRST_PACKET_TYPE = 192  # 192 to 223 are RTCP's on a port that RTP shares (RFC 5761)
_LAST_PACKET_TYPE = 223


class RtcpType(IntEnum):
    """The packet types that are read and written here."""

    SENDER_REPORT = 200
    RECEIVER_REPORT = 201
    SOURCE_DESCRIPTION = 202
    GOODBYE = 203


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """How the source `ssrc` is received (section 6.4.1).

    `fraction_lost` is in 256ths since the last report, `cumulative_lost` may be negative because of
    duplicates. `highest_sequence` counts cycles in its upper half. `jitter` is in timestamp units.
    `last_sender_report` is the middle of the NTP time of the last SR, `delay_since` the time since
    then in 65536ths of a second; both 0 without one.
    """

    ssrc: int
    fraction_lost: int
    cumulative_lost: int
    highest_sequence: int
    jitter: int
    last_sender_report: int = 0
    delay_since: int = 0


@dataclass(frozen=True, slots=True)
class SenderReport:
    """What `ssrc` sent: `ntp_time` is 64 bits (seconds since 1900 and fraction)."""

    ssrc: int
    ntp_time: int
    rtp_time: int
    packets: int
    octets: int
    blocks: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    """A report of somebody who has sent nothing lately."""

    ssrc: int
    blocks: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceDescription:
    """The canonical name of each source; other items are not kept."""

    names: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Goodbye:
    """These sources have left."""

    sources: tuple[int, ...]
    reason: str = ""


RtcpPacket = SenderReport | ReceiverReport | SourceDescription | Goodbye


def parse_rtcp(data: bytes) -> list[RtcpPacket]:
    """The packets of a compound packet; kinds that are not known here are passed over.

    Raises RtpError if the lengths do not add up or a packet is shorter than its kind.
    """
    packets: list[RtcpPacket] = []
    position = 0
    if not data:
        raise RtpError("An RTCP packet is empty.")
    while position < len(data):
        if position + 4 > len(data):
            raise RtpError("An RTCP packet ends within its header.")
        first, kind, words = struct.unpack_from("!BBH", data, position)
        end = position + 4 * (words + 1)
        if first >> 6 != 2 or not _FIRST_PACKET_TYPE <= kind <= _LAST_PACKET_TYPE:
            raise RtpError("The bytes are not RTCP.")
        if end > len(data):
            raise RtpError("An RTCP packet is shorter than it says.")
        body = data[position + 4 : end]
        if first & 0x20:
            if not body or not 0 < body[-1] <= len(body):
                raise RtpError("The RTCP packet's padding is longer than what it pads.")
            body = body[: -body[-1]]
        try:
            packet = _read(kind, first & 0x1F, body)
        except (struct.error, IndexError) as error:
            raise RtpError("An RTCP packet is shorter than its kind.") from error
        if packet is not None:
            packets.append(packet)
        position = end
    return packets


def _read(kind: int, count: int, body: bytes) -> RtcpPacket | None:
    match kind:
        case RtcpType.SENDER_REPORT:
            ssrc, high, low, rtp_time, packets, octets = _SENDER.unpack_from(body)
            blocks = _read_blocks(body, _SENDER.size, count)
            return SenderReport(ssrc, high << 32 | low, rtp_time, packets, octets, blocks)
        case RtcpType.RECEIVER_REPORT:
            return ReceiverReport(_WORD.unpack_from(body)[0], _read_blocks(body, 4, count))
        case RtcpType.SOURCE_DESCRIPTION:
            return SourceDescription(_read_names(body, count))
        case RtcpType.GOODBYE:
            sources = struct.unpack_from(f"!{count}I", body)
            text = body[4 * count :]
            reason = text[1 : 1 + text[0]].decode("utf-8", "replace") if text else ""
            return Goodbye(sources, reason)
        case _:
            return None


def _read_blocks(body: bytes, position: int, count: int) -> tuple[ReportBlock, ...]:
    blocks = []
    for _ in range(count):
        ssrc, loss, highest, jitter, last, delay = _BLOCK.unpack_from(body, position)
        lost = loss & 0xFFFFFF
        lost -= (lost & 0x800000) << 1
        blocks.append(ReportBlock(ssrc, loss >> 24, lost, highest, jitter, last, delay))
        position += _BLOCK.size
    return tuple(blocks)


def _read_names(body: bytes, count: int) -> tuple[tuple[int, str], ...]:
    names = []
    position = 0
    for _ in range(count):
        ssrc = _WORD.unpack_from(body, position)[0]
        position += 4
        while body[position]:
            length = body[position + 1]
            text = body[position + 2 : position + 2 + length]
            if len(text) < length:
                raise IndexError("the item ends outside of the packet")
            if body[position] == _CNAME:
                names.append((ssrc, text.decode("utf-8", "replace")))
            position += 2 + length
        position += 4 - position % 4  # an end mark, and on to the next word
    return tuple(names)


def serialise_rtcp(packets: Sequence[RtcpPacket]) -> bytes:
    """A compound packet. Raises RtpError if a field does not fit."""
    try:
        return b"".join(_write(packet) for packet in packets)
    except struct.error as error:
        raise RtpError(f"A field of an RTCP packet does not fit: {error}.") from error


def _write(packet: RtcpPacket) -> bytes:
    match packet:
        case SenderReport(ssrc, ntp_time, rtp_time, sent, octets, blocks):
            ntp = ntp_time >> 32, ntp_time & 0xFFFFFFFF
            body = _SENDER.pack(ssrc, *ntp, rtp_time, sent, octets) + _write_blocks(blocks)
            return _framed(RtcpType.SENDER_REPORT, len(blocks), body)
        case ReceiverReport(ssrc, blocks):
            body = _WORD.pack(ssrc) + _write_blocks(blocks)
            return _framed(RtcpType.RECEIVER_REPORT, len(blocks), body)
        case SourceDescription(names):
            chunks = []
            for ssrc, name in names:
                text = name.encode()
                chunk = _WORD.pack(ssrc) + struct.pack("!BB", _CNAME, len(text)) + text
                chunks.append(chunk + b"\0" * (4 - len(chunk) % 4))
            return _framed(RtcpType.SOURCE_DESCRIPTION, len(names), b"".join(chunks))
        case Goodbye(sources, reason):
            body = struct.pack(f"!{len(sources)}I", *sources)
            if reason:
                text = reason.encode()
                body += struct.pack("!B", len(text)) + text
                body += b"\0" * (-len(body) % 4)
            return _framed(RtcpType.GOODBYE, len(sources), body)
        case _:
            assert_never(packet)


def _write_blocks(blocks: tuple[ReportBlock, ...]) -> bytes:
    return b"".join(
        _BLOCK.pack(
            block.ssrc,
            block.fraction_lost << 24 | block.cumulative_lost & 0xFFFFFF,
            block.highest_sequence,
            block.jitter,
            block.last_sender_report,
            block.delay_since,
        )
        for block in blocks
    )


def _framed(kind: RtcpType, count: int, body: bytes) -> bytes:
    if count > _MOST_IN_ONE:
        raise RtpError(f"One RTCP packet speaks of {_MOST_IN_ONE} sources at most.")
    return struct.pack("!BBH", 0x80 | count, kind, len(body) // 4) + body
