"""What each side is told, event by event, in the order in which official clients need it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from offhook.engine.exchange.model import EndReason
from offhook.media.leg import WebRtcLeg
from offhook.service.config import Timing
from service.running import PEOPLE, Cloud, config, started
from service.signalling import Wire, leg

Make = Callable[[str], Awaitable[Wire]]


async def talking(
    alice: Wire, ours: WebRtcLeg, bob: Wire, theirs: WebRtcLeg, *, answer_first: bool = False
) -> tuple[str, str]:
    """A call with both sides' negotiation done; its two ids."""
    call_id = await alice.dial("1002", await ours.create_offer())
    incoming = (await bob.told("call"))["callId"]
    await bob.update(incoming, "sig_alerting")
    await alice.told("callprogress", call_id)
    offer = await bob.told("media", incoming, messageType="OFFER", seq=1)
    sdp = await theirs.accept_offer(offer["message"]["sdp"])
    if answer_first:
        await bob.roap(incoming, 1, "ANSWER", sdp)
        await alice.told("callconnected", call_id)
        await bob.update(incoming, "sig_connected")
    else:
        await bob.update(incoming, "sig_connected")
        await bob.roap(incoming, 1, "ANSWER", sdp)
    await bob.told("media", incoming, messageType="OK", seq=1)
    answer = await alice.told("media", call_id, messageType="ANSWER", seq=1)
    await ours.accept_answer(answer["message"]["sdp"])
    await alice.roap(call_id, 1, "OK")
    await alice.told("callconnected", call_id)
    return call_id, incoming


async def renegotiated(client: Wire, media: WebRtcLeg, call_id: str, seq: int) -> str:
    """The round that the service asks for after hold and resume; our answer in it."""
    await client.told("media", call_id, messageType="OFFER_REQUEST", seq=seq)
    await client.roap(call_id, seq, "OFFER_RESPONSE", await media.create_offer())
    answer = await client.told("media", call_id, messageType="ANSWER", seq=seq)
    sdp: str = answer["message"]["sdp"]
    await media.accept_answer(sdp)
    await client.roap(call_id, seq, "OK")
    return sdp


async def kept(cloud: Cloud, name: str = "alice") -> EndReason:
    """Why the person's latest call ended, by its record."""
    person_id = PEOPLE[name].entry().person_id
    async with asyncio.timeout(5):
        while not (records := await cloud.service.records.of_person(person_id)):
            await asyncio.sleep(0.01)
    return records[0].reason


async def test_a_call_is_made_answered_held_resumed_and_ended(wire: Make, cloud: Cloud) -> None:
    alice, bob = await wire("alice"), await wire("bob")
    async with leg() as ours, leg() as theirs:
        call_id, incoming = await talking(alice, ours, bob, theirs)
        assert (await alice.service("hold", call_id))[0] == 200
        assert "a=inactive" in await renegotiated(alice, ours, call_id, 2)
        assert (await alice.service("resume", call_id))[0] == 200
        assert "a=sendrecv" in await renegotiated(alice, ours, call_id, 3)
        assert (await bob.service("hold", incoming))[0] == 200
        assert "a=inactive" in await renegotiated(bob, theirs, incoming, 2)
        assert (await bob.service("resume", incoming))[0] == 200
        assert "a=sendrecv" in await renegotiated(bob, theirs, incoming, 3)
        await alice.hang_up(call_id)
        await bob.told("calldisconnected", incoming)
        await bob.hang_up(incoming, 115)
    told = alice.story(call_id)
    assert sorted(told[:2]) == ["ANSWER", "callprogress"]
    hold = ["HELD", "OFFER_REQUEST", "ANSWER", "CONNECTED", "OFFER_REQUEST", "ANSWER"]
    seen = ["participants", "participants"]  # the other side holds, and resumes
    assert told[2:] == ["callconnected", *hold, *seen], "who hangs up is told nothing"
    assert bob.story(incoming) == ["OFFER", "call", "OK", *seen, *hold, "calldisconnected"]
    correlation_ids = {event["correlationId"] for event in bob.events[2:]}
    assert correlation_ids == {bob.own(incoming)["correlationId"]}
    assert await kept(cloud) is EndReason.HANGUP


