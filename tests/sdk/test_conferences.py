"""Conferences against a real service: who is in them, who hears whom, and how they shrink."""

import asyncio

import pytest

from offhook import (
    ActiveSpeakerChangedEvent,
    CallAssociationError,
    CallMembershipState,
    DirectTransferResult,
    EndReason,
    MembershipHeldEvent,
    MembershipJoinedEvent,
    MembershipLeftEvent,
)
from sdk.clouds import PEOPLE, Phones, RunningCloud, hears
from sdk.three_parties import Parties, ends, until


@pytest.fixture
def parties(cloud: RunningCloud, phones: Phones) -> Parties:
    return Parties(cloud, phones)


def others(call) -> list[str]:
    """The first names of the others in a call."""
    return sorted(each.display_name.split()[0] for each in call.memberships if not each.is_self)


async def test_a_call_of_two_has_two_memberships(parties: Parties):
    alice, bob = await parties.of("alice", "bob")
    call, _ = await alice.calls(bob)
    own, other = call.memberships
    assert own.is_self
    assert not other.is_self
    assert other.display_name == PEOPLE["bob"].entry().display_name
    assert other.phone_number
    assert own.state is other.state is CallMembershipState.JOINED
    assert not call.is_group_call
    assert call.is_transfer_supported
    assert call.is_add_participant_supported


@pytest.mark.parametrize("by_id", [True, False])
async def test_a_participant_is_added_and_each_hears_the_two_others(parties: Parties, by_id):
    alice, bob, carol = await parties.of("alice", "bob", "carol")
    with_bob, bobs = await alice.calls(bob)
    with_carol, carols = await alice.consults(with_bob, carol)
    await with_carol.merge_calls(with_bob.call_id if by_id else with_bob)
    assert with_bob.end_reason is EndReason.MERGED
    assert with_carol.is_group_call
    assert others(with_carol) == ["Bob", "Carol"]
    assert not with_carol.is_transfer_supported
    assert with_carol.is_add_participant_supported
    assert await with_carol.direct_transfer_call("1004") is DirectTransferResult.NOT_SUPPORTED
    for call, newcomer in ((with_carol, "Bob"), (bobs, "Carol"), (carols, "Bob")):
        joined = await until(call, MembershipJoinedEvent)
        assert joined.membership.display_name.startswith(newcomer)
    assert joined.membership.person_id
    assert all(
        await asyncio.gather(
            hears(with_carol, "bob", "carol"),
            hears(bobs, "alice", "carol"),
            hears(carols, "alice", "bob"),
        )
    )


async def test_a_fourth_one_is_added_and_the_host_leaves(parties: Parties):
    alice, bob, carol, dave = await parties.of("alice", "bob", "carol", "dave")
    with_bob, bobs = await alice.calls(bob)
    with_carol, carols = await alice.consults(with_bob, carol)
    await with_carol.merge_calls(with_bob)
    with_dave, daves = await alice.consults(with_carol, dave)
    assert with_carol.is_on_hold
    await with_dave.merge_calls(with_carol)
    assert others(with_dave) == ["Bob", "Carol", "Dave"]
    assert await hears(daves, "alice", "bob", "carol")
    await with_dave.hangup()
    left = await until(daves, MembershipLeftEvent)
    assert left.membership.display_name.startswith("Alice")
    assert left.membership.state is CallMembershipState.LEFT
    assert all(
        await asyncio.gather(
            hears(bobs, "carol", "dave"), hears(carols, "bob", "dave"), hears(daves, "bob", "carol")
        )
    )
    assert daves.is_group_call
    await carols.hangup()
    await until(daves, MembershipLeftEvent, after=1)
    assert all(await asyncio.gather(hears(bobs, "dave"), hears(daves, "bob")))
    assert not daves.is_group_call
    assert others(daves) == ["Bob"]


async def test_who_holds_a_conference_is_not_in_it_and_the_others_see_it(parties: Parties):
    alice, bob, carol = await parties.of("alice", "bob", "carol")
    with_bob, bobs = await alice.calls(bob)
    with_carol, carols = await alice.consults(with_bob, carol)
    await with_carol.merge_calls(with_bob)
    await with_carol.hold()
    assert all(await asyncio.gather(hears(bobs, "carol"), hears(carols, "bob")))
    held = await until(bobs, MembershipHeldEvent, after=2)  # held to consult, and resumed
    assert held.membership.is_on_hold
    assert held.membership.display_name.startswith("Alice")
    await with_carol.resume()
    assert await hears(bobs, "alice", "carol")


async def test_the_loudest_is_told(parties: Parties):
    alice, bob, carol = await parties.of("alice", "bob", "carol")
    with_bob, bobs = await alice.calls(bob)
    with_carol, carols = await alice.consults(with_bob, carol)
    await with_carol.merge_calls(with_bob)
    for call in (with_carol, bobs):
        await call.mute()
    event = await until(bobs, ActiveSpeakerChangedEvent)
    speakers = [event.to.display_name]
    while not speakers[-1].startswith("Carol"):
        event = await until(bobs, ActiveSpeakerChangedEvent, after=len(speakers))
        speakers.append(event.to.display_name)
    assert event.to.is_active_speaker
    assert await hears(bobs, "carol")
    await ends_all(carols, with_carol)


async def ends_all(*calls) -> None:
    for call in calls:
        await call.hangup()
        await ends(call)


async def test_calls_that_cannot_be_merged_stay_as_they_were(parties: Parties):
    alice, bob = await parties.of("alice", "bob")
    with_bob, bobs = await alice.calls(bob)
    echo = await with_bob.start_associated_call("8001")
    await echo.connected()
    with pytest.raises(CallAssociationError):
        await echo.merge_calls(with_bob)
    assert with_bob.is_on_hold
    assert not echo.is_on_hold
    await echo.hangup()
    await with_bob.resume()
    assert await hears(bobs, "alice")
