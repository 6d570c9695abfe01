"""What people do on the phone in the stories, and what they hear."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from offhook import Call, MediaOption, Webex
from offhook.media.spectrum import has_tone, level_dbfs

RATE = 8_000
PATIENCE = 20.0
TONES = {"alice": 440.0, "bob": 880.0, "carol": 1320.0}


def saying(name: str) -> MediaOption:
    """The person's own tone."""
    return MediaOption.audio_only(source=f"tone:{TONES[name]:g}")


async def hears(call: Call, name: str) -> bool:
    """Waits until the call plainly brings this person's tone and nobody else's."""
    others = [tone for other, tone in TONES.items() if other != name]
    async with asyncio.timeout(PATIENCE):
        async for block in call.audio.frames(RATE, block_ms=100):
            if has_tone(block, RATE, TONES[name], share=0.8):
                return not any(has_tone(block, RATE, tone, share=0.05) for tone in others)
    return False


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
                has_tone(block, RATE, tone, share=0.3) for tone in TONES.values()
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
    outgoing = await alice.phone.dial_phone_number(number, saying("alice"))
    async with outgoing, await next_call(bob) as incoming:
        await incoming.answer(saying("bob"))
        async with asyncio.timeout(PATIENCE):
            await outgoing.connected()
        yield outgoing, incoming
