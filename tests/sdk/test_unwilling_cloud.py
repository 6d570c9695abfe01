"""A phone with two calls in a cloud that refuses, and that explains nothing."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from offhook import (
    Call,
    CallAssociationError,
    CallEndedError,
    CallStatus,
    EndReason,
    MediaOption,
    ServiceError,
    TokenAuthenticator,
    TransferFailedError,
    Webex,
)
from sdk.calling_cloud import CallingCloud
from sdk.clouds import PATIENCE
from sdk.conftest import next_call


class Counting:
    """A source that counts how often it is opened and closed."""

    rate = 16_000

    def __init__(self) -> None:
        self.opened = self.closed = 0
        self.let_go = asyncio.Event()

    async def open(self) -> None:
        self.opened += 1

    async def read(self, samples: int) -> np.ndarray:
        return np.zeros(samples, np.int16)

    async def close(self) -> None:
        self.closed += 1
        self.let_go.set()


@pytest.fixture
async def small() -> AsyncIterator[CallingCloud]:
    async with CallingCloud() as cloud:
        yield cloud


@pytest.fixture
async def webex(small: CallingCloud) -> AsyncIterator[Webex]:
    async with Webex(TokenAuthenticator("a_b_org"), cloud=small.url) as phone:
        await phone.phone.ready(PATIENCE)
        yield phone


@pytest.fixture
async def first(webex: Webex) -> Call:
    return await talk(webex, "1002")


async def talk(webex: Webex, number: str) -> Call:
    call = await webex.phone.dial_phone_number(number)
    async with asyncio.timeout(PATIENCE):
        await call.connected()
    return call


async def consult(call: Call, number: str) -> Call:
    new = await call.start_associated_call(number)
    async with asyncio.timeout(PATIENCE):
        await new.connected()
    return new


async def test_a_call_that_cannot_be_held_leaves_the_second_ringing_to_be_answered_later(
    small: CallingCloud, webex: Webex, first: Call
):
    await small.invite()
    second = await next_call(webex)
    small.fail("POST", "/callhold/hold", 403)
    refused, taken = Counting(), Counting()
    with pytest.raises(ServiceError):
        await second.answer(MediaOption.audio_only(source=refused))
    assert second.status is CallStatus.RINGING
    assert not first.is_on_hold
    await second.answer(MediaOption.audio_only(source=taken))
    assert first.is_on_hold
    await second.hangup()
    assert (refused.opened, refused.closed) == (taken.opened, taken.closed) == (1, 1)


async def test_a_second_call_that_is_refused_gives_the_first_one_back(
    small: CallingCloud, webex: Webex, first: Call
):
    small.fail("POST", "/call$", 403)
    source = Counting()
    with pytest.raises(ServiceError):
        await first.start_associated_call("1003", option=MediaOption.audio_only(source=source))
    assert not first.is_on_hold
    assert webex.phone.calls == (first,)
    await asyncio.wait_for(source.let_go.wait(), PATIENCE)


async def test_calls_end_as_transferred_though_nobody_says_why(webex: Webex, first: Call):
    second = await consult(first, "1003")
    await first.transfer_call(second)
    assert first.end_reason is second.end_reason is EndReason.TRANSFERRED


async def test_a_direct_transfer_ends_as_transferred_though_nobody_says_why(first: Call):
    await first.direct_transfer_call("1003")
    assert first.end_reason is EndReason.TRANSFERRED


async def test_waiting_for_the_target_needs_nothing_of_the_cloud(first: Call):
    await first.direct_transfer_call("1003", wait=True)
    assert first.end_reason is EndReason.TRANSFERRED


async def test_a_merge_is_believed_though_nobody_tells_of_a_conference(first: Call):
    second = await consult(first, "1003")
    await second.merge_calls(first)
    assert first.end_reason is EndReason.MERGED
    assert second.status is CallStatus.CONNECTED


@pytest.mark.parametrize("what", ["merge", "transfer"])
async def test_what_is_refused_leaves_both_calls_as_they_were(
    small: CallingCloud, first: Call, what: str
):
    second = await consult(first, "1003")
    small.fail("POST", "/calltransfer/commit|/telephony/conference", 409)
    with pytest.raises(CallAssociationError) as failed:
        await (second.merge_calls(first) if what == "merge" else first.transfer_call(second))
    assert isinstance(failed.value.error, ServiceError)
    assert failed.value.error.status == 409
    assert first.is_on_hold
    assert not second.is_on_hold
    await first.resume()
    assert second.is_on_hold


async def test_a_direct_transfer_that_is_refused_in_the_end_gives_the_call_back(
    small: CallingCloud, webex: Webex, first: Call
):
    small.fail("POST", "/calltransfer/commit", 403)
    with pytest.raises(TransferFailedError):
        await first.direct_transfer_call("1003", wait=True)
    assert not first.is_on_hold
    assert webex.phone.calls == (first,)


async def test_a_phone_that_is_closed_while_it_waits_for_a_target_ends_both(
    small: CallingCloud, webex: Webex, first: Call
):
    small.silent.add("1003")
    transferring = asyncio.create_task(first.direct_transfer_call("1003", wait=True))
    await small.until(lambda: len(small.requests("POST", ".*/call")) == 2)
    await webex.close()
    with pytest.raises(CallEndedError):
        await transferring
    await small.until(lambda: not small.legs)


async def test_a_transfer_that_was_not_sent_when_the_call_ended_fails_at_once(
    small: CallingCloud, webex: Webex, first: Call
):
    small.fail("POST", "/callhold/hold", 403, delay=2.0)
    holding = asyncio.create_task(first.hold())
    await small.until(lambda: small.busy > 0)
    transferring = asyncio.create_task(first.direct_transfer_call("1003"))
    await small.hang_up(first.call_id)
    async with asyncio.timeout(1.0):
        for task in (holding, transferring):
            with pytest.raises(CallEndedError) as ended:
                await task
            assert ended.value.reason is EndReason.REMOTE_HANGUP
