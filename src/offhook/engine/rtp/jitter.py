"""The playout buffer: takes packets as the network delivers them, gives audio as it is to be heard.

Each packet waits so long that 99 of 100 come in time, and no longer. When the delay has to change,
frames are marked to be played a little shorter or longer, so that nothing is left out. A lost
packet costs one concealed frame; while nothing comes the stream stands still, so that packets which
are late but not lost are played. Repeated packets are dropped.

Time is an argument, in seconds of any steady clock.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from offhook.engine.rtp.opus_duration import UNIT, opus_ticks
from offhook.engine.rtp.packet import RtpPacket, sequence_difference, timestamp_difference
from offhook.engine.rtp.transit import TransitWindow

_MILLISECOND = 48
#: Ticks of a frame of 20 ms at 48 kHz.
FRAME = 20 * _MILLISECOND

# Added to what 99 of 100 packets need.
_MARGIN = 8 * _MILLISECOND
# Before so many packets came, the delay is the first one.
_SETTLED = 50
# Delay beyond the target at which frames begin and cease to be shortened, or are lengthened. Who
# asks for whole frames sees the delay change in steps of one, so the band is one frame wide.
_SHORTEN_ABOVE = 17 * _MILLISECOND
_SHORTEN_UNTIL = 7 * _MILLISECOND
_LENGTHEN_BELOW = -3 * _MILLISECOND
# Frames between two that change their length, unless the delay is far off.
_REST = 2
_FAR_OFF = 60 * _MILLISECOND
# Audio this much too old, with newer at hand, is left out.
_OVERDUE = 200 * _MILLISECOND
# Frames concealed without a sign of life before it counts as a pause.
_LONGEST_CONCEALMENT = 5 * FRAME
# A transit this far from the others, or a step of the sequence numbers so large: a new stream.
_JUMP = 2000 * _MILLISECOND
_SEQUENCE_JUMP = 1000
# For so long after a new SSRC came, packets of the old one are late ones.
_LEFTOVERS = 1.0
_MOST_PACKETS = 250


class Pace(Enum):
    """Whether a frame is played as it is, or a few ms are to be taken out or put in."""

    STEADY = "steady"
    SHORTEN = "shorten"
    LENGTHEN = "lengthen"


@dataclass(frozen=True, slots=True)
class Frame:
    """A packet's payload, to be decoded now; `ticks` is its duration."""

    payload: bytes
    ticks: int
    pace: Pace = Pace.STEADY


