"""Calls that come by push: to a phone that sleeps, that is awake, and that wakes too late."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from offhook import (
    Call,
    CallEndedError,
    CallStatus,
    EndReason,
    IncomingCallListener,
    InvalidApiError,
    NetworkError,
    NotAuthorizedError,
    TokenAuthenticator,
    VoicePushInfo,
    Webex,
)
from offhook import PushNotificationResult as Result
from offhook import UCLoginServerConnectionStatus as Status
from offhook.engine.wakeup.ring_windows import SendPush
from offhook.service.wakeup.payload import push_data
from offhook.wire.voip_push import NewCall
from offhook.wire.webhooks import TelephonyPushData
from sdk.clouds import PATIENCE, PEOPLE, Phones, RunningCloud, tone
from sdk.conftest import next_call
from sdk.network import Network
from sdk.small_cloud import SmallCloud


class Listener(IncomingCallListener):
    """Writes down what rings."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def on_incoming_call(self, call: Call, has_active_conflict_calls: bool) -> None:
        self.calls.append(call)


class Pushes:
    """The payloads that the service sends out for Android phones."""

    def __init__(self, cloud: RunningCloud) -> None:
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        cloud.service.wakeup.observe(self._note)

    def _note(self, _: float, effect: object) -> None:
        if isinstance(effect, SendPush):
            data = msgspec.json.decode(push_data(effect), type=TelephonyPushData)
            self._queue.put_nowait(bytes(data.fcmPayload).decode())

    async def next(self) -> str:
        async with asyncio.timeout(PATIENCE):
            return await self._queue.get()


@pytest.fixture
def pushes(cloud: RunningCloud) -> Pushes:
    return Pushes(cloud)


@asynccontextmanager
async def asleep(url: str, token: str | None) -> AsyncIterator[tuple[Webex, Listener]]:
    """An app that was just started by a push: nothing is initialized."""
    authenticator = TokenAuthenticator(token) if token else TokenAuthenticator()
    webex = Webex(authenticator, cloud=url)
    listener = Listener()
    webex.phone.set_incoming_call_listener(listener)
    try:
        yield webex, listener
    finally:
        await webex.close()


async def processed(webex: Webex, message: Any) -> Result:
    async with asyncio.timeout(PATIENCE):
        return await webex.phone.process_push_notification(message)


async def rung(alice: Webex, cloud: RunningCloud, name: str = "bob") -> Call:
    return await alice.phone.dial_phone_number(cloud.number(name), tone(440))


# --- the three states of an app ---


async def test_a_killed_phone_rings_and_is_answered(
    cloud: RunningCloud, alice: Webex, pushes: Pushes
):
    dialled = await rung(alice, cloud)
    message = {"webhookTelephonyPush": await pushes.next()}
    async with asleep(cloud.url, await cloud.token("bob")) as (bob, listener):
        info = bob.parse_voip_payload(message)
        assert (info.name, info.number) == ("Alice Adams", PEOPLE["alice"].entry().number)
        assert await processed(bob, message) is Result.NO_ERROR
        [call] = listener.calls
        assert call.title == info.name
        await call.answer(tone(660))
        async with asyncio.timeout(PATIENCE):
            await dialled.connected()
        await bob.phone.ready(PATIENCE)  # it is initialized like any other
        assert call.external_tracking_id == info.external_tracking_id != ""
        await call.hangup()


async def test_a_phone_in_the_background_connects_and_rings(
    cloud: RunningCloud, phones: Phones, alice: Webex, pushes: Pushes
):
    bob, listener = await phones.of("bob"), Listener()
    bob.phone.set_incoming_call_listener(listener)
    await bob.phone.disconnect_phone_services()
    dialled = await rung(alice, cloud)
    assert await processed(bob, await pushes.next()) is Result.NO_ERROR
    assert len(listener.calls) == 1
    assert bob.uc_server_connection_status is Status.CONNECTED
    await dialled.hangup()


