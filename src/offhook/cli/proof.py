"""What a demonstration claims, and how it knows: by listening to what really arrives."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from rich.console import Console

from offhook import Call
from offhook.cli.call_trace import CallTrace
from offhook.cli.ladder import draw
from offhook.media.samples import Samples
from offhook.media.spectrum import has_tone

#: The tone that each of them plays, in Hz.
TONES = {"alice": 440.0, "bob": 880.0, "carol": 660.0}
#: Seconds that each step of a demonstration may take.
STEP_SECONDS = 15.0
_RATE = 8_000
_BLOCK_MS = 40
_WIDTH = 96


@dataclass
class Ear:
    """What one side hears: since when it hears the other's tone, and whether it does now."""

    tone: float
    first_heard: float | None = None
    hears: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, block: Samples) -> None:
        """Listen to int16 [n] at 8000 Hz."""
        hears = has_tone(block, _RATE, self.tone, share=0.5)
        if hears and self.first_heard is None:
            self.first_heard = time.time()
        if hears != self.hears:
            self.hears = hears
            self.changed.set()

    async def until(self, hears: bool) -> bool:
        """Whether it comes to hear the tone, or not to hear it, before it is given up."""
        try:
            async with asyncio.timeout(STEP_SECONDS):
                while self.hears is not hears:
                    self.changed.clear()
                    await self.changed.wait()
        except TimeoutError:
            return False
        return True


@dataclass
class Outcome:
    """What is claimed at the end, each with whether it is true."""

    claims: list[tuple[str, bool]] = field(default_factory=list)

    def claim(self, text: str, is_true: bool) -> None:
        """Add a claim."""
        self.claims.append((text, is_true))


@asynccontextmanager
async def listening(call: Call, other: str) -> AsyncIterator[Ear]:
    """An ear at `call` for the tone of `other`."""
    ear = Ear(TONES[other])

    async def listen() -> None:
        async for block in call.audio.frames(_RATE, block_ms=_BLOCK_MS):
            ear.take(block)

    listening = asyncio.create_task(listen(), name="demo-ear")
    try:
        yield ear
    finally:
        listening.cancel()
        await asyncio.wait([listening])


def show(console: Console, parties: list[str], trace: CallTrace, outcome: Outcome) -> None:
    """Draw the ladder, and what is claimed below it."""
    console.print()
    width = min(console.width - 2, _WIDTH)
    steps = sorted(trace.steps, key=lambda step: step.at)
    for line in draw(parties, steps, width=width):
        console.print(line, markup=False, no_wrap=True, overflow="crop")
    console.print()
    for text, is_true in outcome.claims:
        mark = "[green]✓[/]" if is_true else "[red]✗[/]"
        console.print(f"  {mark} {text}")
    console.print()
