"""The official client, while its person commands its calls over REST, with wxc-sdk unmodified.

The client knows nothing of REST or of conferences: it is told that a call is held, is resumed, is
over, or has another party, and carries the audio. What it cannot be told is to answer: a call that
is dialled or answered over REST rings in it until somebody presses the button. That it is muted
at the service it does not show.
"""

from __future__ import annotations

import asyncio

import pytest

from interop.browser_call import BrowserCall
from interop.hearing import all_hear_all, hears, hears_music, hears_ringback, hears_silence
from interop.office import Office

# The browser's driver runs in the tests' loop, and takes its time over a large message.
pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.interop,
    pytest.mark.timeout(90),
    pytest.mark.loop_limit(ms=300),
]


# -- hold, mute, digits --------------------------------------------------------------------------


async def test_it_is_held_and_resumed_without_having_asked(office: Office) -> None:
    alice, bob = await office.talk("alice", "bob")
    for _ in range(2):
        # Held over REST, resumed in the client.
        mark = alice.mark
        await office.command("alice", lambda calls, call: calls.hold(call), on="bob")
        await alice.happens("held", after=mark)
        await alice.happens("established", after=mark)
        assert await alice.is_held()
        await asyncio.gather(hears_silence(alice), hears_music(bob))
        await alice.resume()
        await asyncio.gather(hears(alice, "bob"), hears(bob, "alice"))

        # And the other way round.
        await alice.hold()
        mark = alice.mark
        await office.command("alice", lambda calls, call: calls.resume(call), on="bob")
        await alice.happens("resumed", after=mark)
        await alice.happens("established", after=mark)
        assert not await alice.is_held()
        await asyncio.gather(hears(alice, "bob"), hears(bob, "alice"))
    assert not {"hold_error", "resume_error", "call_error"} & set(alice.story + bob.story)
    await office.command("alice", lambda calls, call: calls.hangup(call), on="bob")
    await asyncio.gather(alice.is_over(), bob.is_over())


async def test_it_is_muted_and_sends_digits(office: Office) -> None:
    alice, bob = await office.talk("alice", "bob")
    await office.command("alice", lambda calls, call: calls.mute(call), on="bob")
    await asyncio.gather(hears(alice, "bob"), hears_silence(bob))
    await office.command("alice", lambda calls, call: calls.transmit_dtmf(call, "1559#"), on="bob")
    assert await bob.phone.digits_heard(bob.key, 5) == "1559#"
    await office.command("alice", lambda calls, call: calls.unmute(call), on="bob")
    await hears(bob, "alice")
    assert not (await alice.phone.status(alice.key))["muted"]
    assert "muted" in alice.phone.unknown_events


# -- calls that ring -----------------------------------------------------------------------------


async def test_its_person_dials_over_rest_and_answers_by_hand(office: Office) -> None:
    carols = office.number("carol")
    await office.rest("alice", lambda api: api.telephony.calls.dial(carols))
    alice = await office.rings("alice", of="carol")
    await alice.answer()
    carol = await office.rings("carol", of="alice")
    await hears_ringback(alice)
    await carol.answer()
    await asyncio.gather(hears(alice, "carol"), hears(carol, "alice"))
    await alice.hold()
    await hears_music(carol)
    await alice.resume()
    await asyncio.gather(hears(alice, "carol"), hears(carol, "alice"))
    await carol.end()
    await alice.is_over()


async def test_it_rings_on_when_asked_to_answer_over_rest(office: Office) -> None:
    bob = await office.dial("bob", "alice")
    alice = await office.rings("alice", of="bob")
    await office.command("alice", lambda calls, call: calls.answer(call), on="bob")
    await alice.answer()
    await bob.happens("established")
    await asyncio.gather(hears(alice, "bob"), hears(bob, "alice"))
    assert "answerRequested" in alice.phone.unknown_events


async def test_what_rings_is_rejected_or_diverted_over_rest(office: Office) -> None:
    bob = await office.dial("bob", "alice")
    alice = await office.rings("alice", of="bob")
    await office.command("alice", lambda calls, call: calls.reject(call), on="bob")
    await asyncio.gather(alice.is_over(), bob.is_over())

    bob = await office.dial("bob", "alice")
    alice = await office.rings("alice", of="bob")
    carols = office.number("carol")
    await office.command("alice", lambda calls, call: calls.divert(call, carols), on="bob")
    await alice.is_over()
    carol = await office.rings("carol", of="bob")
    await carol.answer()
    await bob.happens("established")
    await asyncio.gather(hears(bob, "carol"), hears(carol, "bob"))
    await bob.shows(office.name("carol"))


