"""`telephony_calls` webhooks: each change of each party's view, in order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from wxc_sdk.telephony.calls import CallState, TelephonyEventData

from offhook.service.directory import CallSettings, Forwarding, ForwardingRule
from offhook.wire.ids import ResourceKind, encode_id
from service.firehose.receiver import Receiver
from service.firehose.test_delivery import hook
from service.running import PEOPLE, Cloud
from service.telephony.desk import Desk
from service.telephony.test_call_control import ALERTING, CONNECTED, talking

At = Callable[[str], Awaitable[Desk]]
ID = {name: person.entry().person_id for name, person in PEOPLE.items()}


def told(receiver: Receiver, name: str, call_id: str = "") -> list[dict[str, Any]]:
    """`data` of all that was told about somebody's calls, or one of them."""
    actor = encode_id(ResourceKind.PEOPLE, ID[name])
    everything = [got.json for got in receiver.received if got.json["actorId"] == actor]
    return [
        each["data"] | {"event": each["event"]}
        for each in everything
        if call_id in ("", each["data"]["callId"])
    ]


def story(receiver: Receiver, name: str, call_id: str = "") -> list[str]:
    """In short: ``created received alerting``."""
    return [
        f"{each['event']} {each['eventType']} {each['state']}"
        for each in told(receiver, name, call_id)
    ]


async def over(receiver: Receiver, count: int) -> None:
    """Wait until so many calls have ended."""
    await receiver.until(
        lambda received: sum(got.json["event"] == "deleted" for got in received) >= count
    )


async def listen(cloud: Cloud, receiver: Receiver) -> None:
    await hook(cloud, receiver.url, resource="telephony_calls", event="all", ownedBy="org")


async def test_a_consult_transfer_is_told_to_all_three(
    desk: At, cloud: Cloud, receiver: Receiver
) -> None:
    await listen(cloud, receiver)
    alice, bob, carol = await desk("alice"), await desk("bob"), await desk("carol")
    first, bobs = await talking(alice, bob)
    second, carols = await talking(alice, carol)
    await alice.rest(lambda api: api.telephony.calls.transfer(first, second))
    await bob.call(CONNECTED, "carol")
    await bob.rest(lambda api: api.telephony.calls.hangup(bobs))
    await over(receiver, 4)
    dialled = [
        "created received alerting",  # alice's own phone
        "updated updated connecting",
        "updated answered connected",
    ]
    assert story(receiver, "alice", first) == [
        *dialled,
        "updated held held",
        "deleted disconnected disconnected",
    ]
    assert story(receiver, "alice", second) == [*dialled, "deleted disconnected disconnected"]
    assert [each["personality"] for each in told(receiver, "alice", first)][:2] == [
        "clickToDial",
        "originator",
    ]
    assert story(receiver, "bob", bobs) == [
        "created received alerting",
        "updated answered connected",
        "updated updated remoteHeld",
        "updated updated connected",
        "deleted disconnected disconnected",
    ]
    assert [each["remoteParty"]["name"] for each in told(receiver, "bob", bobs)][-2:] == [
        "Carol Clark",
        "Carol Clark",
    ]
    assert story(receiver, "carol", carols) == [
        "created received alerting",
        "updated answered connected",
        "updated updated connected",
        "deleted disconnected disconnected",
    ]
    times = [each["eventTimestamp"] for each in told(receiver, "alice")]
    assert times == sorted(times), "also across her two calls"
    for got in receiver.received:
        read = TelephonyEventData.model_validate({"resource": "telephony_calls"} | got.json["data"])
        assert read.call_id


async def test_who_mutes_and_who_holds_is_told(desk: At, cloud: Cloud, receiver: Receiver) -> None:
    await listen(cloud, receiver)
    alice, bob = await desk("alice"), await desk("bob")
    ours, theirs = await talking(alice, bob)
    for action in ("hold", "resume", "mute", "unmute", "hangup"):
        await bob.rest(lambda api, it=action: getattr(api.telephony.calls, it)(theirs))
    await over(receiver, 2)
    assert story(receiver, "bob", theirs)[2:] == [
        "updated held held",
        "updated resumed connected",
        "updated updated connected",
        "updated updated connected",
        "deleted disconnected disconnected",
    ]
    assert [each["muted"] for each in told(receiver, "bob", theirs)][3:6] == [False, True, False]
    assert story(receiver, "alice", ours)[3:5] == [
        "updated updated remoteHeld",
        "updated updated connected",
    ]


