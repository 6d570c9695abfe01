"""The official client transfers, is transferred, and is whom somebody is transferred to.

In one sentence each: who is transferred hears the phone that rings and then whom it was sent to;
whom it was sent to sees who comes; both can hold and hang up as if they had called each other.
"""

from __future__ import annotations

import asyncio

import pytest

from interop.browser_call import BrowserCall
from interop.hearing import hears, hears_music, hears_ringback, hears_silence
from interop.office import Office

# The browser's driver runs in the tests' loop, and takes its time over a large message.
pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.interop,
    pytest.mark.timeout(90),
    pytest.mark.loop_limit(ms=300),
]


async def hold_and_resume(holder: BrowserCall, me: str, other: BrowserCall, them: str) -> None:
    """What only works if the holder's client was left in good order."""
    await holder.hold()
    await asyncio.gather(hears_silence(holder), hears_music(other))
    await holder.resume()
    await asyncio.gather(hears(holder, them), hears(other, me))


async def test_it_sends_its_call_on_to_a_number(office: Office) -> None:
    alice, bob = await office.talk("alice", "bob")
    await alice.send_on(office.number("carol"))
    await alice.is_over()
    assert "transfer_error" not in alice.story

    carol = await office.rings("carol", of="bob")
    await hears_ringback(bob)
    await carol.answer()
    await asyncio.gather(hears(bob, "carol"), hears(carol, "bob"))
    await bob.shows(office.name("carol"))
    await hold_and_resume(bob, "bob", carol, "carol")
    await hold_and_resume(carol, "carol", bob, "bob")

    # The transferor's phone is as good as new.
    again, dialled = await office.talk("alice", "carol")
    await again.end()
    await dialled.is_over()

    await carol.resume()
    await hears(bob, "carol")
    await bob.end()
    await carol.is_over()


async def test_it_connects_the_parties_of_its_two_calls(office: Office) -> None:
    to_bob, bob = await office.talk("alice", "bob")
    await to_bob.hold()
    to_carol, carol = await office.talk("alice", "carol")
    await hears_music(bob)

    await to_bob.connect_with(to_carol)
    await asyncio.gather(to_bob.is_over(), to_carol.is_over())
    await asyncio.gather(hears(bob, "carol"), hears(carol, "bob"))
    await asyncio.gather(bob.shows(office.name("carol")), carol.shows(office.name("bob")))
    await hold_and_resume(carol, "carol", bob, "bob")
    await hold_and_resume(bob, "bob", carol, "carol")

    await carol.end()
    await bob.is_over()


async def test_it_connects_them_while_the_second_phone_still_rings(office: Office) -> None:
    to_bob, bob = await office.talk("alice", "bob")
    # Not held by its person: the service does that, for two calls that talk at once.
    to_carol = await office.dial("alice", "carol")
    carol = await office.rings("carol", of="alice")
    await to_bob.happens("held")
    await hears_music(bob)

    # From the second to the first; either way round is one transfer.
    await to_carol.connect_with(to_bob)
    await asyncio.gather(to_bob.is_over(), to_carol.is_over())
    await carol.shows(office.name("bob"))
    await hears_ringback(bob)
    assert carol.story == ["incoming_call", "caller_id"], "it rings on"

    await carol.answer()
    await asyncio.gather(hears(bob, "carol"), hears(carol, "bob"))
    await bob.shows(office.name("carol"))
    await hold_and_resume(bob, "bob", carol, "carol")
    await bob.end()
    await carol.is_over()


async def test_a_transfer_that_is_refused_leaves_the_call_as_it_was(office: Office) -> None:
    alice, bob = await office.talk("alice", "bob")

    async def refused(number: str, why: str) -> None:
        mark = alice.mark
        await alice.send_on(number)
        error = await alice.happens("transfer_error", after=mark)
        assert why in error.detail

    await refused("9876", "An unknown error")  # There is no such number: a code of our own.
    await refused(office.number("busy"), "Called user is busy")
    await refused(office.number("bob"), "while accepting the call")  # Bob is on the line already.
    await asyncio.gather(hears(alice, "bob"), hears(bob, "alice"))
    await hold_and_resume(alice, "alice", bob, "bob")

    await alice.hold()
    await refused("9876", "An unknown error")
    await hears_music(bob)
    await alice.resume()
    await asyncio.gather(hears(alice, "bob"), hears(bob, "alice"))
    assert "disconnect" not in alice.story + bob.story
    await alice.end()
    await bob.is_over()


async def test_nobody_answers_where_it_sent_its_call(office: Office) -> None:
    """The transferor has gone: the call is the other party's, and ends with it."""
    alice, bob = await office.talk("alice", "bob")
    await alice.send_on(office.number("carol"))
    await alice.is_over()
    carol = await office.rings("carol", of="bob")
    await hears_ringback(bob)
    await asyncio.gather(bob.is_over(within=10), carol.is_over(within=10))
    assert "connect" not in carol.story


async def test_the_person_whom_it_sent_its_call_to_declines(office: Office) -> None:
    alice, bob = await office.talk("alice", "bob")
    await alice.send_on(office.number("carol"))
    carol = await office.rings("carol", of="bob")
    await carol.end()
    await asyncio.gather(alice.is_over(), bob.is_over())


async def test_who_is_sent_on_gives_up_while_it_rings(office: Office) -> None:
    alice, bob = await office.talk("alice", "bob")
    await alice.send_on(office.number("carol"))
    carol = await office.rings("carol", of="bob")
    await bob.end()
    await asyncio.gather(alice.is_over(), carol.is_over())