# -- transfers -----------------------------------------------------------------------------------


async def test_its_calls_are_transferred_over_rest(office: Office) -> None:
    alice, bob = await office.talk("alice", "bob")
    carols = office.number("carol")
    await office.command(
        "alice", lambda calls, call: calls.transfer(call, destination=carols), on="bob"
    )
    await alice.is_over()
    carol = await office.rings("carol", of="bob")
    await carol.answer()
    await asyncio.gather(hears(bob, "carol"), hears(carol, "bob"))

    # The one who was transferred transfers in turn: its first call to its second.
    to_dave, dave = await office.talk_with_dave("bob")
    await office.rest("bob", lambda api: api.telephony.calls.transfer())
    await asyncio.gather(bob.is_over(), to_dave.is_over())
    await asyncio.gather(hears(carol, "dave"), hears(dave, "carol"))
    await carol.shows(office.name("dave"))
    await carol.end()
    await dave.ended()


# -- conferences ---------------------------------------------------------------------------------


async def conference(office: Office) -> tuple[BrowserCall, BrowserCall, BrowserCall]:
    """Alice's two calls become a conference, over REST."""
    alice, bob = await office.talk("alice", "bob")
    await alice.hold()
    to_carol, carol = await office.talk("alice", "carol")
    calls = [await office.rest_id("alice", each) for each in ("bob", "carol")]
    mark = alice.mark
    await office.rest("alice", lambda api: api.telephony.conference.start_conference(calls))
    # One call of the client carries all of it; it was held, and is resumed.
    await to_carol.is_over()
    await alice.happens("resumed", after=mark)
    await alice.happens("established", after=mark)
    await all_hear_all(alice=alice, bob=bob, carol=carol)
    return alice, bob, carol


async def test_its_two_calls_become_a_conference_that_it_hosts(office: Office) -> None:
    alice, bob, carol = await conference(office)
    for call in (alice, bob, carol):
        await call.shows("Conference")

    # The host holds: the others go on, without music.
    await alice.hold()
    await asyncio.gather(hears_silence(alice), hears(bob, "carol"), hears(carol, "bob"))
    await alice.resume()
    await all_hear_all(alice=alice, bob=bob, carol=carol)

    # A fourth, called from the client, with the SDK.
    to_dave, dave = await office.talk_with_dave("alice")
    await asyncio.gather(hears(bob, "carol"), hears(carol, "bob"))
    new = await office.rest_id("alice", "dave")
    await office.rest("alice", lambda api: api.telephony.conference.add_participant(new))
    await to_dave.is_over()
    await all_hear_all(alice=alice, bob=bob, carol=carol, dave=dave)

    # The host leaves, and the others stay; with two it is an ordinary call again.
    await alice.end()
    await all_hear_all(bob=bob, carol=carol, dave=dave)
    await carol.end()
    await asyncio.gather(hears(bob, "dave"), hears(dave, "bob"))
    await bob.shows(office.name("dave"))
    await bob.hold()
    await hears_music(dave)
    await bob.resume()
    await asyncio.gather(hears(bob, "dave"), hears(dave, "bob"))
    await dave.hangup()
    await bob.is_over()


async def test_a_member_holds_is_muted_by_the_host_and_leaves(office: Office) -> None:
    alice, bob, carol = await conference(office)
    await bob.hold()
    await asyncio.gather(hears_silence(bob), hears(alice, "carol"), hears(carol, "alice"))
    await bob.resume()
    await all_hear_all(alice=alice, bob=bob, carol=carol)

    with_bob = await office.rest_id("alice", "bob")
    await office.rest("alice", lambda api: api.telephony.conference.mute(with_bob))
    await asyncio.gather(hears(alice, "carol"), hears(carol, "alice"), hears(bob, "alice", "carol"))
    await office.rest("alice", lambda api: api.telephony.conference.unmute(with_bob))
    await all_hear_all(alice=alice, bob=bob, carol=carol)

    await bob.end()
    await asyncio.gather(hears(alice, "carol"), hears(carol, "alice"))
    await asyncio.gather(alice.shows(office.name("carol")), carol.shows(office.name("alice")))
    await carol.end()
    await alice.is_over()


async def test_the_host_ends_the_conference_for_all(office: Office) -> None:
    calls = await conference(office)
    await office.rest("alice", lambda api: api.telephony.conference.release_conference())
    await asyncio.gather(*(call.is_over() for call in calls))