async def test_a_forwarded_call_is_told_to_the_caller_and_to_whom_it_reaches(
    desk: At, cloud: Cloud, receiver: Receiver
) -> None:
    await listen(cloud, receiver)
    busy = CallSettings(forwarding=Forwarding(busy=ForwardingRule(True, "1003")))
    await cloud.service.directory.settings.set(ID["bob"], busy)
    alice, bob, carol = await desk("alice"), await desk("bob"), await desk("carol")
    call = await alice.dial("1002")
    ringing = await bob.call(ALERTING)
    await bob.rest(lambda api: api.telephony.calls.reject(ringing))
    await carol.answer("alice")
    await alice.call(CONNECTED, "carol")
    await alice.wire.hang_up(call)
    await over(receiver, 3)
    assert story(receiver, "alice") == [
        "created received connecting",
        "updated forwarded connecting",
        "updated answered connected",
        "deleted disconnected disconnected",
    ]
    assert [each["remoteParty"]["name"] for each in told(receiver, "alice")][:2] == [
        "Bob Brown",
        "Carol Clark",
    ]
    assert story(receiver, "bob") == [
        "created received alerting",
        "deleted disconnected disconnected",
    ]
    ring, answered, _ = told(receiver, "carol")
    assert [
        (each["reason"], each["redirectingParty"]["name"]) for each in ring["redirections"]
    ] == [("busy", "Bob Brown")]
    assert "redirections" not in answered


async def test_members_of_a_group_learn_that_another_one_took_it(
    desk: At, cloud: Cloud, receiver: Receiver
) -> None:
    await listen(cloud, receiver)
    alice, *members = [await desk(name) for name in ("alice", "bob", "carol", "dave")]
    call = await alice.dial("1010")
    await asyncio.gather(*(each.call(ALERTING, "alice") for each in members))
    await members[1].answer("alice")
    await alice.call(CONNECTED, "carol")
    await alice.wire.hang_up(call)
    await over(receiver, 4)
    for name in ("bob", "dave"):
        assert story(receiver, name) == [
            "created received alerting",
            "deleted disconnected disconnected",
        ]
        assert told(receiver, name)[-1]["completedElsewhere"] is True
    assert story(receiver, "carol") == [
        "created received alerting",
        "updated answered connected",
        "deleted disconnected disconnected",
    ]
    assert "completedElsewhere" not in told(receiver, "carol")[-1]
    (through,) = told(receiver, "bob")[0]["redirections"]
    assert (through["reason"], through["redirectingParty"]["name"]) == ("huntGroup", "Support")
    assert [each["remoteParty"]["name"] for each in told(receiver, "alice")] == [
        "Support",
        "Carol Clark",
        "Carol Clark",
    ]


async def test_do_not_disturb_and_forwarding_decide_where_a_call_rings(
    desk: At, cloud: Cloud
) -> None:
    alice, bob, carol = await desk("alice"), await desk("bob"), await desk("carol")
    settings = cloud.service.directory.settings
    await settings.set(ID["bob"], CallSettings(do_not_disturb=True))
    call = await alice.dial("1002")
    assert (await alice.wire.told("calldisconnected", call))["causecode"] == 115
    always = CallSettings(True, Forwarding(always=ForwardingRule(True, "1003")))
    await settings.set(ID["bob"], always)
    await alice.dial("1002")
    await carol.call(ALERTING, "alice")
    assert await bob.calls() == []
    assert await alice.call(CallState.connecting, "carol")


async def test_a_push_says_which_group_was_called(
    desk: At, cloud: Cloud, receiver: Receiver
) -> None:
    await hook(cloud, receiver.url)
    alice = await desk("alice")
    await alice.dial("1010")
    pushes = await receiver.count(3)
    payloads = [
        push.json["data"][kind] for push in pushes for kind in ("apnsPayload", "fcmPayload")
    ]
    assert {(each["groupName"], each["groupNumber"]) for each in payloads} == {
        ("Support", "+12025550110")
    }
    assert {each["displayName"] for each in payloads} == {"Alice Adams"}
    actors = {push.json["actorId"] for push in pushes}
    assert actors == {encode_id(ResourceKind.PEOPLE, ID[name]) for name in ("bob", "carol", "dave")}
    await alice.dial("1003")
    fourth = (await receiver.count(4))[3].json["data"]["fcmPayload"]
    assert "groupName" not in fourth
