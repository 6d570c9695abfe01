"""Hunt groups, and what people decide about calls to them: which phone rings, awake or asleep."""

from __future__ import annotations

import asyncio

import pytest

from offhook import (
    Call,
    CallEndedError,
    EndReason,
    IncomingCallListener,
    OtherConnected,
    Webex,
)
from offhook.engine.exchange.model import HuntPolicy
from offhook.service.directory.demo import DEMO_ORG_ID
from offhook.service.directory.entries import CallSettings, Forwarding, ForwardingRule, HuntGroup
from offhook.testing import LocalCloud
from sdk.three_parties import Party, ends
from stories.conftest import Parties, PhoneOf
from stories.hearing import PATIENCE, everybody_hears, next_call, voice
from stories.rest import rest
from stories.sleeping import Sleeper

SALES = "1020"


async def person_id(cloud: LocalCloud, name: str) -> str:
    entry = await cloud.service.directory.find_by_email(cloud.person(name).email)
    assert entry is not None
    return entry.person_id


async def found_group(
    cloud: LocalCloud,
    policy: HuntPolicy,
    *members: str,
    seconds: float | None = 1.0,
    forwarding: Forwarding | None = None,
) -> None:
    """A group of these people, at the number `SALES`."""
    ids = [await person_id(cloud, name) for name in members]
    await cloud.service.directory.groups.add(
        HuntGroup(
            "7f0e8400-e29b-41d4-a716-446655440000",
            DEMO_ORG_ID,
            "Sales",
            policy,
            tuple(ids),
            extension=SALES,
            member_seconds=seconds,
            forwarding=forwarding or Forwarding(),
        )
    )


class Rung(IncomingCallListener):
    """The calls that ring at these people's phones from now on."""

    def __init__(self, *people: Party) -> None:
        self.calls: list[Call] = []
        for each in people:
            each.webex.phone.set_incoming_call_listener(self)

    def on_incoming_call(self, call: Call, has_active_conflict_calls: bool) -> None:
        self.calls.append(call)


async def answered_by(caller: Party, number: str, *phones: Party) -> str:
    """Call; the first of these phones that rings answers, both hang up. Whose it was."""
    async with await caller.webex.phone.dial_phone_number(number) as call:
        ringing = {asyncio.create_task(next_call(each.webex)): each for each in phones}
        done, rest_of_them = await asyncio.wait(
            ringing, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED
        )
        for task in rest_of_them:
            task.cancel()
        await asyncio.wait(ringing)
        [first] = done
        await first.result().answer()
        async with asyncio.timeout(PATIENCE):
            await call.connected()
        assert call.title.lower().startswith(ringing[first].name)
    await ends(first.result())
    return ringing[first].name


# --- which members ring -------------------------------------------------------------------------


async def test_all_ring_and_one_answers_awake_or_asleep(
    parties: Parties, sleeper: Sleeper, cloud: LocalCloud
) -> None:
    alice, bob = await parties("alice", "bob")
    carol, dave, daves_other = await sleeper("carol"), await sleeper("dave"), await sleeper("dave")
    support = cloud.groups[0]
    call = await alice.webex.phone.dial_phone_number(support.extension, voice("alice"))
    at_bob = await next_call(bob.webex)
    push = await carol.pushed()
    info = Webex.parse_voip_payload(push.body)
    assert (info.group_name, info.group_number) == ("Support", support.number)
    assert (info.name, info.number) == ("Alice Adams", cloud.person("alice").number)
    at_carol, at_dave = await asyncio.gather(carol.wake(push), dave.wake(await dave.pushed()))
    late = await daves_other.pushed()
    for each in (at_bob, at_carol, at_dave):
        assert (each.group_name, each.title) == ("Support", "Alice Adams")
    # The woken one takes it: those who are awake stop, and so does who only wakes now.
    await at_carol.answer(voice("carol"))
    for each in (at_bob, at_dave):
        assert isinstance([event async for event in each.events()][-1], OtherConnected)
    with pytest.raises(CallEndedError) as told:
        await daves_other.wake(late)
    assert told.value.reason is EndReason.ANSWERED_ELSEWHERE
    await everybody_hears(alice=call, carol=at_carol)
    assert call.title == "Carol Clark"


async def test_regular_begins_at_the_top_and_goes_on_when_nobody_wakes(
    parties: Parties, sleeper: Sleeper, cloud: LocalCloud
) -> None:
    alice, carol, dave = await parties("alice", "carol", "dave")
    bob = await sleeper("bob")
    await found_group(cloud, HuntPolicy.REGULAR, "bob", "carol", "dave")
    others = Rung(carol, dave)
    call = await alice.webex.phone.dial_phone_number(SALES, voice("alice"))
    push = await bob.pushed()
    assert Webex.parse_voip_payload(push.body).group_name == "Sales"
    assert others.calls == []
    at_carol = await next_call(carol.webex)
    with pytest.raises(CallEndedError) as told:
        await bob.wake(push)
    assert told.value.reason is EndReason.NO_ANSWER
    await at_carol.answer(voice("carol"))
    await everybody_hears(alice=call, carol=at_carol)
    assert others.calls == [at_carol]
    await call.hangup()
    # At the top again: this time he wakes in time.
    again = await alice.webex.phone.dial_phone_number(SALES, voice("alice"))
    at_bob = await bob.wake(await bob.pushed())
    await at_bob.answer(voice("bob"))
    await everybody_hears(alice=again, bob=at_bob)


