"""A virtual network and somebody who listens: packets with arrival times in, what is heard out."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from offhook.engine.rtp.jitter import Frame, JitterBuffer, Lost, Pace, Playout, Silence
from offhook.engine.rtp.packet import RtpPacket

CLOCK = 48_000
TICK = 0.020
#: First byte of an Opus packet of 10, 20 or 60 ms.
OPUS = {10: b"\xf0", 20: b"\xf8", 60: b"\x18"}
# What the media layer takes out of a frame, or puts in, when it is asked to.
_STRETCH = 240

Arrival = tuple[float, RtpPacket]


def voice(
    index: int, *, ssrc: int = 7, sequence: int = 100, timestamp: int = 5000, ms: int = 20
) -> RtpPacket:
    """Packet number `index` of a stream that began with `sequence` and `timestamp`."""
    return RtpPacket(
        payload_type=111,
        sequence=(sequence + index) & 0xFFFF,
        timestamp=(timestamp + index * ms * 48) & 0xFFFFFFFF,
        ssrc=ssrc,
        payload=OPUS[ms] + index.to_bytes(4, "big"),
    )


def index_of(payload: bytes) -> int:
    """Which packet of its stream this was."""
    return int.from_bytes(payload[1:5], "big")


def stream(count: int, *, start: float = 10.0, delay: float = 0.0, **shape: int) -> list[Arrival]:
    """`count` packets over a perfect network, the first sent at `start`."""
    ms = shape.get("ms", 20)
    return [(start + delay + each * ms / 1000, voice(each, **shape)) for each in range(count)]


def jittered(arrivals: Iterable[Arrival], seconds: float, seed: int = 1) -> list[Arrival]:
    """Each packet later by up to `seconds`, at random; they overtake each other."""
    chance = random.Random(seed)
    return [(at + chance.uniform(0, seconds), packet) for at, packet in arrivals]


def without(arrivals: Sequence[Arrival], *lost: int) -> list[Arrival]:
    """The same with the packets at these places lost."""
    return [arrival for place, arrival in enumerate(arrivals) if place not in lost]


@dataclass
class Heard:
    """What came out, in order, with the time at which it is heard."""

    items: list[tuple[float, Playout]] = field(default_factory=list)

    @property
    def played(self) -> list[int]:
        """The numbers of the packets that were played."""
        return [index_of(item.payload) for _, item in self.items if isinstance(item, Frame)]

    @property
    def lost(self) -> list[Lost]:
        return [item for _, item in self.items if isinstance(item, Lost)]

    @property
    def concealed_ms(self) -> float:
        return sum(item.ticks for item in self.lost) / 48

    def silent_ms_after_first(self) -> float:
        """Silence between the first and the last frame that was played."""
        places = [place for place, (_, item) in enumerate(self.items) if isinstance(item, Frame)]
        between = self.items[places[0] : places[-1]]
        return sum(item.ticks for _, item in between if isinstance(item, Silence)) / 48

    def delay_of(self, index: int, sent: float) -> float:
        """Seconds from `sent` until packet number `index` was heard."""
        for at, item in self.items:
            if isinstance(item, Frame) and index_of(item.payload) == index:
                return at - sent
        raise AssertionError(f"packet {index} was not heard")


def listen(
    buffer: JitterBuffer,
    arrivals: Iterable[Arrival],
    *,
    start: float = 10.0,
    seconds: float,
    phase: float = 0.003,
    tick: float = TICK,
) -> Heard:
    """Play for `seconds` in steps of `tick`, as the media layer does, `phase` after the packets."""
    waiting = sorted(arrivals, key=lambda arrival: arrival[0])
    heard = Heard()
    place = 0
    ahead = 0
    for step in range(round(seconds / TICK)):
        now = start + phase + step * tick
        while place < len(waiting) and waiting[place][0] <= now:
            buffer.handle(waiting[place][1], waiting[place][0])
            place += 1
        while ahead < 960:
            at = now + ahead / CLOCK
            item = buffer.next_frame(now, ahead / CLOCK)
            heard.items.append((at, item))
            ahead += item.ticks
            if isinstance(item, Frame) and item.pace is not Pace.STEADY:
                ahead += _STRETCH if item.pace is Pace.LENGTHEN else -_STRETCH
        ahead -= 960
    return heard
