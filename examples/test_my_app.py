"""How to test an app that calls: both ends in one process, offline, with real audio.

``pytest examples/test_my_app.py``. The app under test is `greet`; the test is the person it calls.
"""

import asyncio
from collections.abc import AsyncIterator

import pytest

from offhook import MediaOption, TokenAuthenticator, Webex
from offhook.media.spectrum import has_tone
from offhook.testing import LocalCloud, local_cloud


async def greet(webex: Webex, number: str) -> None:
    """The app: calls somebody and greets them with a tone."""
    media = MediaOption.audio_only(source="tone:440")
    async with await webex.phone.dial_phone_number(number, media) as call:
        await call.connected()
        await asyncio.sleep(1)


@pytest.fixture
async def cloud() -> AsyncIterator[LocalCloud]:
    async with local_cloud() as cloud:
        yield cloud


async def test_the_person_hears_the_greeting(cloud: LocalCloud) -> None:
    alice, bob = (TokenAuthenticator(cloud.person(name).token) for name in ("alice", "bob"))
    async with Webex(alice, cloud=cloud.http) as app, Webex(bob, cloud=cloud.http) as person:
        await asyncio.gather(app.phone.ready(), person.phone.ready())
        calling = asyncio.create_task(greet(app, cloud.person("bob").extension))
        async for call in person.phone.incoming_calls():
            async with call:
                await call.answer()
                async for second in call.audio.frames(8_000, block_ms=500):
                    if has_tone(second, 8_000, 440):
                        break
            break
        await calling
