"""A whole cloud inside a test, as users get it."""

import asyncio

import pytest

from offhook import MediaOption, NotAuthorizedError, TokenAuthenticator, Webex
from offhook.media.spectrum import has_tone
from offhook.testing import LocalCloud, local_cloud


async def hears_itself(cloud: LocalCloud, name: str) -> bool:
    async with Webex(TokenAuthenticator(cloud.person(name).token), cloud=cloud.http) as webex:
        await webex.phone.ready()
        media = MediaOption.audio_only(source="tone:440")
        echo = cloud.test_numbers["echo"]
        async with await webex.phone.dial_phone_number(echo, media) as call, asyncio.timeout(30):
            async for block in call.audio.frames(8_000, block_ms=200):
                if has_tone(block, 8_000, 440, share=0.5):
                    return True
    return False


async def test_a_test_starts_a_cloud_and_calls_in_it() -> None:
    async with local_cloud() as cloud:
        assert await hears_itself(cloud, "alice")


async def test_two_clouds_in_one_process_know_nothing_of_each_other() -> None:
    async with local_cloud() as one, local_cloud() as other:
        assert one.http != other.http
        stranger = Webex(TokenAuthenticator(one.person("alice").token), cloud=other.http)
        with pytest.raises(NotAuthorizedError):
            async with stranger:
                await stranger.phone.ready(20)
        assert all(await asyncio.gather(hears_itself(one, "bob"), hears_itself(other, "bob")))


async def test_nobody_of_that_name() -> None:
    async with local_cloud() as cloud:
        with pytest.raises(KeyError):
            cloud.person("mallory")
