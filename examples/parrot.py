"""A bot that answers every call, listens, and says back what it heard, one second later.

``python examples/parrot.py TOKEN`` against ``offhook up``; then call that person.
"""

import asyncio
import sys
from collections.abc import AsyncIterator

import numpy as np

from offhook import Call, MediaOption, TokenAuthenticator, Webex
from offhook.media.sources import Frames


async def echo(call: Call) -> AsyncIterator[np.ndarray]:
    yield np.zeros(16_000, np.int16)  # a second of thought
    async for heard in call.audio.frames(16_000):
        yield heard


async def main(token: str, cloud: str = "http://127.0.0.1:8008") -> None:
    async with Webex(TokenAuthenticator(token), cloud=cloud) as webex, asyncio.TaskGroup() as tasks:
        await webex.phone.ready()
        print("The parrot waits for calls", flush=True)
        async for call in webex.phone.incoming_calls():
            tasks.create_task(talk(call))


async def talk(call: Call) -> None:
    async with call:
        await call.answer(MediaOption.audio_only(source=Frames(echo(call), 16_000)))
        await call.ended()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