async def test_circular_begins_behind_who_was_rung_last(
    parties: Parties, cloud: LocalCloud
) -> None:
    alice, bob, carol = await parties("alice", "bob", "carol")
    await found_group(cloud, HuntPolicy.CIRCULAR, "bob", "carol", seconds=5.0)
    turns = [await answered_by(alice, SALES, bob, carol) for _ in range(3)]
    assert turns == ["bob", "carol", "bob"]


async def test_longest_idle_is_who_has_not_talked_for_longest(
    parties: Parties, cloud: LocalCloud
) -> None:
    alice, bob, carol = await parties("alice", "bob", "carol")
    await found_group(cloud, HuntPolicy.LONGEST_IDLE, "bob", "carol", seconds=5.0)
    assert await answered_by(alice, SALES, bob, carol) == "bob"
    assert await answered_by(alice, SALES, bob, carol) == "carol"
    # It would be bob's turn; but he has just talked, though not for the group.
    assert await answered_by(alice, bob.number, bob) == "bob"
    assert await answered_by(alice, SALES, bob, carol) == "carol"


async def test_a_group_whose_members_all_talk_or_do_not_answer_sends_calls_on(
    parties: Parties, cloud: LocalCloud
) -> None:
    alice, bob, carol, dave = await parties("alice", "bob", "carol", "dave")
    rules = Forwarding(
        busy=ForwardingRule(True, dave.number),
        no_answer=ForwardingRule(True, dave.number),
        no_answer_seconds=1.0,
    )
    await found_group(cloud, HuntPolicy.SIMULTANEOUS, "bob", "carol", forwarding=rules)
    call = await alice.webex.phone.dial_phone_number(SALES, voice("alice"))
    at_bob, at_carol = await asyncio.gather(next_call(bob.webex), next_call(carol.webex))
    at_dave = await next_call(dave.webex)
    assert await ends(at_bob) is await ends(at_carol) is EndReason.NO_ANSWER
    await at_dave.answer(voice("dave"))
    await everybody_hears(alice=call, dave=at_dave)
    await call.hangup()
    # A member on hold is on a call, too.
    with_carol, _ = await bob.calls(carol)
    await with_carol.hold()
    members = Rung(bob, carol)
    call = await alice.webex.phone.dial_phone_number(SALES, voice("alice"))
    at_dave = await next_call(dave.webex)
    await at_dave.answer(voice("dave"))
    await everybody_hears(alice=call, dave=at_dave)
    assert members.calls == []


# --- what a person decides ----------------------------------------------------------------------


async def test_who_is_not_to_be_disturbed_is_busy_and_calls_go_on_if_they_say_so(
    parties: Parties, sleeper: Sleeper, cloud: LocalCloud
) -> None:
    alice, bob, carol = await parties("alice", "bob", "carol")
    pocket = await sleeper("bob")
    mine = "/v1/telephony/config/people/me/settings"
    await rest(cloud, "bob", "PUT", f"{mine}/doNotDisturb", enabled=True)
    assert await ends(await alice.webex.phone.dial_phone_number(bob.number)) is EndReason.BUSY
    busy = {"busy": {"enabled": True, "destination": carol.number}}
    await rest(cloud, "bob", "PUT", f"{mine}/callForwarding", callForwarding=busy)
    call = await alice.webex.phone.dial_phone_number(bob.number, voice("alice"))
    at_carol = await next_call(carol.webex)
    await at_carol.answer(voice("carol"))
    await everybody_hears(alice=call, carol=at_carol)
    assert call.title == "Carol Clark"
    assert bob.webex.phone.calls == ()
    assert pocket.pushes.empty()
    await call.hangup()
    # Without it he is rung; declining sends the call on as being busy does.
    await rest(cloud, "bob", "PUT", f"{mine}/doNotDisturb", enabled=False)
    call = await alice.webex.phone.dial_phone_number(bob.number, voice("alice"))
    await (await next_call(bob.webex)).reject()
    at_carol = await next_call(carol.webex)
    await at_carol.answer(voice("carol"))
    await everybody_hears(alice=call, carol=at_carol)


async def test_a_call_that_nobody_answers_goes_on_and_who_wakes_then_is_told(
    phone: PhoneOf, sleeper: Sleeper, cloud: LocalCloud
) -> None:
    alice, bob, carol = await phone("alice"), await sleeper("bob"), await sleeper("carol")
    rules = Forwarding(
        no_answer=ForwardingRule(True, cloud.person("carol").extension), no_answer_seconds=1.0
    )
    await cloud.service.directory.settings.set(
        await person_id(cloud, "bob"), CallSettings(forwarding=rules)
    )
    call = await alice.phone.dial_phone_number(cloud.person("bob").extension, voice("alice"))
    to_bob = await bob.pushed()
    at_carol = await carol.wake(await carol.pushed())
    await at_carol.answer(voice("carol"))
    await everybody_hears(alice=call, carol=at_carol)
    with pytest.raises(CallEndedError) as told:
        await bob.wake(to_bob)
    assert told.value.reason is EndReason.NO_ANSWER
