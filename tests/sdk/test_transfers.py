"""Transfers against a real service: who talks with whom afterwards, and what is given back."""

import asyncio

import pytest

from offhook import (
    AssociatedCallEndedEvent,
    CallAssociationError,
    CallAssociationType,
    CallEndedError,
    DirectTransferResult,
    EndReason,
    InfoChangedEvent,
    InvalidApiError,
    TransferFailedError,
)
from sdk.clouds import PATIENCE, Phones, RunningCloud, hears, voice
from sdk.conftest import next_call
from sdk.three_parties import Parties, Party, ends, until


@pytest.fixture
def parties(cloud: RunningCloud, phones: Phones) -> Parties:
    return Parties(cloud, phones)


@pytest.fixture
async def people(parties: Parties) -> list[Party]:
    return await parties.of("alice", "bob", "carol")


async def becomes(call, name: str) -> None:
    """Wait until the call is with somebody else."""
    async with asyncio.timeout(PATIENCE):
        async for event in call.events():
            if isinstance(event, InfoChangedEvent) and name in call.title.lower():
                return


# --- assisted -----------------------------------------------------------------------------------


@pytest.mark.parametrize("by_id", [True, False])
async def test_an_assisted_transfer_joins_the_two_others(people, by_id):
    alice, bob, carol = people
    with_bob, bobs = await alice.calls(bob)
    with_carol, carols = await alice.consults(with_bob, carol)
    assert with_carol.associated_with is with_bob
    assert with_bob.is_on_hold
    assert await hears(carols, "alice")
    await with_bob.transfer_call(with_carol.call_id if by_id else with_carol)
    assert with_bob.end_reason is with_carol.end_reason is EndReason.TRANSFERRED
    assert all(await asyncio.gather(hears(bobs, "carol"), hears(carols, "bob")))
    await asyncio.gather(becomes(bobs, "carol"), becomes(carols, "bob"))
    assert alice.webex.phone.calls == ()


async def test_a_transfer_to_a_phone_that_still_rings(people):
    alice, bob, carol = people
    with_bob, bobs = await alice.calls(bob)
    with_carol = await with_bob.start_associated_call(
        carol.number, CallAssociationType.TRANSFER, voice("alice")
    )
    assert with_carol.association_type is CallAssociationType.TRANSFER
    carols = await next_call(carol.webex)
    await with_bob.transfer_call(with_carol)
    assert with_bob.end_reason is with_carol.end_reason is EndReason.TRANSFERRED
    await carols.answer(voice("carol"))
    assert all(await asyncio.gather(hears(bobs, "carol"), hears(carols, "bob")))


async def test_with_two_other_calls_one_is_transferred_and_the_other_resumed(parties: Parties):
    alice, bob, carol, dave = await parties.of("alice", "bob", "carol", "dave")
    with_dave, daves = await alice.calls(dave)
    with_bob, bobs = await alice.calls(bob)
    with_carol, _ = await alice.consults(with_bob, carol)
    assert len(alice.webex.phone.calls) == 3
    await with_bob.transfer_call(with_carol)
    assert alice.webex.phone.calls == (with_dave,)
    assert with_dave.is_on_hold
    await with_dave.resume()
    assert all(await asyncio.gather(hears(daves, "alice"), hears(bobs, "carol")))


async def test_a_consultation_that_comes_to_nothing_says_so_and_the_first_call_is_resumed(people):
    alice, bob, carol = people
    with_bob, bobs = await alice.calls(bob)
    with_carol = await with_bob.start_associated_call(carol.number, option=voice("alice"))
    await (await next_call(carol.webex)).reject()
    event = await until(with_bob, AssociatedCallEndedEvent)
    assert (event.associated, event.reason) == (with_carol, EndReason.REJECTED)
    assert with_carol.associated_with is None
    await with_bob.resume()
    assert await hears(bobs, "alice")


async def test_somebody_is_not_connected_with_themselves_and_both_calls_stay(people):
    alice, bob, _ = people
    with_bob, bobs = await alice.calls(bob)
    again, bobs_again = await alice.consults(with_bob, bob)
    with pytest.raises(CallAssociationError, match="same"):
        await with_bob.transfer_call(again)
    assert with_bob.is_on_hold
    assert await hears(bobs_again, "alice")
    await again.hangup()
    await asyncio.gather(with_bob.resume(), bobs.resume())
    assert await hears(bobs, "alice")


async def test_a_call_is_transferred_only_to_a_call_of_this_phone_that_lasts(people):
    alice, bob, _ = people
    with_bob, bobs = await alice.calls(bob)
    echo = await with_bob.start_associated_call("8001", option=voice("alice"))
    await echo.hangup()
    with pytest.raises(CallEndedError):
        await with_bob.transfer_call(echo)
    with pytest.raises(CallEndedError):
        await with_bob.transfer_call(bobs)
    with pytest.raises(InvalidApiError):
        await with_bob.transfer_call("nobody")
    await with_bob.resume()
    assert await hears(bobs, "alice")


# --- direct -------------------------------------------------------------------------------------


async def test_a_direct_transfer_ends_the_own_call_at_once(people):
    alice, bob, carol = people
    with_bob, bobs = await alice.calls(bob)
    assert await with_bob.direct_transfer_call(carol.number) is DirectTransferResult.NO_ERROR
    assert with_bob.end_reason is EndReason.TRANSFERRED
    carols = await next_call(carol.webex)
    await carols.answer(voice("carol"))
    assert all(await asyncio.gather(hears(bobs, "carol"), hears(carols, "bob")))
    await becomes(bobs, "carol")


