"""What a call of the SDK hears, for a test to ask."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing

from interop.browser import PATIENCE, NotHeardError
from offhook import Call, CallEvent
from offhook.media.spectrum import dominant_tone

RATE = 16_000


async def hears(call: Call, hz: float) -> None:
    """Wait until this tone comes, and no stronger one, three times in a row."""
    await _until(call, lambda heard: heard is not None and abs(heard - hz) < 8, f"{hz} Hz")


async def hears_silence(call: Call) -> None:
    """Wait until nothing comes, three times in a row."""
    await _until(call, lambda heard: heard is None, "silence")


async def hears_other_than(call: Call, hz: float) -> None:
    """Wait until sound comes that is not this tone, three times in a row."""
    await _until(
        call, lambda heard: heard is not None and abs(heard - hz) > 20, f"sound other than {hz} Hz"
    )


async def happens(call: Call, *kinds: type[CallEvent]) -> list[CallEvent]:
    """Wait for these events in this order, others in between; those of the past count."""
    found: list[CallEvent] = []
    try:
        async with asyncio.timeout(PATIENCE), aclosing(call.events()) as events:
            async for event in events:
                if isinstance(event, kinds[len(found)]):
                    found.append(event)
                    if len(found) == len(kinds):
                        return found
    except TimeoutError:
        pass
    raise NotHeardError(f"{[k.__name__ for k in kinds]} were to happen, but only {found} did")


async def _until(call: Call, right: Callable[[float | None], bool], what: str) -> None:
    heard: list[float | None] = []
    in_a_row = 0
    try:
        async with asyncio.timeout(PATIENCE):
            async for block in call.audio.frames(RATE, block_ms=200):
                tone = dominant_tone(block, RATE)
                heard.append(tone.frequency if tone else None)
                in_a_row = in_a_row + 1 if right(heard[-1]) else 0
                if in_a_row == 3:
                    return
    except TimeoutError:
        pass
    raise NotHeardError(f"the SDK did not hear {what}, but {heard[-8:]}; {call!r}")
