"""Five people and their conferences: who hears whom at each step, and who stays misses nobody."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from offhook import ActiveSpeakerChangedEvent, EndReason, MembershipSendingAudioEvent
from offhook.testing import LocalCloud
from sdk.three_parties import ends, until
from stories.conftest import Parties
from stories.hearing import PATIENCE, all_of, everybody_hears, hears, unbroken
from stories.rest import rest

_CALLS = "/v1/telephony/calls"
EVERYBODY = ("alice", "bob", "carol", "dave", "ada")


async def mixed(cloud: LocalCloud) -> int:
    """How many legs the service mixes, as its operator sees it."""
    lines = (await rest(cloud, "ada", "GET", "/metrics")).splitlines()
    [value] = [each.split()[1] for each in lines if each.startswith("offhook_media_legs_mixed ")]
    return int(float(value))


async def test_five_come_one_by_one_and_go_one_by_one(parties: Parties, cloud: LocalCloud) -> None:
    alice, bob, carol, dave, ada = await parties(*EVERYBODY)
    with_bob, bobs = await alice.calls(bob)
    with_carol, carols = await alice.consults(with_bob, carol)
    await everybody_hears(alice=with_carol, carol=carols)
    async with unbroken(alice=(with_carol, "carol"), carol=(carols, "alice")):
        await with_carol.merge_calls(with_bob)
        await everybody_hears(alice=with_carol, bob=bobs, carol=carols)

    # These two stay to the end, and never miss each other.
    stay = {"bob": (bobs, "carol"), "carol": (carols, "bob")}
    async with unbroken(**stay):
        with_dave, daves = await alice.consults(with_carol, dave)
        await everybody_hears(bob=bobs, carol=carols)
        await everybody_hears(alice=with_dave, dave=daves)
    async with unbroken(**stay):
        await with_dave.merge_calls(with_carol)
        await everybody_hears(alice=with_dave, bob=bobs, carol=carols, dave=daves)
    host, adas = await alice.consults(with_dave, ada)
    async with unbroken(**stay):
        await host.merge_calls(with_dave)
        await everybody_hears(alice=host, bob=bobs, carol=carols, dave=daves, ada=adas)
    assert await mixed(cloud) == 5

    async with unbroken(**stay):
        await daves.hold()
        await everybody_hears(alice=host, bob=bobs, carol=carols, ada=adas)
        await asyncio.gather(daves.resume(), adas.mute())
        await all_of(
            hears(bobs, "alice", "carol", "dave"),
            hears(daves, "alice", "bob", "carol"),
            hears(adas, "alice", "bob", "carol", "dave"),
        )
    await adas.unmute()
    await rest(cloud, "dave", "POST", f"{_CALLS}/mute", callId=daves.call_id)
    told = await until(bobs, MembershipSendingAudioEvent)
    assert told.membership.display_name == "Dave Davis"
    assert told.membership.is_audio_muted_controlled
    await all_of(
        hears(bobs, "alice", "carol", "ada"),
        hears(adas, "alice", "bob", "carol"),
        hears(daves, "alice", "bob", "carol", "ada"),
    )
    await rest(cloud, "dave", "POST", f"{_CALLS}/unmute", callId=daves.call_id)
    await hears(adas, "alice", "bob", "carol", "dave")

    async with unbroken(**stay):
        await daves.hangup()
        await everybody_hears(alice=host, bob=bobs, carol=carols, ada=adas)
    async with unbroken(**stay):
        await host.hangup()
        await everybody_hears(bob=bobs, carol=carols, ada=adas)
    async with unbroken(**stay):
        await adas.hangup()
        await everybody_hears(bob=bobs, carol=carols)
    assert await mixed(cloud) == 0, "two are plainly relayed again"
    assert not bobs.is_group_call
    assert (bobs.title, carols.title) == ("Carol Clark", "Bob Brown")
    await bobs.hangup()
    assert await ends(carols) is EndReason.REMOTE_HANGUP


async def test_two_conferences_become_one(parties: Parties, cloud: LocalCloud) -> None:
    alice, bob, carol, dave, ada = await parties(*EVERYBODY)
    with_bob, bobs = await alice.calls(bob)
    with_carol, carols = await alice.consults(with_bob, carol)
    await with_carol.merge_calls(with_bob)
    with_dave, daves = await alice.consults(with_carol, dave)
    with_ada, adas = await dave.consults(daves, ada)
    await with_ada.merge_calls(daves)
    await everybody_hears(bob=bobs, carol=carols)
    await everybody_hears(alice=with_dave, dave=with_ada, ada=adas)
    async with unbroken(
        bob=(bobs, "carol"),
        carol=(carols, "bob"),
        alice=(with_dave, "ada"),
        dave=(with_ada, "ada"),
        ada=(adas, "dave"),
    ):
        await with_dave.merge_calls(with_carol)
        await everybody_hears(alice=with_dave, bob=bobs, carol=carols, dave=with_ada, ada=adas)
    assert with_carol.end_reason is EndReason.MERGED
    assert {each.display_name.split()[0].lower() for each in bobs.memberships} == set(EVERYBODY)


async def test_two_of_a_conference_are_transferred_one_after_the_other(parties: Parties) -> None:
    alice, bob, carol, dave, ada = await parties(*EVERYBODY)
    with_bob, bobs = await alice.calls(bob)
    host, carols = await alice.consults(with_bob, carol)
    await host.merge_calls(with_bob)
    await everybody_hears(alice=host, bob=bobs, carol=carols)
    bob_to_dave, daves = await bob.consults(bobs, dave)
    async with unbroken(alice=(host, "carol"), carol=(carols, "alice")):
        # Bob hands his place in the conference over to dave.
        await bobs.transfer_call(bob_to_dave)
        await everybody_hears(alice=host, carol=carols, dave=daves)
    assert bobs.end_reason is bob_to_dave.end_reason is EndReason.TRANSFERRED
    carol_to_ada, adas = await carol.consults(carols, ada)
    async with unbroken(alice=(host, "dave"), dave=(daves, "alice")):
        await carols.transfer_call(carol_to_ada)
        await everybody_hears(alice=host, dave=daves, ada=adas)
    assert bob.webex.phone.calls == carol.webex.phone.calls == ()
    with_others = {each.display_name for each in host.memberships if not each.is_self}
    assert with_others == {"Dave Davis", "Ada Admin"}


async def test_who_talks_is_named_whenever_that_changes(parties: Parties) -> None:
    alice, bob, carol = await parties("alice", "bob", "carol")
    with_bob, bobs = await alice.calls(bob)
    host, carols = await alice.consults(with_bob, carol)
    await asyncio.gather(host.mute(), bobs.mute(), carols.mute())
    await host.merge_calls(with_bob)
    turns = (each async for each in host.events() if isinstance(each, ActiveSpeakerChangedEvent))
    async with asyncio.timeout(PATIENCE), aclosing(turns):
        for speaker, call, before in (("Bob", bobs, ""), ("Carol", carols, "Bob")) * 2:
            await call.unmute()
            turn = await anext(turns)
            assert turn.to.display_name.startswith(speaker)
            assert turn.to.is_active_speaker
            assert (turn.from_.display_name if turn.from_ else "").startswith(before)
            await call.mute()
