"""Real legs for tests: opened, connected and closed, with ears on what arrives."""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache

from offhook.media.certificate import Certificate
from offhook.media.ice import IceConfig
from offhook.media.ice_lite import IceLiteConfig
from offhook.media.leg import LegConfig, LegState, WebRtcLeg
from offhook.media.poller import Poller
from offhook.media.scratch import Scratch

WAIT = 10.0

_HEADER = struct.Struct("!BBHII")


@cache
def certificate() -> Certificate:
    """One for all legs of the test process, as in a real one."""
    return Certificate.generate()


@cache
def scratch() -> Scratch:
    """One for all legs of the service, between which packets pass."""
    return Scratch()


@cache
def poller() -> Poller:
    """One for all legs of the service."""
    return Poller()


def client_config(**changes: object) -> LegConfig:
    """A full ICE leg on loopback, as the SDK opens it beside a local service."""
    return LegConfig(**{"certificate": certificate(), "ice": IceConfig(loopback=True)} | changes)  # type: ignore[arg-type]


def service_config(**changes: object) -> LegConfig:
    """An ICE-lite leg, as the service opens it."""
    defaults = {
        "certificate": certificate(),
        "ice": IceLiteConfig(),
        "scratch": scratch(),
        "poller": poller(),
    }
    return LegConfig(**defaults | changes)  # type: ignore[arg-type]


class Ear:
    """Collects what a leg hears, and lets a test wait for it."""

    def __init__(self, leg: WebRtcLeg, *, replace: bool = True) -> None:
        self.rtp: list[bytes] = []
        self.rtcp: list[bytes] = []
        self._news = asyncio.Event()
        if replace:
            leg.on_rtp = self.hear_rtp
            leg.on_rtcp = self.hear_rtcp

    def hear_rtp(self, packet: bytes) -> None:
        self.rtp.append(packet)
        self._news.set()

    def hear_rtcp(self, packet: bytes) -> None:
        self.rtcp.append(packet)
        self._news.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def packets(self, count: int) -> list["Rtp"]:
        """The first `count` packets, parsed."""
        await self.until(lambda: len(self.rtp) >= count)
        return [Rtp(packet) for packet in self.rtp[:count]]


class Rtp:
    """The fields of a packet without extensions."""

    def __init__(self, packet: bytes) -> None:
        _, second, self.sequence, self.timestamp, self.ssrc = _HEADER.unpack_from(packet)
        self.marker = bool(second & 0x80)
        self.payload_type = second & 0x7F
        self.payload = packet[12:]


def rtp(
    payload: bytes,
    *,
    sequence: int = 0,
    timestamp: int = 0,
    ssrc: int = 7,
    payload_type: int = 111,
    marker: bool = False,
) -> bytes:
    """A packet without extensions."""
    second = payload_type | (0x80 if marker else 0)
    return _HEADER.pack(0x80, second, sequence, timestamp, ssrc) + payload


async def reached(leg: WebRtcLeg, *states: LegState) -> LegState:
    """Wait until the leg is in one of `states`. Keeps the leg's own observer."""
    done = asyncio.Event()
    inner = leg.on_state

    def changed(state: LegState) -> None:
        inner(state)
        done.set()

    leg.on_state = changed
    try:
        async with asyncio.timeout(WAIT):
            while leg.state not in states:
                done.clear()
                await done.wait()
    finally:
        leg.on_state = inner
    return leg.state


async def negotiate(offerer: WebRtcLeg, answerer: WebRtcLeg, *, held: bool = False) -> None:
    """One offer and its answer."""
    answer = await answerer.accept_offer(await offerer.create_offer(), held=held)
    await offerer.accept_answer(answer)


async def connect(offerer: WebRtcLeg, answerer: WebRtcLeg) -> None:
    """Negotiate, and wait until both are connected."""
    await negotiate(offerer, answerer)
    await asyncio.gather(
        reached(offerer, LegState.CONNECTED), reached(answerer, LegState.CONNECTED)
    )


@asynccontextmanager
async def legs(*configs: LegConfig) -> AsyncIterator[list[WebRtcLeg]]:
    """Open legs that are closed at the end."""
    opened = [WebRtcLeg(config) for config in configs]
    try:
        yield opened
    finally:
        for leg in opened:
            await leg.close()
