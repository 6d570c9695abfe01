"""Whom one side of a call hears, by the tone that each person plays."""

import asyncio
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from offhook import Call
from offhook.cli.proof import STEP_SECONDS, TONES
from offhook.media.samples import Samples
from offhook.media.spectrum import has_tone

_RATE = 8_000
_BLOCK_MS = 80
# Three voices share the energy; music has some of it near every tone.
_SHARE = 0.15


class Voices:
    """Who is heard right now, by name, since `since` in Unix time; None before anything came."""

    def __init__(self) -> None:
        self.hears: frozenset[str] | None = None
        self.since = time.time()
        self._changed = asyncio.Event()

    def take(self, block: Samples) -> None:
        """Listen to int16 [n] at 8000 Hz."""
        hears = frozenset(
            who for who, tone in TONES.items() if has_tone(block, _RATE, tone, share=_SHARE)
        )
        if hears != self.hears:
            self.hears, self.since = hears, time.time()
            self._changed.set()

    async def until(self, who: Collection[str]) -> bool:
        """Whether exactly these come to be heard before it is given up."""
        try:
            async with asyncio.timeout(STEP_SECONDS):
                while self.hears != frozenset(who):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return False
        return True


@asynccontextmanager
async def voices(call: Call) -> AsyncIterator[Voices]:
    """Listens to `call` meanwhile."""
    heard = Voices()

    async def listen() -> None:
        async for block in call.audio.frames(_RATE, block_ms=_BLOCK_MS):
            heard.take(block)

    listening = asyncio.create_task(listen(), name="demo-voices")
    try:
        yield heard
    finally:
        listening.cancel()
        await asyncio.wait([listening])
