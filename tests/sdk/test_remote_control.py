"""What a person does to a phone from elsewhere, and how a hunt group's call shows on it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from offhook import (
    AnswerRequestedEvent,
    CallHoldStateChangedEvent,
    CallStatus,
    EndReason,
    InfoChangedEvent,
    MembershipSendingAudioEvent,
    OtherConnected,
    SendingAudioEvent,
)
from sdk.clouds import PATIENCE, Phones, RunningCloud, hears, voice
from sdk.conftest import next_call
from sdk.three_parties import Parties, ends, until


class Rest:
    """Call control over REST, as Bob."""

    def __init__(self, cloud: RunningCloud, session: aiohttp.ClientSession) -> None:
        self._cloud = cloud
        self._session = session

    async def post(self, verb: str, **body: Any) -> None:
        token = await self._cloud.token("bob")
        async with self._session.post(
            f"{self._cloud.url}/v1/telephony/calls/{verb}",
            json=body,
            headers={"authorization": f"Bearer {token}"},
        ) as answer:
            assert answer.status in (200, 201, 204), await answer.text()

    async def only_call(self) -> str:
        token = await self._cloud.token("bob")
        async with self._session.get(
            f"{self._cloud.url}/v1/telephony/calls", headers={"authorization": f"Bearer {token}"}
        ) as answer:
            [call] = (await answer.json())["items"]
            return call["id"]


@pytest.fixture
async def rest(cloud: RunningCloud) -> AsyncIterator[Rest]:
    async with aiohttp.ClientSession() as session:
        yield Rest(cloud, session)


@pytest.fixture
def parties(cloud: RunningCloud, phones: Phones) -> Parties:
    return Parties(cloud, phones)


async def test_a_phone_that_is_asked_to_answer_tells_and_does_not_listen_in_by_itself(
    parties: Parties, rest: Rest
):
    alice, bob = await parties.of("alice", "bob")
    await alice.webex.phone.dial_phone_number(bob.number, voice("alice"))
    incoming = await next_call(bob.webex)
    await rest.post("answer", callId=await rest.only_call())
    await until(incoming, AnswerRequestedEvent)
    assert incoming.status is CallStatus.RINGING
    await incoming.answer(voice("bob"))
    assert await hears(incoming, "alice")


async def test_a_phone_that_was_told_so_answers_when_the_person_asks_from_elsewhere(
    parties: Parties, rest: Rest
):
    alice, bob = await parties.of("alice", "bob")
    bob.webex.phone.set_remote_answer(lambda: voice("bob"))
    call = await alice.webex.phone.dial_phone_number(bob.number, voice("alice"))
    await next_call(bob.webex)
    await rest.post("answer", callId=await rest.only_call())
    async with asyncio.timeout(PATIENCE):
        await call.connected()
    assert await hears(call, "bob")


async def test_a_phone_that_was_told_so_places_a_call_that_the_person_dials_from_elsewhere(
    parties: Parties, rest: Rest
):
    alice, bob = await parties.of("alice", "bob")
    bob.webex.phone.set_remote_answer(lambda: voice("bob"))
    await rest.post("dial", destination=alice.number)
    incoming = await next_call(alice.webex)
    await incoming.answer(voice("alice"))
    assert await hears(incoming, "bob")


async def test_whoever_is_muted_from_elsewhere_is_not_heard_and_both_are_told(
    parties: Parties, rest: Rest
):
    alice, bob = await parties.of("alice", "bob")
    call, bobs = await alice.calls(bob)
    for verb, muted in (("mute", True), ("unmute", False)):
        await rest.post(verb, callId=await rest.only_call())
        event = await until(bobs, SendingAudioEvent, after=not muted)
        assert event.is_sending is not muted
        assert bobs.is_muted_by_service is muted
        assert bobs.is_sending_audio is not muted
        assert bobs.memberships[0].is_sending_audio is not muted
        told = await until(call, MembershipSendingAudioEvent, after=not muted)
        assert told.membership.is_audio_muted_controlled is muted
        assert told.membership.display_name.startswith("Bob")
        assert await hears(call, *(() if muted else ("bob",)))


async def test_a_call_that_is_held_and_resumed_from_elsewhere_says_so(parties: Parties, rest: Rest):
    alice, bob = await parties.of("alice", "bob")
    call, bobs = await alice.calls(bob)
    call_id = await rest.only_call()
    for number, (verb, held) in enumerate((("hold", True), ("resume", False))):
        await rest.post(verb, callId=call_id)
        info = (await until(bobs, CallHoldStateChangedEvent, after=number)).hold_resume_info
        assert (info.is_on_hold, info.initiated_by_local) == (held, False)
        assert await hears(call, *(() if held else ("bob",)))


async def test_a_group_rings_on_its_members_under_its_name_and_the_others_stop(parties: Parties):
    alice, bob, carol = await parties.of("alice", "bob", "carol")
    call = await alice.webex.phone.dial_phone_number("1010", voice("alice"))
    on_bobs, on_carols = await asyncio.gather(next_call(bob.webex), next_call(carol.webex))
    for incoming in (on_bobs, on_carols):
        assert incoming.group_name == "Support"
        assert incoming.group_number
        assert incoming.title.startswith("Alice")
    await on_bobs.answer(voice("bob"))
    assert await ends(on_carols) is EndReason.ANSWERED_ELSEWHERE
    assert isinstance([event async for event in on_carols.events()][-1], OtherConnected)
    await until(call, InfoChangedEvent)
    assert await hears(call, "bob")
