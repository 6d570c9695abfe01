"""Our SDK and the official browser client talk to each other, called from either side."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
import pytest_asyncio

from interop.browser import PATIENCE, BrowserPhone
from interop.cloud import Cloud
from interop.sdk_ear import happens, hears, hears_other_than, hears_silence
from offhook import (
    Call,
    CallHoldStateChangedEvent,
    DTMFReceivedEvent,
    EndReason,
    MediaOption,
    RingingEvent,
    TokenAuthenticator,
    Webex,
)

# The browser's driver runs in the tests' loop, and takes its time over a large message.
pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.interop,
    pytest.mark.timeout(90),
    pytest.mark.loop_limit(ms=300),
]

APP_TONE = 1040.0
BROWSER_TONE = 1850.0


def tone() -> MediaOption:
    return MediaOption.audio_only(source=f"tone:{APP_TONE:.0f}")


@pytest_asyncio.fixture(loop_scope="module")
async def app(cloud: Cloud) -> AsyncIterator[Webex]:
    """Alice, with our SDK."""
    authenticator = TokenAuthenticator(cloud.people["alice"].token)
    async with Webex(authenticator, cloud=cloud.https_url, ca=cloud.service.ca_path) as webex:
        await webex.phone.ready(timeout=PATIENCE)
        yield webex


@pytest_asyncio.fixture(loop_scope="module")
async def browser(phone) -> AsyncIterator[BrowserPhone]:
    """Bob, with the official client."""
    async with phone("bob", BROWSER_TONE) as bob:
        await bob.register()
        yield bob


async def incoming(app: Webex) -> Call:
    async with asyncio.timeout(PATIENCE), aclosing(app.phone.incoming_calls()) as calls:
        return await anext(calls)


async def call_the_browser(cloud: Cloud, app: Webex, browser: BrowserPhone) -> tuple[Call, str]:
    call = await app.phone.dial_phone_number(cloud.people["bob"].number, tone())
    ringing = await browser.incoming_call()
    await happens(call, RingingEvent)
    await browser.answer(str(ringing.call))
    async with asyncio.timeout(PATIENCE):
        await call.connected()
    await browser.event("established", call=ringing.call)
    return call, str(ringing.call)


async def call_the_app(cloud: Cloud, app: Webex, browser: BrowserPhone) -> tuple[Call, str]:
    key = await browser.dial(cloud.people["alice"].extension)
    call = await incoming(app)
    await browser.event("progress", call=key)
    await call.answer(tone())
    await browser.event("established", call=key)
    return call, key


async def talk(call: Call, browser: BrowserPhone, key: str) -> None:
    await asyncio.gather(hears(call, BROWSER_TONE), browser.hears(key, APP_TONE))


async def test_the_app_calls_the_browser(cloud: Cloud, app: Webex, browser: BrowserPhone):
    call, key = await call_the_browser(cloud, app, browser)
    async with call:
        await talk(call, browser, key)
        assert call.title == cloud.people["bob"].name
        assert call.external_tracking_id
        rang = await browser.incoming_call()
        assert rang.detail["name"] == cloud.people["alice"].name

        await call.hangup()
        await browser.event("disconnect", call=key, within=5)
        assert call.end_reason is EndReason.LOCAL_HANGUP


async def test_the_browser_calls_the_app(cloud: Cloud, app: Webex, browser: BrowserPhone):
    call, key = await call_the_app(cloud, app, browser)
    async with call:
        assert call.title == cloud.people["bob"].name
        await talk(call, browser, key)

        await browser.end(key)
        async with asyncio.timeout(5):
            assert await call.ended() is EndReason.REMOTE_HANGUP


async def test_the_app_holds_and_resumes_twice(cloud: Cloud, app: Webex, browser: BrowserPhone):
    call, key = await call_the_app(cloud, app, browser)
    async with call:
        await talk(call, browser, key)
        for _ in range(2):
            await call.hold()
            assert call.is_on_hold
            await asyncio.gather(hears_silence(call), browser.hears_other_than(key, APP_TONE))

            await call.resume()
            assert not call.is_on_hold
            await talk(call, browser, key)
        changes = await happens(call, *[CallHoldStateChangedEvent] * 4)
        held = [e.hold_resume_info.is_on_hold for e in changes]  # type: ignore[attr-defined]
        assert held == [True, False, True, False]


async def test_the_browser_holds_and_resumes_twice(cloud: Cloud, app: Webex, browser: BrowserPhone):
    call, key = await call_the_browser(cloud, app, browser)
    async with call:
        await talk(call, browser, key)
        for _ in range(2):
            await browser.hold(key)
            await asyncio.gather(hears_other_than(call, BROWSER_TONE), browser.hears_silence(key))
            assert not call.is_on_hold  # it did not ask for that

            await browser.resume(key)
            await talk(call, browser, key)


async def test_either_side_mutes(cloud: Cloud, app: Webex, browser: BrowserPhone):
    call, key = await call_the_browser(cloud, app, browser)
    async with call:
        await talk(call, browser, key)

        await browser.toggle_mute(key)
        await asyncio.gather(hears_silence(call), browser.hears(key, APP_TONE))
        await browser.toggle_mute(key)
        await talk(call, browser, key)

        await call.mute()
        await asyncio.gather(hears(call, BROWSER_TONE), browser.hears_silence(key))
        await call.unmute()
        await talk(call, browser, key)


async def test_digits_go_both_ways(cloud: Cloud, app: Webex, browser: BrowserPhone):
    call, key = await call_the_app(cloud, app, browser)
    async with call:
        await talk(call, browser, key)

        await browser.send_digits(key, "1559#")
        pressed = await happens(call, *[DTMFReceivedEvent] * 5)
        assert "".join(event.digit for event in pressed) == "1559#"  # type: ignore[attr-defined]

        await call.send_dtmf("2255*")
        assert await browser.digits_heard(key, 5) == "2255*"


async def test_the_app_rejects(cloud: Cloud, app: Webex, browser: BrowserPhone):
    key = await browser.dial(cloud.people["alice"].extension)
    async with await incoming(app) as call:
        await browser.event("progress", call=key)
        await call.reject()
        await browser.event("disconnect", call=key, within=5)
        assert "connect" not in browser.names(call=key)


async def test_the_browser_declines(cloud: Cloud, app: Webex, browser: BrowserPhone):
    async with await app.phone.dial_phone_number(cloud.people["bob"].extension, tone()) as call:
        ringing = await browser.incoming_call()
        await happens(call, RingingEvent)
        await browser.end(str(ringing.call))
        async with asyncio.timeout(5):
            assert await call.ended() is EndReason.REJECTED


async def test_the_app_gives_up(cloud: Cloud, app: Webex, browser: BrowserPhone):
    async with await app.phone.dial_phone_number(cloud.people["bob"].extension, tone()) as call:
        ringing = await browser.incoming_call()
        await call.hangup()
        await browser.event("disconnect", call=ringing.call, within=5)


async def test_the_browser_gives_up(cloud: Cloud, app: Webex, browser: BrowserPhone):
    key = await browser.dial(cloud.people["alice"].extension)
    async with await incoming(app) as call:
        await browser.end(key)
        async with asyncio.timeout(5):
            assert await call.ended() is EndReason.REMOTE_CANCEL
