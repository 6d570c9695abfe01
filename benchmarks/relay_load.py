"""The load on a relay: callers on one event loop that talk, listen and measure the way between."""

import asyncio
import struct
import time
from dataclasses import dataclass, field

from offhook.media.certificate import Certificate
from offhook.media.ice import IceConfig
from offhook.media.leg import LegConfig, LegState, WebRtcLeg

PACKET_MS = 20
_STAMP = struct.Struct("!Q")
_HEADER = struct.Struct("!BBHII")
#: 80 bytes of payload make a typical Opus packet of 32 kbit/s.
_PADDING = bytes(72)


@dataclass
class Window:
    """What was sent and heard while the load ran. Delays in seconds."""

    sent: int = 0
    heard: int = 0
    delays: list[float] = field(default_factory=list)


class Talker:
    """One caller: says a packet when told, notes what it hears."""

    def __init__(self, certificate: Certificate, ssrc: int, payload: bytes | None) -> None:
        self.leg = WebRtcLeg(
            LegConfig(
                certificate, IceConfig(loopback=True), connect_timeout=60, silence_timeout=600
            )
        )
        self.leg.on_rtp = self._hear
        self.window: Window | None = None
        self._ssrc = ssrc
        self._sequence = 0
        self._payload = payload

    async def connected(self) -> None:
        done = asyncio.Event()
        self.leg.on_state = lambda _: done.set()
        while self.leg.state is not LegState.CONNECTED:
            done.clear()
            if self.leg.state is LegState.FAILED:
                raise RuntimeError(f"A caller could not connect: {self.leg.error}")
            await done.wait()

    def say(self) -> None:
        self._sequence = (self._sequence + 1) & 0xFFFF
        header = _HEADER.pack(
            0x80, 111, self._sequence, (self._sequence * 960) & 0xFFFFFFFF, self._ssrc
        )
        body = self._payload or _STAMP.pack(time.perf_counter_ns()) + _PADDING
        self.leg.send_rtp(header + body)
        if self.window is not None:
            self.window.sent += 1

    def _hear(self, packet: bytes) -> None:
        window = self.window
        if window is None:
            return
        window.heard += 1
        if self._payload is None:
            stamp = _STAMP.unpack_from(packet, 12)[0]
            window.delays.append((time.perf_counter_ns() - stamp) / 1e9)


async def talk(talkers: list[Talker], warm_up: float, seconds: float, mark: object) -> Window:
    """Let all talk for `warm_up` and then `seconds`; `mark()` is called around the latter."""
    window = Window()
    shares = [talkers[step::PACKET_MS] for step in range(PACKET_MS)]
    start = time.perf_counter()
    counting = False
    step = 0
    while True:
        now = time.perf_counter() - start
        if not counting and now >= warm_up:
            counting = True
            mark()  # type: ignore[operator]
            for talker in talkers:
                talker.window = window
        if now >= warm_up + seconds:
            break
        while step < now * 1000:
            for talker in shares[step % PACKET_MS]:
                talker.say()
            step += 1
        await asyncio.sleep(0.001)
    # What is under way still counts.
    await asyncio.sleep(0.2)
    mark()  # type: ignore[operator]
    for talker in talkers:
        talker.window = None
    return window
