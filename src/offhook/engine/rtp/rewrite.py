"""Header arithmetic of a relay: many sources, one steady stream out.

A receiver sees one SSRC whose sequence numbers and timestamps run on, whoever is plugged in behind
it (RFC 3550 section 5.1). Only the 12 bytes of the fixed header change; RTCP is mapped with the
same offsets, so that reports still describe the packets which the receiver saw.
"""

import struct
from collections.abc import Mapping

_HEADER = struct.Struct("!BBHII")
# Of the header, what a relay changes: all but the first byte.
_REWRITTEN = struct.Struct("!BHII")
_WORD = struct.Struct("!I")

#: Timestamp units of one 20 ms packet at 48 kHz, the clock of Opus (RFC 7587).
FRAME = 960
_CLOCK = 48000
# No receiver bridges a longer pause by its clock anyway.
_LONGEST_GAP = 3600 * _CLOCK // FRAME

SENDER_REPORT = 200
RECEIVER_REPORT = 201
SOURCE_DESCRIPTION = 202
TRANSPORT_FEEDBACK = 205
PAYLOAD_FEEDBACK = 206


def payload_of(packet: bytes) -> bytes:
    """What follows the header, its sources and its extension; empty if the header lies."""
    return packet[payload_start(packet) :]


def payload_start(packet: bytes | memoryview) -> int:
    """Bytes of the header, its sources and its extension; more than there are if it lies."""
    start = 12 + 4 * (packet[0] & 0x0F)
    if packet[0] & 0x10:
        start += 4 + 4 * int.from_bytes(packet[start + 2 : start + 4], "big")
    return start


def timestamp_of(packet: bytes) -> int:
    """The RTP timestamp."""
    return int.from_bytes(packet[4:8], "big")


class StreamRewriter:
    """One outgoing stream with the SSRC `ssrc`, first sequence number and first timestamp given.

    `rewrite` takes whole RTP packets of whatever source is plugged in.
    """

    __slots__ = (
        "_last_at",
        "_sequence_offset",
        "_switch",
        "_timestamp_offset",
        "sequence",
        "source",
        "ssrc",
        "timestamp",
    )

    def __init__(self, ssrc: int, sequence: int = 0, timestamp: int = 0) -> None:
        self.ssrc = ssrc
        self.source: int | None = None
        self.sequence = (sequence - 1) & 0xFFFF
        self.timestamp = timestamp
        self._sequence_offset = 0
        self._timestamp_offset = 0
        self._switch = True
        self._last_at: float | None = None

    def replug(self) -> None:
        """Another source follows; its first packet continues the stream and carries the marker."""
        self._switch = True

    def rewrite(
        self, packet: bytearray | memoryview, now: float, payload_types: Mapping[int, int]
    ) -> bool:
        """Turn the RTP packet at the start of `packet`, in place, into what goes out.

        False, and nothing changed, if the payload type has no counterpart in the map. `now` is in
        seconds of any steady clock.
        """
        second, sequence, timestamp, source = _REWRITTEN.unpack_from(packet, 1)
        payload_type = payload_types.get(second & 0x7F)
        if payload_type is None:
            return False
        marker = second & 0x80
        if self._switch or source != self.source:
            self._plug(source, sequence, timestamp, now)
            marker = 0x80
        sequence = (sequence + self._sequence_offset) & 0xFFFF
        timestamp = (timestamp + self._timestamp_offset) & 0xFFFFFFFF
        if (sequence - self.sequence) & 0xFFFF < 0x8000:
            self.sequence = sequence
            self.timestamp = timestamp
            self._last_at = now
        _REWRITTEN.pack_into(packet, 1, marker | payload_type, sequence, timestamp, self.ssrc)
        return True

    def originate(self, payload: bytes, payload_type: int, now: float) -> bytes:
        """The next packet of this stream with 20 ms of our own audio, which begin at `now`."""
        gap = self._gap(now)
        marker = 0
        if self._switch or self.source is not None or gap > FRAME:
            marker = 0x80
            self.source = None
            self._switch = False
        self.sequence = (self.sequence + 1) & 0xFFFF
        self.timestamp = (self.timestamp + gap) & 0xFFFFFFFF
        self._last_at = now
        header = _HEADER.pack(0x80, marker | payload_type, self.sequence, self.timestamp, self.ssrc)
        return header + payload

    def originate_event(
        self, payload: bytes, payload_type: int, now: float, *, first: bool
    ) -> bytes:
        """The next packet of this stream with an event of our own (RFC 4733), 20 ms at `now`.

        All packets of an event carry the timestamp of its `first` one.
        """
        if first:
            self.timestamp = (self.timestamp + self._gap(now)) & 0xFFFFFFFF
            self._last_at = now
        self._switch = True
        self.sequence = (self.sequence + 1) & 0xFFFF
        marker = 0x80 if first else 0
        header = _HEADER.pack(0x80, marker | payload_type, self.sequence, self.timestamp, self.ssrc)
        return header + payload

    def _plug(self, source: int, sequence: int, timestamp: int, now: float) -> None:
        self.source = source
        self._sequence_offset = (self.sequence + 1 - sequence) & 0xFFFF
        self._timestamp_offset = (self.timestamp + self._gap(now) - timestamp) & 0xFFFFFFFF
        self._switch = False

    def _gap(self, now: float) -> int:
        """Timestamp units to leave between the last packet and the first of another source."""
        if self._last_at is None:
            return FRAME
        frames = round((now - self._last_at) * _CLOCK / FRAME)
        return min(max(frames, 1), _LONGEST_GAP) * FRAME

    # --- for RTCP ---

    def outgoing_timestamp(self, timestamp: int) -> int:
        """The source's RTP timestamp as the receiver of this stream knows it."""
        return (timestamp + self._timestamp_offset) & 0xFFFFFFFF

    def source_sequence(self, extended: int) -> int:
        """The receiver's extended highest sequence number in the source's own counting.

        The count of cycles above the 16 bits stays the receiver's own.
        """
        return (extended & 0xFFFF0000) | self.source_sequence_16(extended)

    def source_sequence_16(self, sequence: int) -> int:
        """A 16-bit sequence number of this stream in the source's own counting."""
        return (sequence - self._sequence_offset) & 0xFFFF