@dataclass(frozen=True, slots=True)
class Lost:
    """Audio is missing for `ticks` and to be concealed.

    `following` is the payload right behind the hole if it is there already: it may carry a copy of
    what was lost.
    """

    ticks: int
    following: bytes | None = None


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing to play for `ticks`: before the first packet, or in a pause of the sender."""

    ticks: int = FRAME


Playout = Frame | Lost | Silence


@dataclass(slots=True)
class JitterCounts:
    """What happened to packets and frames since the start."""

    duplicates: int = 0
    late: int = 0
    discarded: int = 0
    malformed: int = 0
    played_ticks: int = 0
    concealed_ticks: int = 0
    restarts: int = 0


@dataclass(slots=True)
class _Waiting:
    payload: bytes
    timestamp: int
    ticks: int


class JitterBuffer:
    """`handle` each packet of the stream, call `next_frame` whenever more audio is needed.

    The delay of a packet, from the arrival of the fastest to the playing, starts at `first_delay`
    and then follows the jitter between `least_delay` and `most_delay` (seconds). `ticks_of` reads
    the duration of a payload in ticks of 48 kHz, 0 if it is none.
    """

    def __init__(
        self,
        *,
        first_delay: float = 0.040,
        least_delay: float = 0.020,
        most_delay: float = 0.200,
        ticks_of: Callable[[bytes], int] = opus_ticks,
    ) -> None:
        self._first = _ticks(first_delay)
        self._least = _ticks(least_delay)
        self._most = _ticks(most_delay)
        self._ticks_of = ticks_of
        self.counts = JitterCounts()
        self._ssrc: int | None = None
        self._former_ssrc: int | None = None
        self._restart(None, 0, 0)

    def _restart(self, ssrc: int | None, sequence: int, timestamp: int) -> None:
        self._ssrc = ssrc
        self._packets: dict[int, _Waiting] = {}
        self._transits = TransitWindow()
        self._highest = sequence
        self._newest = timestamp
        self._played = sequence - 1  # whatever is not above it is late
        self._expected: int | None = None  # timestamp of what is to be played next
        self._filled = 0  # ticks played for want of anything since then
        self._others: set[int] = set()  # sequence numbers that carried no audio
        self._suspect: int | None = None
        self._arrived_at = 0.0
        self._shortening = False
        self._rested = 0
        self._delay = 0

    # --- packets ---

    def handle(self, packet: RtpPacket, now: float, since: float | None = None) -> None:
        """Take an audio packet that came at `now`.

        A machine that was held up does not know when a packet came: between `since` and `now`. It
        is taken to have come in time, if that is possible, so that our own stalls do not count as
        the network's.
        """
        ticks = self._ticks_of(packet.payload)
        if ticks <= 0:
            self.counts.malformed += 1
            return
        if packet.ssrc != self._ssrc and not self._follow(packet, now):
            return
        step = sequence_difference(packet.sequence, self._highest & 0xFFFF)
        if abs(step) > _SEQUENCE_JUMP:
            if not self._believed(packet.sequence):
                return
            self._begin_anew(packet)
            step = 0
        self._suspect = None
        timestamp = self._newest + timestamp_difference(packet.timestamp, self._newest & 0xFFFFFFFF)
        transit = _ticks(now) - timestamp
        if since is not None and len(self._transits):
            earliest = _ticks(since) - timestamp
            transit = min(max(self._transits.fastest, earliest), transit)
        if len(self._transits) and abs(transit - self._transits.fastest) > _JUMP:
            if step <= 0:
                self.counts.late += 1
                return
            self._begin_anew(packet)
            timestamp, step = self._newest, 0
            transit = _ticks(now) - timestamp
        sequence = self._highest + step
        self._store(sequence, _Waiting(packet.payload, timestamp, ticks), transit)
        self._arrived_at = now

    def pass_over(self, sequence: int) -> None:
        """The packet of this number is there but carries no audio (a digit, RFC 4733)."""
        step = sequence_difference(sequence, self._highest & 0xFFFF)
        if self._ssrc is None or abs(step) > _SEQUENCE_JUMP:
            return
        extended = self._highest + step
        self._highest = max(self._highest, extended)
        if extended > self._played:
            self._others.add(extended)

    def _store(self, sequence: int, waiting: _Waiting, transit: int) -> None:
        if sequence in self._packets:
            self.counts.duplicates += 1
            return
        self._transits.add(transit)
        self._highest = max(self._highest, sequence)
        self._newest = max(self._newest, waiting.timestamp)
        late = False
        if self._expected is None:
            self._played = min(self._played, sequence - 1)
        else:
            late = waiting.timestamp < self._expected
        if sequence <= self._played or late:
            self.counts.late += 1
            return
        self._packets[sequence] = waiting
        if len(self._packets) > _MOST_PACKETS:
            self._discard(min(self._packets))

    def _follow(self, packet: RtpPacket, now: float) -> bool:
        """Whether to follow a new SSRC."""
        if packet.ssrc == self._former_ssrc and now - self._arrived_at < _LEFTOVERS:
            self.counts.late += 1
            return False
        self._former_ssrc = self._ssrc
        self._begin_anew(packet)
        return True

    def _believed(self, sequence: int) -> bool:
        """A number far off is believed when the next one follows it (RFC 3550 appendix A.1)."""
        if sequence == self._suspect:
            return True
        self._suspect = (sequence + 1) & 0xFFFF
        self.counts.late += 1
        return False

    def _begin_anew(self, packet: RtpPacket) -> None:
        if self._ssrc is not None:
            self.counts.restarts += 1
            self.counts.discarded += len(self._packets)
        self._restart(packet.ssrc, packet.sequence, packet.timestamp)

    def forget(self) -> None:
        """Drop what waits and begin anew with the next packet: the stream was interrupted."""
        self.counts.discarded += len(self._packets)
        self._restart(None, 0, 0)

    # --- audio ---

    def next_frame(self, now: float, ahead: float = 0.0) -> Playout:
        """What to play after the `ahead` seconds of audio that the caller still holds at `now`."""
        if not self._packets:
            return self._filler(self._expected is None or self._highest in self._others)
        time = _ticks(now + ahead)
        target = self._transits.fastest + self._target_delay(_ticks(ahead))
        self._leave_out_overdue(time, target)
        sequence = min(self._packets)
        waiting = self._packets[sequence]
        offset = time - waiting.timestamp
        if self._expected is None:
            if offset < target - FRAME // 2:
                return Silence()
            self._expected = waiting.timestamp
        hole = waiting.timestamp - self._expected - self._filled
        lost = self._missing_before(sequence)
        if lost and hole >= UNIT and offset < target + _FAR_OFF:
            return self._bridge(sequence, hole)
        if (hole >= UNIT or self._filled) and offset < target - FRAME // 2:
            # Behind a pause or a stall the delay is built up again before anything is played.
            return self._filler(not lost)
        self._delay = offset - self._transits.fastest
        return self._play(sequence, offset - target)

    def _filler(self, pause: bool) -> Playout:
        if self._expected is None:
            return Silence()
        self._filled += FRAME
        if pause or self._filled > _LONGEST_CONCEALMENT:
            return Silence()
        self.counts.concealed_ticks += FRAME
        return Lost(FRAME)

    def _missing_before(self, sequence: int) -> bool:
        return any(each not in self._others for each in range(self._played + 1, sequence))

    def _bridge(self, sequence: int, hole: int) -> Playout:
        """Conceal the next frame of the hole before the packet `sequence`."""
        ticks = min(hole - hole % UNIT, FRAME)
        self._expected = (self._expected or 0) + self._filled + ticks
        self._filled = 0
        self.counts.concealed_ticks += ticks
        following = self._packets[sequence]
        reached = following.timestamp - self._expected < UNIT
        return Lost(ticks, following.payload if reached else None)

    def _play(self, sequence: int, excess: int) -> Frame:
        waiting = self._packets.pop(sequence)
        self._advance(sequence, waiting)
        self.counts.played_ticks += waiting.ticks
        return Frame(waiting.payload, waiting.ticks, self._pace(sequence, excess))

    def _advance(self, sequence: int, waiting: _Waiting) -> None:
        self._expected = waiting.timestamp + waiting.ticks
        self._filled = 0
        self._played = sequence
        if self._others:
            self._others = {each for each in self._others if each > sequence}

    def _pace(self, sequence: int, excess: int) -> Pace:
        self._rested += 1
        above = _SHORTEN_UNTIL if self._shortening else _SHORTEN_ABOVE
        self._shortening = excess > above
        if self._rested <= _REST and abs(excess) < _FAR_OFF:
            return Pace.STEADY
        if self._shortening and sequence + 1 in self._packets:
            self._rested = 0
            return Pace.SHORTEN
        if excess < _LENGTHEN_BELOW:
            self._rested = 0
            return Pace.LENGTHEN
        return Pace.STEADY

    def _leave_out_overdue(self, time: int, target: int) -> None:
        oldest = self._packets[min(self._packets)].timestamp
        held = self._newest + FRAME - oldest
        if time - oldest - target <= _OVERDUE or held <= self._target_delay() + _OVERDUE:
            return
        while len(self._packets) > 1:
            sequence = min(self._packets)
            if time - self._packets[sequence].timestamp <= target + FRAME:
                return
            self._discard(sequence)

    def _discard(self, sequence: int) -> None:
        self._advance(sequence, self._packets.pop(sequence))
        self.counts.discarded += 1

    def _target_delay(self, ahead: int = 0) -> int:
        """How long after the fastest packet a frame is heard.

        Packets must be there when they are asked for, which is `ahead` before they are heard.
        """
        least = self._least if len(self._transits) >= _SETTLED else self._first
        return min(max(self._transits.spread + _MARGIN + ahead, least), self._most)

    # --- figures ---

    @property
    def delay(self) -> float:
        """Seconds that the last played frame waited, more than the fastest packet's way."""
        return self._delay / (1000 * _MILLISECOND)

    @property
    def target_delay(self) -> float:
        """Seconds that a packet is to wait at present."""
        ticks = self._target_delay() if len(self._transits) else self._first
        return ticks / (1000 * _MILLISECOND)

    @property
    def buffered(self) -> int:
        """How many packets wait."""
        return len(self._packets)


def _ticks(seconds: float) -> int:
    return round(seconds * 1000 * _MILLISECOND)
