"""`telephony_calls`: each party's view of a call, in order."""

from typing import Any

from offhook.engine.exchange.model import ServiceNumber
from offhook.service.directory.demo import TEST_NUMBERS
from offhook.wire.ids import ResourceKind, encode_id
from service.firehose.receiver import Receiver
from service.firehose.test_delivery import hook
from service.running import PEOPLE, Cloud
from service.signalling import Wire, leg


def person(name: str) -> str:
    return encode_id(ResourceKind.PEOPLE, PEOPLE[name].entry().person_id)


def story(receiver: Receiver, name: str) -> list[tuple[str, str, str]]:
    """Event, event type and state of all that was told about somebody's calls."""
    return [
        (got.json["event"], got.json["data"]["eventType"], got.json["data"]["state"])
        for got in receiver.received
        if got.json["actorId"] == person(name)
    ]


async def ended(receiver: Receiver, number: int) -> None:
    await receiver.until(
        lambda received: sum(got.json["event"] == "deleted" for got in received) >= number
    )


async def client(cloud: Cloud, name: str) -> Wire:
    wire = Wire(cloud.http, cloud.service.http_url, await cloud.token(name))
    await wire.register()
    return wire


async def test_both_parties_of_a_call_are_told_each_its_own_view_in_order(
    cloud: Cloud, receiver: Receiver
) -> None:
    await hook(cloud, receiver.url, resource="telephony_calls", event="all", ownedBy="org")
    alice, bob = await client(cloud, "alice"), await client(cloud, "bob")
    async with leg() as audio, leg() as other:
        call = await alice.dial(PEOPLE["bob"].extension, await audio.create_offer())
        offer = await bob.told("media", messageType="OFFER")
        rings = offer["callId"]
        await bob.update(rings, "sig_alerting")
        await bob.update(rings, "sig_connected")
        answer = await other.accept_offer(offer["message"]["sdp"])
        await bob.roap(rings, offer["message"]["seq"], "ANSWER", answer)
        await alice.told("callconnected", call)
        await bob.told("media", messageType="OK")
        assert (await bob.service("hold", rings))[0] == 200
        await receiver.until(
            lambda received: any(got.json["data"]["state"] == "remoteHeld" for got in received)
        )
        await alice.hang_up(call)
        await ended(receiver, 2)
    assert story(receiver, "alice") == [
        ("created", "received", "connecting"),
        ("updated", "answered", "connected"),
        ("updated", "updated", "remoteHeld"),
        ("deleted", "disconnected", "disconnected"),
    ]
    assert story(receiver, "bob") == [
        ("created", "received", "alerting"),
        ("updated", "answered", "connected"),
        ("updated", "held", "held"),
        ("deleted", "disconnected", "disconnected"),
    ]
    views: dict[str, list[Any]] = {"alice": [], "bob": []}
    for got in receiver.received:
        views["alice" if got.json["actorId"] == person("alice") else "bob"].append(got.json["data"])
    assert {each["personality"] for each in views["alice"]} == {"originator"}
    assert {each["personality"] for each in views["bob"]} == {"terminator"}
    assert len({each["callId"] for each in views["alice"]}) == 1
    assert views["alice"][0]["callId"] != views["bob"][0]["callId"]
    everything = views["alice"] + views["bob"]
    assert len({each["callSessionId"] for each in everything}) == 1
    remote = views["bob"][0]["remoteParty"]
    assert (remote["name"], remote["number"]) == ("Alice Adams", PEOPLE["alice"].number)
    assert remote["personId"] == person("alice")
    last = views["bob"][-1]
    assert last["created"] <= last["answered"] <= last["disconnected"]
    for each in (alice, bob):
        await each.close()


async def test_a_call_to_a_service_number_is_told_to_the_caller_alone(
    cloud: Cloud, receiver: Receiver
) -> None:
    await hook(cloud, receiver.url, resource="telephony_calls", event="all", ownedBy="org")
    alice = await client(cloud, "alice")
    async with leg() as audio:
        await alice.dial(TEST_NUMBERS[ServiceNumber.BUSY], await audio.create_offer())
        await ended(receiver, 1)
    assert story(receiver, "alice") == [
        ("created", "received", "connecting"),
        ("deleted", "disconnected", "disconnected"),
    ]
    assert len(receiver.received) == 2
    await alice.close()


async def test_only_what_was_asked_for_is_told(cloud: Cloud, receiver: Receiver) -> None:
    filter_ = "personality=terminator&state=alerting"
    await hook(
        cloud,
        receiver.url,
        "bob",
        resource="telephony_calls",
        event="created",
        filter=filter_,
    )
    await hook(cloud, receiver.url, "alice", resource="telephony_calls", event="deleted")
    alice = await client(cloud, "alice")
    async with leg() as audio:
        call = await alice.dial(PEOPLE["bob"].extension, await audio.create_offer())
        await receiver.count(1)
        await alice.hang_up(call)
        await receiver.count(2)
    assert story(receiver, "bob") == [("created", "received", "alerting")]
    assert story(receiver, "alice") == [("deleted", "disconnected", "disconnected")]
    await alice.close()


async def test_a_call_to_somebody_makes_a_push_for_them(cloud: Cloud, receiver: Receiver) -> None:
    await hook(cloud, receiver.url)
    alice = await client(cloud, "alice")
    async with leg() as audio:
        call = await alice.dial(PEOPLE["bob"].extension, await audio.create_offer())
        (got,) = await receiver.count(1)
        await alice.hang_up(call)
    assert got.json["actorId"] == person("bob")
    apns, fcm = got.json["data"]["apnsPayload"], got.json["data"]["fcmPayload"]
    assert fcm["displayName"] == "Alice Adams"
    assert fcm["displayNumber"] == PEOPLE["alice"].number
    assert apns == {**fcm, "aps": {}}
    await alice.close()
