"""How to test an app that calls: both ends in one process, offline, with real audio.

``pytest examples/test_my_app.py``. The app under test is `greet`; the test is the person it calls.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from offhook import MediaOption, TokenAuthenticator, Webex
from offhook.cli.up import Ready, start_demo
from offhook.media.spectrum import has_tone
from offhook.service.config import ServiceConfig


async def greet(webex: Webex, number: str) -> None:
    """The app: calls somebody and greets them with a tone."""
    media = MediaOption.audio_only(source="tone:440")
    async with await webex.phone.dial_phone_number(number, media) as call:
        await call.connected()
        await asyncio.sleep(1)


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[Ready]:
    config = ServiceConfig(data=str(tmp_path), http="127.0.0.1:0", https="127.0.0.1:0")
    service, ready = await start_demo(config)
    yield ready
    await service.stop()


async def test_the_person_hears_the_greeting(cloud: Ready) -> None:
    alice, bob = (TokenAuthenticator(person.token) for person in cloud.people[:2])
    async with Webex(alice, cloud=cloud.http) as app, Webex(bob, cloud=cloud.http) as person:
        await asyncio.gather(app.phone.ready(), person.phone.ready())
        calling = asyncio.create_task(greet(app, cloud.people[1].extension))
        async for call in person.phone.incoming_calls():
            async with call:
                await call.answer()
                async for second in call.audio.frames(8_000, block_ms=500):
                    if has_tone(second, 8_000, 440):
                        break
            break
        await calling
