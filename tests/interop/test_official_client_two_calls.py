"""The official client with two calls at a time: what each side hears, and what is left of which.

The client itself keeps two calls apart and nothing else: the service sees to it that at most one of
them talks. So a call may be held that the client did not hold; it says `held` all the same.
"""

from __future__ import annotations

import asyncio

import pytest

from interop.browser_call import BrowserCall
from interop.hearing import hears, hears_music, hears_silence
from interop.office import Office

# The browser's driver runs in the tests' loop, and takes its time over a large message.
pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.interop,
    pytest.mark.timeout(90),
    pytest.mark.loop_limit(ms=300),
]


async def alice_talks_with(
    here: BrowserCall, there: BrowserCall, who: str, *, held: BrowserCall, waits: BrowserCall
) -> None:
    """One call of alice's talks, and the other is held."""
    await asyncio.gather(
        hears(here, who), hears(there, "alice"), hears_silence(held), hears_music(waits)
    )
    assert (await here.is_held(), await held.is_held()) == (False, True)


async def test_a_second_call_rings_while_one_is_up_and_is_taken(office: Office) -> None:
    first, bob = await office.talk("alice", "bob")
    carol = await office.dial("carol", "alice")
    second = await office.rings("alice", of="carol")
    await carol.happens("progress")
    await asyncio.gather(hears(first, "bob"), hears(bob, "alice"))  # Ringing disturbs nobody.
    assert "held" not in first.story

    await second.answer()
    await first.happens("held")
    await alice_talks_with(second, carol, "carol", held=first, waits=bob)

    # To and fro: with one command, since the service holds the other, and with two.
    mark = second.mark
    await first.resume()
    await second.happens("established", after=mark)
    await alice_talks_with(first, bob, "bob", held=second, waits=carol)
    await first.hold()
    await asyncio.gather(hears_music(bob), hears_music(carol))
    await second.resume()
    await alice_talks_with(second, carol, "carol", held=first, waits=bob)

    # The one that talks ends: the other stays held until it is resumed.
    await second.end()
    await carol.is_over()
    await hears_music(bob)
    assert await first.is_held()
    await first.resume()
    await asyncio.gather(hears(first, "bob"), hears(bob, "alice"))
    await bob.end()
    await first.is_over()


async def test_a_second_call_is_declined_and_the_first_not_touched(office: Office) -> None:
    first, bob = await office.talk("alice", "bob")
    carol = await office.dial("carol", "alice")
    second = await office.rings("alice", of="carol")
    await second.end()
    await carol.is_over()
    await asyncio.gather(hears(first, "bob"), hears(bob, "alice"))
    assert "held" not in first.story
    await first.end()
    await bob.is_over()


async def test_the_held_one_of_two_calls_is_hung_up_by_either_side(office: Office) -> None:
    first, bob = await office.talk("alice", "bob")
    second, carol = await office.talk("alice", "carol")  # The service holds the first.
    await first.happens("held")
    await alice_talks_with(second, carol, "carol", held=first, waits=bob)
    await bob.end()
    await first.is_over()
    await asyncio.gather(hears(second, "carol"), hears(carol, "alice"))

    third, bob = await office.talk("alice", "bob")
    await alice_talks_with(third, bob, "bob", held=second, waits=carol)
    await second.end()
    await carol.is_over()
    await asyncio.gather(hears(third, "bob"), hears(bob, "alice"))
    await third.end()
    await bob.is_over()


async def test_both_sides_hold_the_same_call(office: Office) -> None:
    alice, bob = await office.talk("alice", "bob")
    await alice.hold()
    await bob.hold()
    await asyncio.gather(hears_silence(alice), hears_silence(bob))
    await alice.resume()
    await asyncio.gather(hears_music(alice), hears_silence(bob))
    await bob.resume()
    await asyncio.gather(hears(alice, "bob"), hears(bob, "alice"))
    await alice.end()
    await bob.is_over()
