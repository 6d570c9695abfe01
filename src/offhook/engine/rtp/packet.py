"""RTP packets (RFC 3550 section 5.1), and the arithmetic of counters that wrap."""

import struct
from dataclasses import dataclass

_HEADER = struct.Struct("!BBHII")
_EXTENSION = struct.Struct("!HH")
_VERSION = 2


class RtpError(ValueError):
    """The bytes are not RTP or RTCP, or a field does not fit into its bits."""


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """One packet. `timestamp` counts in the clock of the payload type.

    `extension` is the profile's number and the bytes of a header extension, None without one.
    """

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    marker: bool = False
    csrc: tuple[int, ...] = ()
    extension: tuple[int, bytes] | None = None

    @classmethod
    def parse(cls, data: bytes) -> "RtpPacket":
        """Read a packet; padding is taken off. Raises RtpError."""
        if len(data) < _HEADER.size:
            raise RtpError(f"An RTP packet has 12 bytes at least, not {len(data)}.")
        first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
        if first >> 6 != _VERSION:
            raise RtpError(f"RTP has version 2, not {first >> 6}.")
        start = _HEADER.size
        csrc: tuple[int, ...] = ()
        extension = None
        if first & 0x0F:
            count = first & 0x0F
            start += 4 * count
            if start > len(data):
                raise RtpError("The RTP packet ends within its list of sources.")
            csrc = struct.unpack_from(f"!{count}I", data, _HEADER.size)
        if first & 0x10:
            if start + _EXTENSION.size > len(data):
                raise RtpError("The RTP packet ends within its header extension.")
            profile, words = _EXTENSION.unpack_from(data, start)
            start += _EXTENSION.size
            if start + 4 * words > len(data):
                raise RtpError("The RTP packet ends within its header extension.")
            extension = (profile, data[start : start + 4 * words])
            start += 4 * words
        end = len(data)
        if first & 0x20:
            padding = data[-1]
            if not 0 < padding <= end - start:
                raise RtpError("The RTP packet's padding is longer than what it pads.")
            end -= padding
        return cls(
            payload_type=second & 0x7F,
            sequence=sequence,
            timestamp=timestamp,
            ssrc=ssrc,
            payload=data[start:end],
            marker=bool(second & 0x80),
            csrc=csrc,
            extension=extension,
        )

    def serialise(self) -> bytes:
        """The packet as bytes, without padding. Raises RtpError if a field does not fit."""
        first = _VERSION << 6 | len(self.csrc)
        tail = b""
        if len(self.csrc) > 15:
            raise RtpError("An RTP packet names 15 contributing sources at most.")
        if self.extension is not None:
            first |= 0x10
            profile, content = self.extension
            if len(content) % 4:
                raise RtpError("A header extension is a whole number of 32-bit words.")
            tail = _EXTENSION.pack(profile, len(content) // 4) + content
        if not 0 <= self.payload_type < 128:
            raise RtpError(f"A payload type has 7 bits; {self.payload_type} has more.")
        second = self.payload_type | (0x80 if self.marker else 0)
        try:
            header = _HEADER.pack(first, second, self.sequence, self.timestamp, self.ssrc)
            sources = struct.pack(f"!{len(self.csrc)}I", *self.csrc)
        except struct.error as error:
            raise RtpError(f"A field of the RTP header does not fit: {error}.") from error
        return b"".join((header, sources, tail, self.payload))


def sequence_difference(later: int, earlier: int) -> int:
    """How far `later` is ahead of `earlier` in 16 bits: -32768 to 32767."""
    return ((later - earlier + 0x8000) & 0xFFFF) - 0x8000


def timestamp_difference(later: int, earlier: int) -> int:
    """How far `later` is ahead of `earlier` in 32 bits: -2^31 to 2^31 - 1."""
    return ((later - earlier + 0x80000000) & 0xFFFFFFFF) - 0x80000000