async def test_a_phone_in_the_foreground_rings_once_whatever_comes_first(
    cloud: RunningCloud, alice: Webex, bob: Webex
):
    listener = Listener()
    bob.phone.set_incoming_call_listener(listener)
    dialled = await rung(alice, cloud)
    call = await next_call(bob)
    message = payload_of(cloud, dialled)
    assert await processed(bob, message) is Result.NO_ERROR
    await call.answer(tone(660))
    assert await processed(bob, message) is Result.NO_ERROR
    assert listener.calls == [call]
    await call.hangup()
    with pytest.raises(CallEndedError) as told:
        await processed(bob, message)
    assert told.value.reason is EndReason.LOCAL_HANGUP


async def test_a_call_that_is_pushed_twice_rings_once(
    cloud: RunningCloud, alice: Webex, pushes: Pushes
):
    dialled = await rung(alice, cloud)
    first = await pushes.next()
    second = json.dumps(json.loads(first) | {"pushId": "another"})
    async with asleep(cloud.url, await cloud.token("bob")) as (bob, listener):
        results = await asyncio.gather(processed(bob, first), processed(bob, second))
        assert results == [Result.NO_ERROR] * 2
        assert await processed(bob, second) is Result.NO_ERROR
        assert len(listener.calls) == 1
        await dialled.hangup()


@pytest.mark.parametrize("first", ["the push", "the event"])
async def test_a_third_call_is_told_and_does_not_ring(first: str):
    async with SmallCloud() as small, asleep(small.url, "a_b_org") as (webex, listener):
        small.fail("PATCH", "/calls/", 200, times=9, body={"answered": True})
        small.fail("GET", "/ringing/", 200, times=9, body={"callId": "call", "state": "ringing"})
        await webex.initialize()
        await webex.phone.ready(PATIENCE)
        for call in ("c1", "c2"):
            await invite(small, call, call)
        await small.until(lambda: len(small.requests("PATCH", ".*")) == 2)
        if first == "the event":
            await invite(small, "c3", "track")
            await small.until(lambda: any(f.get("messageId") == "event-4" for f in small.frames))
        for _ in range(2):
            async with asyncio.timeout(1):  # at once
                result = await processed(webex, payload())
            assert result is Result.MAX_INCOMING_CALL_LIMIT_REACHED
        if first == "the push":
            await invite(small, "c3", "track")
            await small.until(lambda: any(f.get("messageId") == "event-4" for f in small.frames))
        # It does not ring later either, when there is room again.
        await listener.calls[0].reject()
        again = await processed(webex, payload(pushId="again"))
        assert again is Result.MAX_INCOMING_CALL_LIMIT_REACHED
        assert [call.call_id for call in listener.calls] == ["c1", "c2"]


async def invite(small: SmallCloud, call_id: str, tracking_id: str) -> None:
    [line] = small.lines
    event = {"eventType": "mobius.call", "callId": call_id, "deviceId": line, "correlationId": ""}
    await small.send(event | {"trackingId": tracking_id})


async def test_a_connection_that_died_while_the_phone_slept_is_replaced_in_time():
    async with SmallCloud() as small, asleep(small.url, "a_b_org") as (webex, listener):
        small.fail("PATCH", "/calls/", 200, times=9, body={"answered": True})
        small.fail("GET", "/ringing/", 200, times=9, body={"callId": "call", "state": "ringing"})
        await webex.initialize()
        await webex.phone.ready(PATIENCE)
        small.answers_pings = False
        waking = asyncio.create_task(processed(webex, payload()))
        authorized = ["authorization"] * 2
        async with asyncio.timeout(4):
            await small.until(
                lambda: (
                    authorized
                    == [frame["type"] for frame in small.frames if frame["type"] == "authorization"]
                )
            )
        small.answers_pings = True
        await invite(small, "c1", "track")
        assert await waking is Result.NO_ERROR
        assert len(listener.calls) == 1


