"""Two ports with a network between them that loses, delays and repeats what a test says."""

import asyncio
import random
from collections.abc import Callable, Iterable

from offhook.engine.rtp.packet import RtpPacket
from offhook.engine.rtp.rtcp import RtcpPacket, parse_rtcp
from offhook.wire.sdp.negotiation import AudioFormat

FORMAT = AudioFormat(opus=111, telephone_event=110, telephone_event_rate=48_000)


class WirePort:
    """What an audio session needs of a leg. Keeps what was sent through it.

    `loses` decides by the number of the packet, `delay` gives the seconds on the way.
    """

    def __init__(self, ssrc: int, form: AudioFormat | None = FORMAT) -> None:
        self.ssrc = ssrc
        self.format = form
        self.on_rtp: Callable[[bytes], None] = _drop
        self.on_rtcp: Callable[[bytes], None] = _drop
        self.sent: list[tuple[float, RtpPacket]] = []
        self.reports: list[RtcpPacket] = []
        self.other: WirePort | None = None
        self.loses: Callable[[int], bool] = lambda _: False
        self.delay: Callable[[], float] = lambda: 0.0

    def send_rtp(self, packet: bytes | bytearray) -> None:
        loop = asyncio.get_running_loop()
        number = len(self.sent)
        self.sent.append((loop.time(), RtpPacket.parse(bytes(packet))))
        if self.other is not None and not self.loses(number):
            loop.call_later(self.delay(), self.other._arrive, bytes(packet))

    def send_rtcp(self, packet: bytes) -> None:
        self.reports += parse_rtcp(packet)
        if self.other is not None:
            asyncio.get_running_loop().call_later(self.delay(), self.other._report, packet)

    def _arrive(self, packet: bytes) -> None:
        self.on_rtp(packet)

    def _report(self, packet: bytes) -> None:
        self.on_rtcp(packet)


def wire() -> tuple[WirePort, WirePort]:
    """Two ports, connected."""
    one, two = WirePort(0x11111111), WirePort(0x22222222)
    one.other, two.other = two, one
    return one, two


def losing(numbers: Iterable[int]) -> Callable[[int], bool]:
    """Exactly these packets are lost."""
    lost = frozenset(numbers)
    return lambda number: number in lost


def jittery(least: float, most: float, seed: int = 1) -> Callable[[], float]:
    """Delays at random between two limits, in seconds."""
    chance = random.Random(seed)
    return lambda: chance.uniform(least, most)


def _drop(_: bytes) -> None:
    """Nobody listens."""