def map_rtcp(
    packet: bytes,
    forward: StreamRewriter,
    backward: StreamRewriter,
    sent: tuple[int, int] = (0, 0),
) -> bytes | None:
    """A compound RTCP packet of one side as the other side must see it, None if nothing is left.

    `forward` carries the sender's own media to the other side, of which `sent` packets and octets
    have gone out; `backward` is the stream that the sender receives and reports about. Sender and
    receiver reports, source descriptions and feedback pass; BYE does not, since the stream outlives
    its source. A damaged packet gives None.
    """
    parts: list[bytearray] = []
    position = 0
    while position + 8 <= len(packet):
        first, kind, words = struct.unpack_from("!BBH", packet, position)
        end = position + 4 * (words + 1)
        if first >> 6 != 2 or end > len(packet):
            return None
        part = bytearray(packet[position:end])
        if _map_part(part, kind, first & 0x1F, forward, backward):
            if kind == SENDER_REPORT:
                struct.pack_into("!II", part, 20, sent[0] & 0xFFFFFFFF, sent[1] & 0xFFFFFFFF)
            parts.append(part)
        position = end
    return b"".join(parts) or None


def _map_part(
    part: bytearray,
    kind: int,
    count: int,
    forward: StreamRewriter,
    backward: StreamRewriter,
) -> bool:
    """Map one report in place; False if it is not to be passed on."""
    if kind == SENDER_REPORT and len(part) >= 28 + 24 * count:
        if _WORD.unpack_from(part, 4)[0] != forward.source:
            return False
        _WORD.pack_into(part, 4, forward.ssrc)
        timestamp = forward.outgoing_timestamp(_WORD.unpack_from(part, 16)[0])
        _WORD.pack_into(part, 16, timestamp)
        _map_blocks(part, 28, count, backward)
        return True
    if kind == RECEIVER_REPORT and len(part) >= 8 + 24 * count:
        _WORD.pack_into(part, 4, forward.ssrc)
        _map_blocks(part, 8, count, backward)
        return True
    if kind == SOURCE_DESCRIPTION and count == 1 and len(part) >= 8:
        _WORD.pack_into(part, 4, forward.ssrc)
        return True
    if kind in (TRANSPORT_FEEDBACK, PAYLOAD_FEEDBACK) and len(part) >= 12:
        return _map_feedback(part, kind, count, forward, backward)
    return False


def _map_blocks(part: bytearray, position: int, count: int, backward: StreamRewriter) -> None:
    for block in range(position, position + 24 * count, 24):
        if _WORD.unpack_from(part, block)[0] == backward.ssrc and backward.source is not None:
            _WORD.pack_into(part, block, backward.source)
            extended = backward.source_sequence(_WORD.unpack_from(part, block + 8)[0])
            _WORD.pack_into(part, block + 8, extended)


def _map_feedback(
    part: bytearray, kind: int, count: int, forward: StreamRewriter, backward: StreamRewriter
) -> bool:
    media = _WORD.unpack_from(part, 8)[0]
    if media != backward.ssrc or backward.source is None:
        return False
    struct.pack_into("!II", part, 4, forward.ssrc, backward.source)
    if kind == TRANSPORT_FEEDBACK and count == 1:
        # Generic NACK (RFC 4585 section 6.2.1): a sequence number and a mask of those after it.
        for position in range(12, len(part) - 3, 4):
            lost = struct.unpack_from("!H", part, position)[0]
            struct.pack_into("!H", part, position, backward.source_sequence_16(lost))
    return True
