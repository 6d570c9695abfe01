"""Digits in RTP (RFC 4733): sent as a run of packets with one timestamp, received exactly once.

Times in seconds. The clock is that of the negotiated payload type, 48000 or 8000 Hz.
"""

import struct
from collections import deque
from dataclasses import dataclass

from offhook.engine.rtp.packet import timestamp_difference

#: The keys, in the order of their event codes.
EVENTS = "0123456789*#ABCD"
#: Seconds between two packets of an event.
PACKET_SECONDS = 0.020

_PAYLOAD = struct.Struct("!BBH")
_END = 0x80
_VOLUME = 10  # dBm0, negated
_END_REPEATS = 3
_FULL = 0xFFFF  # the longest duration that a segment can tell
_REMEMBERED = 16


class InvalidDigitError(ValueError):
    """Not a key of a telephone."""


@dataclass(frozen=True, slots=True)
class EventPacket:
    """One packet of an event, to be put into RTP. `first` asks for the marker bit.

    All packets of an event carry the `timestamp` of its begin.
    """

    payload: bytes
    first: bool
    timestamp: int


class EventSender:
    """Turns digits into packets. Call `packet` every 20 ms while `busy`.

    `on` and `off` are the seconds that a digit and the pause behind it last. A receiver that plays
    digits lets the tone ring on until other audio comes, which is after the last of the end
    packets; the pause is long enough to be heard all the same.
    """

    def __init__(self, rate: int, *, on: float = 0.16, off: float = 0.12) -> None:
        self._step = round(rate * PACKET_SECONDS)
        self._steps = max(round(on / PACKET_SECONDS), 3)
        # The tone is over with the first of the end packets; the others are sent in the pause.
        self._pause = max(round(off / PACKET_SECONDS) - (_END_REPEATS - 1), 0)
        self._queue: deque[int] = deque()
        self._code: int | None = None
        self._timestamp = 0
        self._sent = 0
        self._rest = 0

    @property
    def busy(self) -> bool:
        """Whether a digit is under way or waits."""
        return self._code is not None or bool(self._queue) or self._rest > 0

    def send(self, digits: str) -> None:
        """Queue ``0-9 * # A-D``. Raises InvalidDigitError and queues nothing if one is not."""
        codes = []
        for digit in digits.upper():
            code = EVENTS.find(digit)
            if code < 0 or not digit:
                raise InvalidDigitError(
                    f"{digit!r} is not a key of a telephone; use 0-9, *, # and A-D."
                )
            codes.append(code)
        self._queue.extend(codes)

    def packet(self, timestamp: int) -> EventPacket | None:
        """The packet for the 20 ms that begin at RTP time `timestamp`; None in a pause."""
        if self._rest:
            self._rest -= 1
            return None
        if self._code is None:
            if not self._queue:
                return None
            self._code = self._queue.popleft()
            self._timestamp = timestamp
            self._sent = 0
        self._sent += 1
        over = self._sent - self._steps
        flags = _VOLUME | (_END if over >= 0 else 0)
        duration = min(min(self._sent, self._steps) * self._step, _FULL)
        packet = EventPacket(
            _PAYLOAD.pack(self._code, flags, duration), self._sent == 1, self._timestamp
        )
        if over >= _END_REPEATS - 1:
            self._code = None
            self._rest = self._pause
        return packet

    def clear(self) -> None:
        """Forget what waits, and what is under way."""
        self._queue.clear()
        self._code = None
        self._rest = 0


class EventReceiver:
    """Finds the digits in the packets of one stream, each once, as soon as its first packet comes.

    An event is known by its RTP timestamp; packets of one that was reported already, late or
    repeated ones included, are passed over. A key that is held so long that its event is sent in
    segments (section 2.5.1.3) is one digit.
    """

    def __init__(self) -> None:
        self._seen: deque[tuple[int, int]] = deque(maxlen=_REMEMBERED)
        self._held: _Segment | None = None

    def receive(self, payload: bytes, timestamp: int) -> str | None:
        """The digit that `payload` begins, None if it is known already or is not a digit."""
        if len(payload) < _PAYLOAD.size:
            return None
        code, flags, duration = _PAYLOAD.unpack_from(payload)
        if code >= len(EVENTS):
            return None
        held = self._held
        if (code, timestamp) in self._seen:
            if held is not None and timestamp == held.timestamp:
                held.note(flags, duration)
            return None
        self._seen.append((code, timestamp))
        self._held = _Segment(code, timestamp)
        self._held.note(flags, duration)
        if held is not None and held.continued_by(code, timestamp):
            return None
        return EVENTS[code]


@dataclass(slots=True)
class _Segment:
    """The latest event, as far as its packets told."""

    code: int
    timestamp: int
    duration: int = 0
    over: bool = False

    def note(self, flags: int, duration: int) -> None:
        self.duration = max(self.duration, duration)
        self.over = self.over or bool(flags & _END)

    def continued_by(self, code: int, timestamp: int) -> bool:
        """Whether an event is the next segment: it begins where this one is full and not over."""
        step = timestamp_difference(timestamp, self.timestamp)
        return (
            code == self.code
            and not self.over
            and self.duration >= _FULL // 2
            and self.duration <= step <= _FULL + _FULL // 8
        )
