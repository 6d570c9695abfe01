"""Calls that wxc-sdk controls over REST alone, while phones in Python carry the audio."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest
from wxc_sdk import WebexSimpleApi
from wxc_sdk.telephony.calls import CallState

from offhook import Call, DTMFReceivedEvent, Webex
from offhook.testing import LocalCloud
from service.wxc import with_wxc_sdk
from stories.conftest import PhoneOf
from stories.hearing import PATIENCE, hears, voice

T = TypeVar("T")


class Person:
    """Somebody with a phone that answers for them, and with wxc-sdk."""

    def __init__(self, cloud: LocalCloud, name: str, webex: Webex) -> None:
        self.name = name
        self.extension = cloud.person(name).extension
        self._cloud = cloud
        self._token = cloud.person(name).token
        self._webex = webex
        webex.phone.set_remote_answer(lambda: voice(name))

    async def rest(self, story: Callable[[WebexSimpleApi], T]) -> T:
        """What they do with wxc-sdk."""
        return await with_wxc_sdk(self._cloud, self._token, story)

    async def call(self, state: CallState, remote: str) -> str:
        """The id of the call that is, or will soon be, in this state, with this person."""
        async with asyncio.timeout(PATIENCE):
            while True:
                for each in await self.rest(lambda api: api.telephony.calls.list_calls()):
                    with_them = (each.remote_party.name or "").lower().startswith(remote)
                    if with_them and each.state == state.value and each.call_id:
                        return each.call_id
                await asyncio.sleep(0.05)

    async def answers(self, remote: str) -> str:
        """Answer the call that rings, or soon will; its id."""
        call = await self.call(CallState.alerting, remote)
        await self.rest(lambda api: api.telephony.calls.answer(call))
        return call

    async def on_the_phone(self) -> Call:
        """The call on which the phone talks, or will soon."""
        async with asyncio.timeout(PATIENCE):
            while True:
                talks = [each for each in self._webex.phone.calls if not each.is_on_hold]
                if len(talks) == 1:
                    return talks[0]
                await asyncio.sleep(0.05)

    async def hears(self, *others: str) -> bool:
        """Wait until they hear these people and nobody else, be it on a call that goes on."""
        while True:
            call = await self.on_the_phone()
            if await hears(call, *others):
                return True
            if call.end_reason is None:
                return False

    async def hangs_up(self, call: str) -> None:
        await self.rest(lambda api: api.telephony.calls.hangup(call))


People = Callable[..., Awaitable[list[Person]]]


@pytest.fixture
def people(cloud: LocalCloud, phone: PhoneOf) -> People:
    async def come(*names: str) -> list[Person]:
        phones = await asyncio.gather(*map(phone, names))
        return [Person(cloud, name, webex) for name, webex in zip(names, phones, strict=True)]

    return come


async def talking(caller: Person, callee: Person) -> tuple[str, str]:
    """Dialled and answered over REST: each one's call."""
    ours = await caller.rest(lambda api: api.telephony.calls.dial(callee.extension))
    theirs = await callee.answers(caller.name)
    assert await caller.call(CallState.connected, callee.name) == ours.call_id
    return ours.call_id, theirs


async def test_dial_answer_hold_resume_and_keys(people: People) -> None:
    alice, bob = await people("alice", "bob")
    ours, theirs = await talking(alice, bob)
    assert all(await asyncio.gather(alice.hears("bob"), bob.hears("alice")))
    at_bob = await bob.on_the_phone()
    await alice.rest(lambda api: api.telephony.calls.hold(ours))
    assert await hears(at_bob), "music, and nobody's voice"
    await alice.rest(lambda api: api.telephony.calls.resume(ours))
    assert all(await asyncio.gather(alice.hears("bob"), bob.hears("alice")))
    keys = asyncio.create_task(pressed(at_bob, 3))
    await alice.rest(lambda api: api.telephony.calls.transmit_dtmf(ours, "1,5#"))
    assert await keys == "15#"
    await bob.hangs_up(theirs)


async def pressed(call: Call, count: int) -> str:
    digits = ""
    async with asyncio.timeout(PATIENCE):
        async for event in call.events():
            if isinstance(event, DTMFReceivedEvent):
                digits += event.digit
                if len(digits) == count:
                    break
    return digits


async def test_a_consult_transfer(people: People) -> None:
    alice, bob, carol = await people("alice", "bob", "carol")
    first, bobs = await talking(alice, bob)
    second, _ = await talking(alice, carol)
    assert await alice.hears("carol")
    await alice.rest(lambda api: api.telephony.calls.transfer(first, second))
    assert all(await asyncio.gather(bob.hears("carol"), carol.hears("bob")))
    assert await alice.rest(lambda api: api.telephony.calls.list_calls()) == []
    await bob.hangs_up(bobs)


async def test_a_blind_transfer(people: People) -> None:
    alice, bob, carol = await people("alice", "bob", "carol")
    ours, bobs = await talking(alice, bob)
    await alice.rest(lambda api: api.telephony.calls.transfer(ours, destination=carol.extension))
    await carol.answers("bob")
    await bob.call(CallState.connected, "carol")
    assert all(await asyncio.gather(bob.hears("carol"), carol.hears("bob")))
    await bob.hangs_up(bobs)


async def test_a_conference_of_three(people: People) -> None:
    alice, bob, carol = await people("alice", "bob", "carol")
    with_bob, _ = await talking(alice, bob)
    with_carol, _ = await talking(alice, carol)
    await alice.rest(lambda api: api.telephony.conference.start_conference([with_bob, with_carol]))
    assert all(
        await asyncio.gather(
            alice.hears("bob", "carol"), bob.hears("alice", "carol"), carol.hears("alice", "bob")
        )
    )
    await alice.rest(lambda api: api.telephony.conference.mute(with_bob))
    assert all(await asyncio.gather(alice.hears("carol"), carol.hears("alice")))
    assert await bob.hears("alice", "carol"), "who is muted still hears"
    await alice.rest(lambda api: api.telephony.conference.unmute(with_bob))
    at_alice = await alice.on_the_phone()
    await alice.rest(lambda api: api.telephony.conference.hold())
    assert all(await asyncio.gather(bob.hears("carol"), carol.hears("bob"), hears(at_alice)))
    await alice.rest(lambda api: api.telephony.conference.resume())
    assert await alice.hears("bob", "carol")
    await alice.rest(lambda api: api.telephony.conference.release_conference())
    for each in (alice, bob, carol):
        assert await each.rest(lambda api: api.telephony.calls.list_calls()) == []
