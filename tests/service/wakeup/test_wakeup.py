"""A phone that was woken asks after its call, at a service that runs."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest

from offhook.engine.exchange.model import Party
from offhook.engine.wakeup.ring_windows import Effect, SendPush
from offhook.service.wakeup.payload import push_data
from offhook.wire.voip_push import LARGEST_PAYLOAD, ApnsNewCall, NewCall
from offhook.wire.webhooks import TelephonyPushData
from service.running import PEOPLE, Cloud
from service.signalling import Wire, leg

PATIENCE = 5.0


class Pushes:
    """What the service wants pushed, as it comes."""

    def __init__(self, cloud: Cloud) -> None:
        self._queue: asyncio.Queue[SendPush] = asyncio.Queue()
        cloud.service.wakeup.observe(self._take)

    def _take(self, _now: float, effect: Effect) -> None:
        if isinstance(effect, SendPush):
            self._queue.put_nowait(effect)

    async def next(self) -> SendPush:
        return await asyncio.wait_for(self._queue.get(), PATIENCE)


@pytest.fixture
async def client(cloud: Cloud) -> AsyncIterator[Callable[[str], Wire]]:
    """Clients by name, closed afterwards."""
    made: list[Wire] = []
    tokens = {name: await cloud.token(name) for name in ("alice", "bob", "carol")}

    def make(name: str) -> Wire:
        made.append(Wire(cloud.http, cloud.service.http_url, tokens[name]))
        return made[-1]

    yield make
    for each in made:
        await each.close()


async def asked(who: Wire, call_id: str) -> tuple[int, Any]:
    return await who.send("GET", f"ringing/{call_id}")


async def test_a_phone_that_wakes_learns_whether_its_call_still_rings(
    cloud: Cloud, client: Callable[[str], Wire]
) -> None:
    pushes = Pushes(cloud)
    alice, bob, carol = client("alice"), client("bob"), client("carol")
    await alice.register()
    async with leg() as audio:
        call = await alice.dial(PEOPLE["bob"].extension, await audio.create_offer())
        push = await pushes.next()
        status, answer = await asked(bob, push.call_id)
        assert (status, answer["state"], answer["trackingId"]) == (200, "ringing", push.tracking_id)
        assert answer["ringUntil"] == int(push.until * 1000)
        # Nobody else learns anything, not even that there is such a call.
        for other in (alice, carol):
            status, answer = await asked(other, push.call_id)
            assert (status, answer["errorCode"]) == (404, 113)
        # It wakes, registers, and is offered the call.
        await bob.register()
        offered = await bob.told("call")
        assert offered["trackingId"] == push.tracking_id
        await alice.hang_up(call)
        status, answer = await asked(bob, push.call_id)
        assert (status, answer["state"]) == (200, "cancelled")


async def test_a_phone_that_wakes_too_late_learns_that_another_one_answered(
    cloud: Cloud, client: Callable[[str], Wire]
) -> None:
    pushes = Pushes(cloud)
    alice, bob, sleeper = client("alice"), client("bob"), client("bob")
    await alice.register()
    await bob.register()
    async with leg() as audio:
        await alice.dial(PEOPLE["bob"].extension, await audio.create_offer())
        push = await pushes.next()
        rings = await bob.told("call")
        await bob.update(rings["callId"], "sig_alerting")
        await bob.update(rings["callId"], "sig_connected")
        status, answer = await asked(sleeper, push.call_id)
        assert (status, answer["state"]) == (200, "answeredElsewhere")


async def test_asking_after_a_call_needs_a_token(cloud: Cloud) -> None:
    answer = await cloud.get("/api/v1/calling/web/ringing/whatever")
    assert answer.status == 401


async def test_the_ring_windows_are_in_the_figures(
    cloud: Cloud, client: Callable[[str], Wire]
) -> None:
    alice = client("alice")
    await alice.register()
    async with leg() as audio:
        call = await alice.dial(PEOPLE["bob"].extension, await audio.create_offer())
        text = (await cloud.get("/metrics", token=alice.token)).body.decode()
        assert "offhook_wakeup_pushes_total 1.0" in text
        assert "offhook_wakeup_pushed 1.0" in text
        await alice.hang_up(call)
        text = (await cloud.get("/metrics", token=alice.token)).body.decode()
        assert "offhook_wakeup_outcome_cancelled_total 1.0" in text


def test_the_payload_says_the_same_to_both_kinds_of_phone_and_fits() -> None:
    caller = Party("\x07" * 5000, "+" * 5000, "alice")
    callee = Party("Bob", "1002", "bob")
    first = msgspec.json.decode(
        push_data(SendPush("call", "tracking", caller, callee, 1000.5, 1)), type=TelephonyPushData
    )
    apns = msgspec.json.decode(first.apnsPayload, type=ApnsNewCall)
    fcm = msgspec.json.decode(first.fcmPayload, type=NewCall)
    assert max(len(bytes(first.apnsPayload)), len(bytes(first.fcmPayload))) <= LARGEST_PAYLOAD
    assert apns.pushId == fcm.pushId
    assert (fcm.callId, fcm.externalTrackingId, fcm.ringUntil) == ("call", "tracking", 1000500)
    again = msgspec.json.decode(
        push_data(SendPush("call", "tracking", caller, callee, 1000.5, 2)), type=TelephonyPushData
    )
    assert msgspec.json.decode(again.fcmPayload, type=NewCall).pushId != fcm.pushId
