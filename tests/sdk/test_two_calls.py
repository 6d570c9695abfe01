"""A phone with two calls, against a real service, and what everybody hears is the proof."""

import asyncio

import pytest

from offhook import (
    Call,
    CallEndedError,
    CallHoldStateChangedEvent,
    CallStateError,
    CallStatus,
    EndReason,
    IncomingCallListener,
    RingerType,
    StartRingingEvent,
)
from sdk.clouds import PATIENCE, Phones, RunningCloud, hears, voice
from sdk.conftest import next_call
from sdk.three_parties import Parties, ends, until


@pytest.fixture
def parties(cloud: RunningCloud, phones: Phones) -> Parties:
    return Parties(cloud, phones)


async def test_a_second_call_is_announced_answered_and_the_first_is_on_hold(parties: Parties):
    alice, bob, carol = await parties.of("alice", "bob", "carol")
    with_bob, bobs = await alice.calls(bob)
    conflicts = []

    class Listener(IncomingCallListener):
        def on_incoming_call(self, call: Call, has_active_conflict_calls: bool) -> None:
            conflicts.append(has_active_conflict_calls)

    alice.webex.phone.set_incoming_call_listener(Listener())
    carols = await carol.webex.phone.dial_phone_number(alice.number, voice("carol"))
    with_carol = await next_call(alice.webex)
    assert conflicts == [True]
    started = await until(with_carol, StartRingingEvent)
    assert started.ringer_type is RingerType.CALL_WAITING
    await with_carol.answer(voice("alice"))
    assert with_bob.is_on_hold
    assert with_bob.status is CallStatus.CONNECTED
    info = (await until(with_bob, CallHoldStateChangedEvent)).hold_resume_info
    assert (info.is_on_hold, info.initiated_by_local) == (True, True)
    assert all(
        await asyncio.gather(
            hears(with_carol, "carol"), hears(carols, "alice"), hears(with_bob), hears(bobs)
        )
    )


async def test_switching_between_two_calls_there_is_never_more_than_one(parties: Parties):
    alice, bob, carol = await parties.of("alice", "bob", "carol")
    with_bob, bobs = await alice.calls(bob)
    with_carol, carols = await alice.calls(carol)
    both = (with_bob, with_carol)
    for talked_on, others, held in ((with_bob, bobs, carols), (with_carol, carols, bobs)) * 2:
        await talked_on.resume()
        assert [call.is_on_hold for call in both] == [call is not talked_on for call in both]
        assert all(await asyncio.gather(hears(others, "alice"), hears(held)))
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*(call.resume() for call in both * 3))
    assert [call.is_on_hold for call in both].count(False) == 1


async def test_rejecting_a_second_call_leaves_the_first_untouched(parties: Parties):
    alice, bob, carol = await parties.of("alice", "bob", "carol")
    with_bob, bobs = await alice.calls(bob)
    carols = await carol.webex.phone.dial_phone_number(alice.number)
    await (await next_call(alice.webex)).reject()
    assert await ends(carols) is EndReason.REJECTED
    assert not with_bob.is_on_hold
    assert all(await asyncio.gather(hears(with_bob, "bob"), hears(bobs, "alice")))


async def test_when_the_call_that_is_heard_ends_the_other_waits_to_be_resumed(parties: Parties):
    alice, bob, carol = await parties.of("alice", "bob", "carol")
    with_bob, bobs = await alice.calls(bob)
    with_carol, carols = await alice.calls(carol)
    await carols.hangup()
    await ends(with_carol)
    assert with_bob.is_on_hold
    assert await hears(bobs)
    await with_bob.resume()
    assert await hears(bobs, "alice")


async def test_a_third_call_rings_on_the_other_phones_only(parties: Parties, phones: Phones):
    alice, bob, carol, dave = await parties.of("alice", "bob", "carol", "dave")
    await alice.calls(bob)
    await alice.calls(carol)
    second = await phones.of("alice")
    daves = await dave.webex.phone.dial_phone_number(alice.number, voice("dave"))
    on_second = await next_call(second)
    assert len(alice.webex.phone.calls) == 2
    await on_second.answer(voice("alice"))
    assert await hears(daves, "alice")
    with pytest.raises(CallStateError):
        await alice.webex.phone.dial_phone_number(dave.number)


async def test_a_caller_who_gives_up_in_the_moment_of_the_answer_gives_the_first_call_back(
    parties: Parties,
):
    alice, bob, carol = await parties.of("alice", "bob", "carol")
    with_bob, bobs = await alice.calls(bob)
    carols = await carol.webex.phone.dial_phone_number(alice.number)
    with_carol = await next_call(alice.webex)
    answering = asyncio.create_task(with_carol.answer(voice("alice")))
    await until(with_bob, CallHoldStateChangedEvent)
    await carols.hangup()
    try:
        await answering
    except CallEndedError:
        assert not with_bob.is_on_hold
    else:
        # The answer was quicker: then Carol has hung up on it.
        await ends(with_carol)
        await with_bob.resume()
    assert await hears(bobs, "alice")


async def test_dialling_puts_the_other_call_on_hold_before(parties: Parties):
    alice, bob, _ = await parties.of("alice", "bob", "carol")
    with_bob, bobs = await alice.calls(bob)
    second = await alice.webex.phone.dial_phone_number("8003", voice("alice"))
    assert with_bob.is_on_hold
    assert await ends(second) is EndReason.BUSY
    assert with_bob.is_on_hold
    await with_bob.resume()
    assert await hears(bobs, "alice")
