"""Calls that wake phones: from the dialling to the sound, through webhook, backend and Apple.

Everything is real but Apple, for whom a server stands in that speaks and checks as Apple does.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from pathlib import Path

import aiohttp
import pytest

from offhook import Call, CallEndedError, EndReason, Webex
from offhook.service.config import ServiceConfig, Timing
from offhook.testing import LocalCloud, local_cloud
from offhook.testing.push import LocalPush, local_push
from stories.conftest import PhoneOf
from stories.hearing import hears, voice
from stories.sleeping import PATIENCE, Sleeper, sleepers


async def dial(alice: Webex, cloud: LocalCloud, who: str = "bob") -> Call:
    return await alice.phone.dial_phone_number(cloud.person(who).extension, voice("alice"))


async def devices(cloud: LocalCloud, push: LocalPush, who: str) -> list[str]:
    """The installations that the backend knows of somebody."""
    headers = {"authorization": f"Bearer {cloud.person(who).token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.get(f"{push.url}/v1/devices") as answer,
    ):
        body = await answer.json()
    items = body["items"] if isinstance(body, dict) else body
    return [each.get("installationId") or each["id"] for each in items]


async def test_a_killed_phone_is_woken_rings_and_both_hear_each_other(
    cloud: LocalCloud, phone: PhoneOf, sleeper: Sleeper
) -> None:
    alice, bob = await phone("alice"), await sleeper("bob")
    outgoing = await dial(alice, cloud)
    push = await bob.pushed()
    info = bob.start().parse_voip_payload(push.body)
    assert (info.name, info.number) == ("Alice Adams", cloud.person("alice").number)
    incoming = await bob.wake(push)
    async with outgoing, incoming:
        await incoming.answer(voice("bob"))
        await outgoing.connected()
        assert await hears(incoming, "alice")
        assert await hears(outgoing, "bob")
        # One id from the push to both ends of the call.
        assert info.external_tracking_id == outgoing.external_tracking_id
        assert info.external_tracking_id == incoming.external_tracking_id
    assert push.headers["apns-expiration"] == str(int(info.ring_until or 0))


async def test_answered_elsewhere_stops_every_other_device_awake_or_waking(
    cloud: LocalCloud, phone: PhoneOf, sleeper: Sleeper
) -> None:
    alice, desk, pocket = await phone("alice"), await phone("bob"), await sleeper("bob")
    outgoing = await dial(alice, cloud)
    push = await pocket.pushed()
    at_desk = await anext(desk.phone.incoming_calls())
    in_pocket = await pocket.wake(push)
    late = await sleeper("bob")
    await at_desk.answer()
    await outgoing.connected()
    assert await asyncio.wait_for(in_pocket.ended(), PATIENCE) is EndReason.ANSWERED_ELSEWHERE
    # The third one is so slow that it only wakes now.
    with pytest.raises(CallEndedError) as told:
        await late.wake(push)
    assert told.value.reason == EndReason.ANSWERED_ELSEWHERE
    await outgoing.hangup()


async def test_two_devices_of_a_person_are_both_woken_and_either_may_answer(
    cloud: LocalCloud, phone: PhoneOf, sleeper: Sleeper
) -> None:
    alice, one, two = await phone("alice"), await sleeper("bob"), await sleeper("bob")
    outgoing = await dial(alice, cloud)
    pushes = await one.pushed(), await two.pushed()
    assert pushes[0].headers["apns-id"] != pushes[1].headers["apns-id"]
    first, second = await asyncio.gather(one.wake(pushes[0]), two.wake(pushes[1]))
    await second.answer()
    assert await asyncio.wait_for(first.ended(), PATIENCE) is EndReason.ANSWERED_ELSEWHERE
    await outgoing.hangup()


async def test_a_caller_who_gives_up_while_the_push_is_in_flight_rings_nobody(
    cloud: LocalCloud, phone: PhoneOf, sleeper: Sleeper
) -> None:
    alice, bob = await phone("alice"), await sleeper("bob")
    outgoing = await dial(alice, cloud)
    push = await bob.pushed()
    await outgoing.hangup()
    began = time.monotonic()
    with pytest.raises(CallEndedError) as told:
        await bob.wake(push)
    assert told.value.reason == EndReason.REMOTE_CANCEL
    assert time.monotonic() - began < 2.0


async def test_a_phone_that_wakes_after_the_ring_window_is_told_at_once(
    cloud: LocalCloud, phone: PhoneOf, sleeper: Sleeper
) -> None:
    alice, bob = await phone("alice"), await sleeper("bob")
    outgoing = await dial(alice, cloud)
    push = await bob.pushed()
    assert await asyncio.wait_for(outgoing.ended(), PATIENCE) is EndReason.NO_ANSWER
    with pytest.raises(CallEndedError) as told:
        await bob.wake(push)
    assert told.value.reason == EndReason.NO_ANSWER


async def test_the_second_push_of_a_call_that_rings_already_changes_nothing(
    cloud: LocalCloud, phone: PhoneOf, sleeper: Sleeper
) -> None:
    alice, bob = await phone("alice"), await sleeper("bob")
    outgoing = await dial(alice, cloud)
    push = await bob.pushed()
    incoming = await bob.wake(push)
    app = bob.apps[-1]
    await app.phone.process_push_notification(push.body)
    assert app.phone.calls == (incoming,)
    await incoming.reject()
    assert await asyncio.wait_for(outgoing.ended(), PATIENCE) is EndReason.REJECTED


async def test_a_dead_token_is_dropped_and_the_persons_other_phone_still_rings(
    cloud: LocalCloud, phone: PhoneOf, push: LocalPush, sleeper: Sleeper
) -> None:
    alice, dead, living = await phone("alice"), await sleeper("bob"), await sleeper("bob")
    push.apns.answer(410, "Unregistered", token=dead.token, timestamp=int(time.time() * 1000))
    outgoing = await dial(alice, cloud)
    incoming = await living.wake(await living.pushed())
    async with asyncio.timeout(PATIENCE):
        while await devices(cloud, push, "bob") != [living.installation]:
            await asyncio.sleep(0.02)
    await incoming.answer()
    await outgoing.connected()
    await outgoing.hangup()


async def test_a_token_that_is_refreshed_between_two_calls_gets_the_second(
    cloud: LocalCloud, phone: PhoneOf, sleeper: Sleeper
) -> None:
    alice, bob = await phone("alice"), await sleeper("bob")
    first = await dial(alice, cloud)
    old = await bob.pushed()
    await first.hangup()
    await first.ended()
    bob.token = "cd" * 32
    await bob.register()
    second = await dial(alice, cloud)
    push = await bob.pushed()
    assert (old.token, push.token) != (push.token, old.token)
    incoming = await bob.wake(push)
    await incoming.answer()
    await second.connected()
    await second.hangup()


async def test_a_token_of_the_wrong_environment_is_dropped_and_said(
    cloud: LocalCloud, phone: PhoneOf, push: LocalPush, sleeper: Sleeper
) -> None:
    alice, bob = await phone("alice"), await sleeper("bob")
    push.apns.answer(400, "BadDeviceToken", token=bob.token)
    outgoing = await dial(alice, cloud)
    async with asyncio.timeout(PATIENCE):
        while await devices(cloud, push, "bob"):
            await asyncio.sleep(0.02)
    assert bob.pushes.empty()
    await outgoing.hangup()


async def test_a_provider_that_is_down_for_half_of_the_ring_window_costs_no_call(
    cloud: LocalCloud, phone: PhoneOf, push: LocalPush, sleeper: Sleeper
) -> None:
    alice, bob = await phone("alice"), await sleeper("bob")
    await push.apns.down()
    outgoing = await dial(alice, cloud)
    await asyncio.sleep(2.0)
    await push.apns.up()
    incoming = await bob.wake(await bob.pushed())
    await incoming.answer()
    await outgoing.connected()
    await outgoing.hangup()
    assert bob.pushes.empty()


async def test_a_phone_that_wakes_after_the_third_alert_still_rings(
    founded: Path, tmp_path: Path
) -> None:
    shutil.copytree(founded, tmp_path / "data")
    config = ServiceConfig(
        data=str(tmp_path / "data"),
        http="127.0.0.1:0",
        https="127.0.0.1:0",
        timing=Timing(ring=30),
    )
    async with (
        local_cloud(config) as cloud,
        local_push(cloud) as push,
        sleepers(cloud, push) as sleeper,
    ):
        bob = await sleeper("bob")
        alice = (await sleeper("alice")).start()
        await alice.initialize()
        await alice.phone.ready()
        outgoing = await dial(alice, cloud)
        alerts = [await bob.pushed() for _ in range(3)]
        infos = [alice.parse_voip_payload(each.body) for each in alerts]
        assert len({each.push_id for each in infos}) == 3
        assert len({(each.call_id, each.external_tracking_id) for each in infos}) == 1
        incoming = await bob.wake(alerts[2])
        await incoming.answer()
        await outgoing.connected()
        await outgoing.hangup()
