"""Three people, our SDK and the official client among them: who transfers, who is transferred.

Of a conference the official client knows only that its other party is called "Conference".
"""

from __future__ import annotations

import asyncio

import pytest

from interop.browser import PATIENCE
from interop.browser_call import BrowserCall
from interop.hearing import all_hear_all, hears, hears_music, hears_ringback, hears_silence
from interop.office import Office, voice_of_dave
from interop.sdk_ear import happens
from offhook import (
    Call,
    CallAssociationType,
    EndReason,
    InfoChangedEvent,
    MembershipHeldEvent,
    MembershipLeftEvent,
    TransferFailedError,
)

# The browser's driver runs in the tests' loop, and takes its time over a large message.
pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.interop,
    pytest.mark.timeout(90),
    pytest.mark.loop_limit(ms=300),
]


async def dave_calls(
    office: Office, callee: str, origin: Call | None = None
) -> tuple[Call, BrowserCall]:
    """The SDK calls a browser, from another call of its if there is one; both sides."""
    number = office.number(callee)
    if origin is None:
        call = await office.dave.phone.dial_phone_number(number, voice_of_dave())
    else:
        call = await origin.start_associated_call(
            number, CallAssociationType.UNDEFINED, voice_of_dave()
        )
    ringing = await office.rings(callee, of="dave")
    await ringing.answer()
    async with asyncio.timeout(PATIENCE):
        await call.connected()
    await asyncio.gather(hears(call, callee), hears(ringing, "dave"))
    return call, ringing


# -- the SDK transfers official clients ----------------------------------------------------------


async def test_the_sdk_sends_the_official_client_on_to_another(office: Office) -> None:
    dave, bob = await dave_calls(office, "bob")
    await dave.direct_transfer_call(office.number("carol"))
    assert dave.end_reason is EndReason.TRANSFERRED
    carol = await office.rings("carol", of="bob")
    await hears_ringback(bob)
    await carol.answer()
    await asyncio.gather(hears(bob, "carol"), hears(carol, "bob"))
    await bob.shows(office.name("carol"))
    await bob.hold()
    await asyncio.gather(hears_silence(bob), hears_music(carol))
    await bob.resume()
    await asyncio.gather(hears(bob, "carol"), hears(carol, "bob"))
    await bob.end()
    await carol.is_over()


async def test_the_sdk_connects_two_official_clients(office: Office) -> None:
    to_bob, bob = await dave_calls(office, "bob")
    to_carol, carol = await dave_calls(office, "carol", origin=to_bob)
    await hears_music(bob)
    await to_bob.transfer_call(to_carol)
    await asyncio.gather(hears(bob, "carol"), hears(carol, "bob"))
    await asyncio.gather(bob.shows(office.name("carol")), carol.shows(office.name("bob")))
    await carol.hold()
    await asyncio.gather(hears_silence(carol), hears_music(bob))
    await carol.resume()
    await asyncio.gather(hears(bob, "carol"), hears(carol, "bob"))
    await carol.end()
    await bob.is_over()


async def test_who_declines_a_transfer_gives_the_official_client_back(office: Office) -> None:
    dave, bob = await dave_calls(office, "bob")
    transferring = asyncio.create_task(dave.direct_transfer_call(office.number("carol"), wait=True))
    carol = await office.rings("carol", of="dave")
    await hears_music(bob)
    await carol.end()
    with pytest.raises(TransferFailedError) as failed:
        await transferring
    assert failed.value.reason is EndReason.REJECTED
    await asyncio.gather(hears(dave, "bob"), hears(bob, "dave"))
    assert "disconnect" not in bob.story
    await dave.hangup()
    await bob.is_over()


# -- the official client transfers the SDK -------------------------------------------------------


async def test_the_official_client_sends_the_sdk_on_to_another(office: Office) -> None:
    alice, dave = await office.talk_with_dave("alice")
    await alice.send_on(office.number("carol"))
    await alice.is_over()
    carol = await office.rings("carol", of="dave")
    await hears_ringback(dave)
    await carol.answer()
    await asyncio.gather(hears(dave, "carol"), hears(carol, "dave"))
    await happens(dave, InfoChangedEvent)
    assert dave.title == office.name("carol")
    await dave.hangup()
    await carol.is_over()


async def test_the_official_client_connects_another_with_the_sdk(office: Office) -> None:
    to_bob, bob = await office.talk("alice", "bob")
    to_dave, dave = await office.talk_with_dave("alice")
    await to_bob.connect_with(to_dave)
    await asyncio.gather(to_bob.is_over(), to_dave.is_over())
    await asyncio.gather(hears(bob, "dave"), hears(dave, "bob"))
    await bob.shows(office.name("dave"))
    assert dave.title == office.name("bob")
    await bob.end()
    async with asyncio.timeout(PATIENCE):
        assert await dave.ended() is EndReason.REMOTE_HANGUP


# -- conferences ---------------------------------------------------------------------------------


async def test_official_clients_in_a_conference_of_the_sdk(office: Office) -> None:
    to_bob, bob = await dave_calls(office, "bob")
    dave, carol = await dave_calls(office, "carol", origin=to_bob)
    await dave.merge_calls(to_bob)
    await all_hear_all(dave=dave, bob=bob, carol=carol)
    assert dave.is_group_call
    assert {each.display_name for each in dave.memberships} == {
        office.name(each) for each in ("bob", "carol", "dave")
    }
    await asyncio.gather(bob.shows("Conference"), carol.shows("Conference"))

    await bob.hold()
    await asyncio.gather(hears_silence(bob), hears(dave, "carol"), hears(carol, "dave"))
    (held,) = await happens(dave, MembershipHeldEvent)
    assert isinstance(held, MembershipHeldEvent)
    assert (held.membership.display_name, held.membership.is_on_hold) == (office.name("bob"), True)
    await bob.resume()
    await all_hear_all(dave=dave, bob=bob, carol=carol)

    # A third calls bob meanwhile: he puts the conference on hold to answer, and comes back.
    alice, again = await office.talk("alice", "bob")
    await asyncio.gather(hears(dave, "carol"), hears(carol, "dave"))
    await again.end()
    await alice.is_over()
    await bob.resume()
    await all_hear_all(dave=dave, bob=bob, carol=carol)

    await bob.end()
    await happens(dave, MembershipLeftEvent)
    await asyncio.gather(hears(dave, "carol"), hears(carol, "dave"))
    await carol.shows(office.name("dave"))
    assert not dave.is_group_call
    # Of our own events it says in its log that it does not know them, and goes on.
    assert carol.phone.unknown_events >= {"participants", "activeSpeaker"}
    await dave.hangup()
    await carol.is_over()


async def test_the_host_leaves_official_clients_alone_with_each_other(office: Office) -> None:
    to_bob, bob = await dave_calls(office, "bob")
    dave, carol = await dave_calls(office, "carol", origin=to_bob)
    await dave.merge_calls(to_bob)
    await all_hear_all(dave=dave, bob=bob, carol=carol)
    await dave.hangup()
    await asyncio.gather(hears(bob, "carol"), hears(carol, "bob"))
    await asyncio.gather(bob.shows(office.name("carol")), carol.shows(office.name("bob")))
    await carol.end()
    await bob.is_over()