# --- too late ---


async def test_a_phone_that_wakes_after_the_caller_gave_up_is_told_at_once(
    cloud: RunningCloud, alice: Webex, pushes: Pushes
):
    dialled = await rung(alice, cloud)
    message = await pushes.next()
    await dialled.hangup()
    async with asleep(cloud.url, await cloud.token("bob")) as (bob, listener):
        assert await reason_of(bob, message) is EndReason.REMOTE_CANCEL
        assert not listener.calls


@pytest.mark.parametrize(
    ("action", "reason"),
    [("answer", EndReason.ANSWERED_ELSEWHERE), ("reject", EndReason.REJECTED)],
)
async def test_a_phone_that_wakes_after_another_was_quicker_is_told_at_once(
    cloud: RunningCloud, alice: Webex, bob: Webex, action: str, reason: EndReason
):
    dialled = await rung(alice, cloud)
    quicker = await next_call(bob)
    message = payload_of(cloud, dialled)
    if action == "answer":
        await quicker.answer(tone(660))
    else:
        await quicker.reject()
    async with asleep(cloud.url, await cloud.token("bob")) as (late, listener):
        assert await reason_of(late, message) is reason
        assert not listener.calls
    if action == "answer":
        await dialled.hangup()


async def test_that_it_is_over_is_told_before_the_phone_is_connected():
    async with SmallCloud() as small, asleep(small.url, "a_b_org") as (webex, _):
        small.fail("POST", "/wdm/", 503, delay=0.55)  # a slow cloud
        small.fail("GET", "/ringing/", 200, body={"callId": "call", "state": "cancelled"})
        async with asyncio.timeout(0.5):
            assert await reason_of(webex, payload()) is EndReason.REMOTE_CANCEL
        await small.until(lambda: not small.busy)


async def test_a_call_that_the_cloud_has_forgotten_is_over(cloud: RunningCloud):
    async with asleep(cloud.url, await cloud.token("bob")) as (bob, _):
        assert await reason_of(bob, payload(callId="long-gone")) is EndReason.SERVICE_LOST


async def test_a_call_of_somebody_else_is_not_told_of(
    cloud: RunningCloud, alice: Webex, pushes: Pushes
):
    dialled = await rung(alice, cloud)
    async with asleep(cloud.url, await cloud.token("carol")) as (carol, listener):
        assert await reason_of(carol, await pushes.next()) is EndReason.SERVICE_LOST
        assert not listener.calls
    await dialled.hangup()


# --- nothing that could ring ---


async def test_nobody_is_signed_in(cloud: RunningCloud):
    async with asleep(cloud.url, None) as (webex, _):
        with pytest.raises(NotAuthorizedError, match="signed in"):
            await processed(webex, payload())


async def test_a_sign_in_that_is_refused_is_told_at_once():
    async with SmallCloud() as small, asleep(small.url, "out_of_date") as (webex, _):
        with pytest.raises(NotAuthorizedError):
            await processed(webex, payload())


async def test_without_a_network_the_wait_ends_with_the_ring_window(demo_data):
    async with RunningCloud(demo_data) as cloud:
        token = await cloud.token("bob")
    began = time.monotonic()
    async with asleep(cloud.url, token) as (bob, _):
        with pytest.raises(NetworkError):
            await processed(bob, payload(ringUntil=int((time.time() + 1) * 1000)))
    assert time.monotonic() - began < 6


async def test_a_network_that_comes_late_is_in_time_for_the_call(
    cloud: RunningCloud, alice: Webex, pushes: Pushes
):
    async with Network(cloud.url) as network, asleep(network.url, None) as (bob, listener):
        await network.down()
        await bob.authenticator.authorize(await cloud.token("bob"))  # type: ignore[attr-defined]
        dialled = await rung(alice, cloud)
        waking = asyncio.create_task(processed(bob, await pushes.next()))
        await asyncio.sleep(0)
        await network.up()
        assert await waking is Result.NO_ERROR
        assert len(listener.calls) == 1
        await dialled.hangup()


