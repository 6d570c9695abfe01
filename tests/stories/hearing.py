"""What people do on the phone in the stories, and what they hear."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager

import numpy as np

from media.gaps import LONGEST_GAP, longest_gap, longest_silence
from offhook import Call, Webex
from offhook.media.samples import Samples
from offhook.media.spectrum import has_tone, level_dbfs
from sdk.clouds import VOICES, hears, voice

RATE = 8_000
PATIENCE = 20.0


async def everybody_hears(**calls: Call) -> None:
    """Wait until each of these people hears exactly all others of them."""
    await all_of(
        *(hears(call, *(other for other in calls if other != name)) for name, call in calls.items())
    )


async def all_of(*ears: Coroutine[None, None, bool]) -> None:
    """Wait for all that should be heard."""
    assert all(await asyncio.gather(*ears))


class Recording:
    """All that some calls bring while this is open, and in the moment before and after.

    A machine that is busy with other things makes gaps of its own: `starved` are the seconds that
    it took away meanwhile. An async context manager.
    """

    def __init__(self, calls: dict[str, Call]) -> None:
        self._calls = calls
        self._blocks: dict[str, list[Samples]] = {name: [] for name in calls}
        self._news = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.starved = 0.0

    async def __aenter__(self) -> Recording:
        self._tasks = [asyncio.create_task(self._listen(name)) for name in self._calls]
        self._tasks.append(asyncio.create_task(self._watch()))
        await self._moment()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            await self._moment()
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)

    def samples(self, name: str) -> Samples:
        """What this one heard, at `RATE`."""
        return np.concatenate(self._blocks[name])

    async def _listen(self, name: str) -> None:
        async for block in self._calls[name].audio.frames(RATE):
            self._blocks[name].append(block)
            self._news.set()

    async def _watch(self) -> None:
        """What this thread neither used nor slept, others had."""
        nap = 0.010
        while True:
            wall, used = time.monotonic(), time.thread_time()
            await asyncio.sleep(nap)
            lost = time.monotonic() - wall - (time.thread_time() - used) - nap
            self.starved += max(lost - 0.002, 0.0)

    async def _moment(self) -> None:
        enough = {name: len(blocks) + 10 for name, blocks in self._blocks.items()}
        async with asyncio.timeout(PATIENCE):
            while any(len(self._blocks[name]) < count for name, count in enough.items()):
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def unbroken(**pairs: tuple[Call, str]) -> AsyncIterator[None]:
    """Whatever is done meanwhile, who is named hears the other one on this call all the time."""
    async with Recording({name: call for name, (call, _) in pairs.items()}) as heard:
        yield
    limit = LONGEST_GAP + heard.starved
    for name, (_, other) in pairs.items():
        gap = longest_gap(heard.samples(name), RATE, VOICES[other])
        assert gap <= limit, f"{name} misses {other} for {gap:.3f} s, {limit:.3f} are allowed"


@asynccontextmanager
async def never_silent(**calls: Call) -> AsyncIterator[None]:
    """Whatever is done meanwhile, on each of these calls there is something to hear."""
    async with Recording(calls) as heard:
        yield
    limit = LONGEST_GAP + heard.starved
    for name in calls:
        gap = longest_silence(heard.samples(name), RATE)
        assert gap <= limit, f"{name} hears nothing for {gap:.3f} s, {limit:.3f} are allowed"


async def hears_both(call: Call, low: float, high: float) -> bool:
    """Waits until two tones sound together, as a key does."""
    async with asyncio.timeout(PATIENCE):
        async for block in call.audio.frames(RATE, block_ms=40):
            if all(has_tone(block, RATE, tone, share=0.25) for tone in (low, high)):
                return True
    return False


async def hears_music(call: Call) -> bool:
    """Waits until there is something to hear, and no person's tone in it."""
    async with asyncio.timeout(PATIENCE):
        async for block in call.audio.frames(RATE, block_ms=200):
            if level_dbfs(block) > -50 and not any(
                has_tone(block, RATE, tone, share=0.3) for tone in VOICES.values()
            ):
                return True
    return False


async def hears_nothing(call: Call) -> bool:
    """Waits until a fifth of a second is silent."""
    async with asyncio.timeout(PATIENCE):
        async for block in call.audio.frames(RATE, block_ms=200):
            if level_dbfs(block) < -60:
                return True
    return False


async def next_call(webex: Webex) -> Call:
    """The next incoming call, or the one that rings already."""
    async with asyncio.timeout(PATIENCE):
        return await anext(webex.phone.incoming_calls())


@asynccontextmanager
async def talking(
    alice: Webex, bob: Webex, number: str = "1002"
) -> AsyncIterator[tuple[Call, Call]]:
    """Alice calls bob and he answers: her call and his. Both have hung up at the end."""
    outgoing = await alice.phone.dial_phone_number(number, voice("alice"))
    async with outgoing, await next_call(bob) as incoming:
        await incoming.answer(voice("bob"))
        async with asyncio.timeout(PATIENCE):
            await outgoing.connected()
        yield outgoing, incoming


__all__ = [
    "PATIENCE",
    "all_of",
    "everybody_hears",
    "hears",
    "hears_both",
    "hears_music",
    "hears_nothing",
    "never_silent",
    "next_call",
    "talking",
    "unbroken",
    "voice",
]