async def test_an_answer_that_overtakes_the_connect_counts_as_one(wire: Make) -> None:
    alice, bob = await wire("alice"), await wire("bob")
    async with leg() as ours, leg() as theirs:
        call_id, incoming = await talking(alice, ours, bob, theirs, answer_first=True)
        await bob.hang_up(incoming)
        await alice.told("calldisconnected", call_id)
    assert bob.story(incoming) == ["OFFER", "call", "OK"]
    assert alice.story(call_id).count("callconnected") == 1


async def test_a_call_is_declined(wire: Make, offer: str, cloud: Cloud) -> None:
    alice, desk, mobile = await wire("alice"), await wire("bob"), await wire("bob")
    call_id = await alice.dial("1002", offer)
    rings = {client: (await client.told("call"))["callId"] for client in (desk, mobile)}
    for client, incoming in rings.items():
        await client.update(incoming, "sig_alerting")
    await mobile.hang_up(rings[mobile], 115)
    assert (await alice.told("calldisconnected", call_id))["causecode"] == 119
    await desk.told("calldisconnected", rings[desk])
    assert sorted(alice.story(call_id)) == ["ANSWER", "calldisconnected", "callprogress"]
    assert desk.story(rings[desk]) == ["OFFER", "call", "calldisconnected"]
    assert mobile.story(rings[mobile]) == ["OFFER", "call"]
    assert await kept(cloud) is EndReason.REJECTED


async def test_a_call_is_cancelled_while_it_rings(wire: Make, offer: str, cloud: Cloud) -> None:
    alice, bob = await wire("alice"), await wire("bob")
    call_id = await alice.dial("1002", offer)
    incoming = (await bob.told("call"))["callId"]
    await bob.update(incoming, "sig_alerting")
    await alice.told("callprogress", call_id)
    await alice.hang_up(call_id)
    await bob.told("calldisconnected", incoming)
    await bob.hang_up(incoming, 115)
    assert bob.story(incoming) == ["OFFER", "call", "calldisconnected"]
    assert await kept(cloud) is EndReason.CANCELLED


async def test_nobody_answers(demo_data: Path) -> None:
    async with started(config(demo_data, timing=Timing(ring=5))) as cloud:
        alice = Wire(cloud.http, cloud.service.http_url, await cloud.token("alice"))
        bob = Wire(cloud.http, cloud.service.http_url, await cloud.token("bob"))
        await alice.register()
        await bob.register()
        async with leg() as made:
            call_id = await alice.dial("1002", await made.create_offer())
        incoming = (await bob.told("call"))["callId"]
        await bob.update(incoming, "sig_alerting")
        told = await alice.told("calldisconnected", call_id, within=10.0)
        assert told["causecode"] == 117
        await bob.told("calldisconnected", incoming)
        assert await kept(cloud) is EndReason.NO_ANSWER
        for client in (alice, bob):
            await client.close()


async def test_somebody_with_two_calls_is_busy(wire: Make, offer: str) -> None:
    alice, bob, carol = await wire("alice"), await wire("bob"), await wire("carol")
    for caller in (alice, carol):
        await caller.dial("1002", offer)
        await bob.told("call", deviceId=bob.line)
    dave = await wire("dave")
    call_id = await dave.dial("1002", offer)
    assert (await dave.told("calldisconnected", call_id))["causecode"] == 115
    assert "callprogress" not in dave.story(call_id)


async def test_who_has_no_phone_on_can_still_take_the_call(wire: Make, offer: str) -> None:
    alice = await wire("alice")
    call_id = await alice.dial("1002", offer)
    await alice.told("callprogress", call_id)
    bob = await wire("bob")
    incoming = (await bob.told("call"))["callId"]
    await bob.update(incoming, "sig_connected")
    await alice.told("callconnected", call_id)


async def test_a_second_call_holds_the_first_on_the_same_line(wire: Make) -> None:
    alice, bob, carol = await wire("alice"), await wire("bob"), await wire("carol")
    async with leg() as ours, leg() as theirs, leg() as second:
        call_id, _ = await talking(alice, ours, bob, theirs)
        consultation = await alice.dial("1003", await second.create_offer())
        await renegotiated(alice, ours, call_id, 2)
        assert "HELD" in alice.story(call_id)
        incoming = (await carol.told("call"))["callId"]
        await alice.hang_up(consultation)
        await carol.update(incoming, "sig_alerting")
        await carol.told("calldisconnected", incoming)
        assert (await alice.service("resume", call_id))[0] == 200
        await renegotiated(alice, ours, call_id, 3)
    assert "CONNECTED" in alice.story(call_id)
