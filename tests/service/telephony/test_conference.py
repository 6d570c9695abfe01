"""Conferences that their host controls with wxc-sdk alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from wxc_sdk.rest import RestError
from wxc_sdk.telephony.conference import ConferenceDetails

from service.telephony.desk import Desk
from service.telephony.test_call_control import CONNECTED, HELD, muted, talking

At = Callable[[str], Awaitable[Desk]]


async def details(host: Desk) -> ConferenceDetails:
    return await host.rest(lambda api: api.telephony.conference.get_conference_details())


def participants(conference: ConferenceDetails) -> dict[str, bool]:
    """Who is muted, by the host's call."""
    return {str(each.call_id): bool(each.muted) for each in conference.participants or ()}


async def three(desk: At) -> tuple[list[Desk], list[str]]:
    """Alice hosts bob and carol; her calls with them."""
    alice, bob, carol = await desk("alice"), await desk("bob"), await desk("carol")
    calls = [(await talking(alice, other))[0] for other in (bob, carol)]
    assert await details(alice) == ConferenceDetails()
    await alice.rest(lambda api: api.telephony.conference.start_conference(calls))
    return [alice, bob, carol], calls


async def test_two_calls_become_a_conference_of_three(desk: At) -> None:
    (alice, bob, _), calls = await three(desk)
    conference = await details(alice)
    assert (conference.state, conference.muted) == ("connected", False)
    assert conference.created is not None
    assert participants(conference) == dict.fromkeys(calls, False)
    assert [await alice.call(CONNECTED, name) for name in ("bob", "carol")] == calls
    assert len({each.call_session_id for each in await alice.calls()}) == 1
    assert await details(bob) == ConferenceDetails(), "it is alice's"
    told = await bob.wire.frame(lambda frame: "'conference': True" in str(frame.get("data", "")))
    (middle,) = [
        each["eventData"]
        for each in told["data"]["midCallService"]
        if each["eventType"] == "participants"
    ]
    assert {each["name"] for each in middle["participants"]} == {
        "Alice Adams",
        "Bob Brown",
        "Carol Clark",
    }
    assert middle["conference"] is True


async def test_the_host_mutes_a_participant_or_itself(desk: At) -> None:
    (alice, bob, _), (with_bob, with_carol) = await three(desk)
    await alice.rest(lambda api: api.telephony.conference.mute(with_bob))
    assert participants(await details(alice)) == {with_bob: True, with_carol: False}
    await bob.wire.told("call", midCallService=[muted(True)])
    assert await bob.call(CONNECTED, muted=True)
    await alice.rest(lambda api: api.telephony.conference.mute())
    assert (await details(alice)).muted is True
    await alice.rest(lambda api: api.telephony.conference.unmute(with_bob))
    await alice.rest(lambda api: api.telephony.conference.unmute())
    conference = await details(alice)
    assert conference.muted is False
    assert participants(conference) == {with_bob: False, with_carol: False}


async def test_the_host_leaves_for_a_moment_and_comes_back(desk: At) -> None:
    (alice, *_), calls = await three(desk)
    await alice.rest(lambda api: api.telephony.conference.hold())
    assert (await details(alice)).state == "held"
    assert {await alice.call(HELD, name) for name in ("bob", "carol")} == set(calls)
    await alice.rest(lambda api: api.telephony.conference.resume())
    assert (await details(alice)).state == "connected"


async def test_a_fourth_joins_and_one_by_one_they_go(desk: At) -> None:
    (alice, bob, carol), (with_bob, with_carol) = await three(desk)
    dave = await desk("dave")
    with_dave, _ = await talking(alice, dave)
    assert (await details(alice)).state == "held"
    await alice.rest(lambda api: api.telephony.conference.add_participant(with_dave))
    conference = await details(alice)
    assert set(participants(conference)) == {with_bob, with_carol, with_dave}
    assert conference.state == "connected"
    await alice.rest(lambda api: api.telephony.calls.hangup(with_dave))
    await dave.no_calls()
    assert set(participants(await details(alice))) == {with_bob, with_carol}
    carols = await carol.call(CONNECTED)
    await carol.rest(lambda api: api.telephony.calls.hangup(carols))
    await carol.no_calls()
    assert await details(alice) == ConferenceDetails(), "with two left it is an ordinary call"
    assert await alice.call(CONNECTED, "bob") == with_bob
    assert await bob.call(CONNECTED, "alice")


async def test_the_host_ends_it_for_everybody(desk: At) -> None:
    desks, _ = await three(desk)
    alice, bob, _ = desks
    with pytest.raises(RestError, match="You host no conference"):
        await bob.rest(lambda api: api.telephony.conference.release_conference())
    await alice.rest(lambda api: api.telephony.conference.release_conference())
    for each in desks:
        await each.no_calls()
    with pytest.raises(RestError, match="You host no conference"):
        await alice.rest(lambda api: api.telephony.conference.hold())