async def test_a_direct_transfer_that_is_refused_leaves_the_call(people):
    alice, bob, _ = people
    with_bob, bobs = await alice.calls(bob)
    for number, reason in (
        ("8003", EndReason.BUSY),
        ("0000", EndReason.NOT_FOUND),
        (bob.number, EndReason.ERROR),
    ):
        with pytest.raises(TransferFailedError) as failed:
            await with_bob.direct_transfer_call(number)
        assert failed.value.reason is reason
    assert await hears(bobs, "alice")


async def test_what_is_no_phone_number_is_refused_before_anything_is_asked(people):
    alice, bob, _ = people
    with_bob, bobs = await alice.calls(bob)
    for wait in (True, False):
        with pytest.raises(InvalidApiError):
            await with_bob.direct_transfer_call("bob@example.org", wait=wait)
    with pytest.raises(InvalidApiError):
        await with_bob.start_associated_call("bob@example.org")
    assert not with_bob.is_on_hold
    assert await hears(bobs, "alice")


# --- direct, and waiting ------------------------------------------------------------------------


async def test_it_returns_once_the_target_has_answered(people):
    alice, bob, carol = people
    with_bob, bobs = await alice.calls(bob)
    transferring = asyncio.create_task(with_bob.direct_transfer_call(carol.number, wait=True))
    carols = await next_call(carol.webex)
    assert not transferring.done()
    assert alice.webex.phone.calls == (with_bob,)
    await carols.answer(voice("carol"))
    async with asyncio.timeout(PATIENCE):
        assert await transferring is DirectTransferResult.NO_ERROR
    assert with_bob.end_reason is EndReason.TRANSFERRED
    assert all(await asyncio.gather(hears(bobs, "carol"), hears(carols, "bob")))


@pytest.mark.parametrize(
    ("number", "reason"), [("8003", EndReason.BUSY), ("0000", EndReason.NOT_FOUND)]
)
async def test_a_number_that_leads_nowhere_gives_the_call_back(people, number, reason):
    alice, bob, _ = people
    with_bob, bobs = await alice.calls(bob)
    with pytest.raises(TransferFailedError) as failed:
        await with_bob.direct_transfer_call(number, wait=True)
    assert failed.value.reason is reason
    assert not with_bob.is_on_hold
    assert await hears(bobs, "alice")


async def test_a_target_that_rejects_gives_the_call_back_as_it_was(people):
    alice, bob, carol = people
    with_bob, bobs = await alice.calls(bob)
    await with_bob.hold()
    transferring = asyncio.create_task(with_bob.direct_transfer_call(carol.number, wait=True))
    await (await next_call(carol.webex)).reject()
    with pytest.raises(TransferFailedError) as failed:
        await transferring
    assert failed.value.reason is EndReason.REJECTED
    assert with_bob.is_on_hold
    await with_bob.resume()
    assert await hears(bobs, "alice")


async def test_a_target_that_does_not_answer_in_time_stops_ringing(people):
    alice, bob, carol = people
    with_bob, bobs = await alice.calls(bob)
    transferring = asyncio.create_task(
        with_bob.direct_transfer_call(carol.number, wait=True, timeout=1.0)
    )
    carols = await next_call(carol.webex)
    with pytest.raises(TransferFailedError) as failed:
        await transferring
    assert failed.value.reason is EndReason.NO_ANSWER
    assert await ends(carols) is EndReason.REMOTE_CANCEL
    assert await hears(bobs, "alice")


async def test_who_stops_waiting_has_the_call_back(people):
    alice, bob, carol = people
    with_bob, bobs = await alice.calls(bob)
    transferring = asyncio.create_task(with_bob.direct_transfer_call(carol.number, wait=True))
    carols = await next_call(carol.webex)
    transferring.cancel()
    with pytest.raises(asyncio.CancelledError):
        await transferring
    assert await ends(carols) is EndReason.REMOTE_CANCEL
    assert await hears(bobs, "alice")


async def test_the_other_party_hangs_up_while_the_target_rings(people):
    alice, bob, carol = people
    with_bob, bobs = await alice.calls(bob)
    transferring = asyncio.create_task(with_bob.direct_transfer_call(carol.number, wait=True))
    carols = await next_call(carol.webex)
    await bobs.hangup()
    with pytest.raises(CallEndedError) as ended:
        await transferring
    assert ended.value.reason is EndReason.REMOTE_HANGUP
    assert await ends(carols) is EndReason.REMOTE_CANCEL


async def test_the_two_others_transferred_by_both_at_once_have_one_outcome(parties: Parties):
    alice, bob, carol, dave = await parties.of("alice", "bob", "carol", "dave")
    with_bob, bobs = await alice.calls(bob)
    outcomes = await asyncio.gather(
        with_bob.direct_transfer_call(carol.number),
        bobs.direct_transfer_call(dave.number),
        return_exceptions=True,
    )
    assert DirectTransferResult.NO_ERROR in outcomes
    for outcome in outcomes:
        assert outcome is DirectTransferResult.NO_ERROR or isinstance(
            outcome, TransferFailedError | CallEndedError
        )