async def test_closing_ends_the_wait():
    async with SmallCloud() as small:
        small.fail("GET", "/api/v1/calling/web/ringing", 404, times=9, body={"a": "b"})
        async with asleep(small.url, "a_b_org") as (webex, _):
            waking = asyncio.create_task(processed(webex, payload()))
            await small.until(lambda: bool(small.lines))
        with pytest.raises(Exception, match="closed"):
            await waking


# --- a cloud that cannot be asked ---


async def test_of_a_cloud_that_cannot_be_asked_the_call_that_comes_is_the_one():
    async with SmallCloud() as small, asleep(small.url, "a_b_org") as (webex, listener):
        small.fail("PATCH", "/calls/", 200, times=9, body={"answered": True})
        waking = asyncio.create_task(processed(webex, payload(externalTrackingId="elsewhere")))
        await small.until(lambda: bool(small.lines and small.sockets))
        await invite(small, "c", "")
        assert await waking is Result.NO_ERROR
        assert [call.status for call in listener.calls] == [CallStatus.RINGING]
        # The same once more, now that it rings.
        assert await processed(webex, payload(pushId="again")) is Result.NO_ERROR
        assert len(listener.calls) == 1


async def test_a_call_that_never_comes_and_cannot_be_asked_for_is_an_error():
    async with SmallCloud() as small, asleep(small.url, "a_b_org") as (webex, listener):
        message = payload(ringUntil=int(time.time() * 1000))
        assert await processed(webex, message) is Result.INTERNAL_ERROR
        assert not listener.calls


# --- messages ---


@pytest.mark.parametrize("message", ["", b"", {}])
async def test_an_empty_message_is_told_as_one(message: Any):
    async with asleep("http://127.0.0.1:1", "a_b_org") as (webex, _):
        assert await processed(webex, message) is Result.EMPTY_MESSAGE
        assert webex.uc_server_connection_status is Status.IDLE
        with pytest.raises(InvalidApiError, match="empty"):
            webex.parse_voip_payload(message)


@pytest.mark.parametrize("message", ["hello", '{"aps": {"alert": "News"}}', {"type": "Mail"}])
async def test_a_message_that_announces_no_call_is_somebody_elses(message: Any):
    async with asleep("http://127.0.0.1:1", "a_b_org") as (webex, _):
        assert await processed(webex, message) is Result.NOT_WEBEX_CALLING_PUSH
        assert webex.uc_server_connection_status is Status.IDLE
        with pytest.raises(InvalidApiError, match="does not announce"):
            webex.parse_voip_payload(message)


def test_the_caller_is_known_without_a_connection():
    message = payload(displayName="Ada", displayNumber="1815", ringUntil=1_790_000_000_000)
    assert Webex.parse_voip_payload(message) == VoicePushInfo(
        "1", "push", "Ada", "1815", "track", "call", 1_790_000_000.0
    )


# --- payloads ---


def payload(**changes: Any) -> str:
    facts = {
        "pushId": "push",
        "callId": "call",
        "externalTrackingId": "track",
        "ringUntil": int((time.time() + 30) * 1000),
    }
    return msgspec.json.encode(NewCall(**(facts | changes))).decode()


def payload_of(cloud: RunningCloud, dialled: Call) -> str:
    """What a push for this call holds, whether one was needed or not."""
    window = next(
        each for each in cloud.service.wakeup._windows if each.tracking_id == dialled.tracking_id
    )
    return payload(callId=window.call_id, externalTrackingId=window.tracking_id)


async def reason_of(webex: Webex, message: str) -> str:
    began = time.monotonic()
    with pytest.raises(CallEndedError) as told:
        await processed(webex, message)
    assert time.monotonic() - began < 1, "it was not told at once"
    assert told.value.message
    return told.value.reason
