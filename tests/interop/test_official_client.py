"""The official browser client, unmodified, makes and takes calls through our service.

Each side plays a tone of its own, and what comes out of the other's earpiece is the proof.
"""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import pytest
import pytest_asyncio

from interop.browser import BrowserPhone, NotHeardError
from interop.cloud import Cloud

# The browser's driver runs in the tests' loop, and takes its time over a large message.
pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.interop,
    pytest.mark.timeout(90),
    pytest.mark.loop_limit(ms=300),
]

# Away from each other, from the DTMF frequencies and from each other's harmonics.
ALICE_TONE = 1040.0
BOB_TONE = 1850.0


class PhoneFor(Protocol):
    def __call__(
        self, person: str, tone: float = ALICE_TONE
    ) -> AbstractAsyncContextManager[BrowserPhone]: ...


async def talk(alice: BrowserPhone, a: str, bob: BrowserPhone, b: str) -> None:
    """Prove that each hears the other's tone, and no stronger one."""
    await asyncio.gather(alice.hears(a, bob.tone), bob.hears(b, alice.tone))


async def connect(caller: BrowserPhone, callee: BrowserPhone, number: str) -> tuple[str, str]:
    """Call and answer; the two sides' keys of the call."""
    caller_mark, callee_mark = caller.mark, callee.mark
    a = await caller.dial(number)
    ringing = await callee.incoming_call(after=callee_mark)
    assert ringing.call is not None
    await caller.event("progress", call=a, after=caller_mark)
    await callee.answer(ringing.call)
    await caller.event("established", call=a, after=caller_mark)
    await callee.event("established", call=ringing.call, after=callee_mark)
    return a, ringing.call


@pytest_asyncio.fixture(loop_scope="module")
async def alice_and_bob(cloud: Cloud, phone: PhoneFor):
    async with phone("alice", ALICE_TONE) as alice, phone("bob", BOB_TONE) as bob:
        await asyncio.gather(alice.register(), bob.register())
        yield alice, bob


async def test_it_registers_and_deregisters(cloud: Cloud, phone: PhoneFor):
    async with phone("alice") as alice:
        await alice.register()
        status = await alice.status()
        assert status["line"] == "active"
        assert status["deviceId"]
        assert alice.names() == ["connecting", "registered"]

        await alice.deregister()
        assert (await alice.status())["line"] == "IDLE"
        # It may come back: the service has forgotten nothing that would be in the way.
    async with phone("alice") as alice:
        await alice.register()


async def test_two_clients_call_each_other_both_ways(cloud: Cloud, alice_and_bob):
    alice, bob = alice_and_bob
    people = cloud.people

    a, b = await connect(alice, bob, people["bob"].extension)
    await talk(alice, a, bob, b)
    shown = next(e.detail for e in bob.events if e.name == "incoming_call")
    assert shown["name"] == people["alice"].name
    assert shown["num"] in {people["alice"].extension, people["alice"].number}
    await alice.end(a)
    await bob.event("disconnect", call=b)

    b, a = await connect(bob, alice, people["alice"].number)
    await talk(alice, a, bob, b)
    await alice.end(a)
    await bob.event("disconnect", call=b)


async def test_what_people_type_is_understood(cloud: Cloud, alice_and_bob):
    alice, bob = alice_and_bob
    typed = cloud.people["bob"].number
    typed = f"{typed[:2]} ({typed[2:5]}) {typed[5:8]}.{typed[8:]}"
    a, b = await connect(alice, bob, typed)
    await bob.end(b)
    await alice.event("disconnect", call=a)


async def test_either_side_holds_and_resumes_twice(cloud: Cloud, alice_and_bob):
    alice, bob = alice_and_bob
    a, b = await connect(alice, bob, cloud.people["bob"].extension)
    await talk(alice, a, bob, b)

    for holder, h, other, o in [(alice, a, bob, b), (bob, b, alice, a)] * 2:
        await holder.hold(h)
        assert (await holder.status(h))["held"]
        await holder.hears_silence(h)
        await other.hears_other_than(o, holder.tone)

        await holder.resume(h)
        assert not (await holder.status(h))["held"]
        await talk(alice, a, bob, b)

    assert not {"hold_error", "resume_error", "call_error"} & set(alice.names() + bob.names())


async def test_a_muted_side_is_not_heard_and_still_hears(cloud: Cloud, alice_and_bob):
    alice, bob = alice_and_bob
    a, b = await connect(alice, bob, cloud.people["bob"].extension)
    await talk(alice, a, bob, b)

    assert await alice.toggle_mute(a)
    await bob.hears_silence(b)
    await alice.hears(a, BOB_TONE)

    assert not await alice.toggle_mute(a)
    await bob.hears(b, ALICE_TONE)


async def test_digits_pass_to_the_other_side(cloud: Cloud, alice_and_bob):
    alice, bob = alice_and_bob
    a, b = await connect(alice, bob, cloud.people["bob"].extension)
    await talk(alice, a, bob, b)
    await alice.send_digits(a, "1559#")
    assert await bob.digits_heard(b, 5) == "1559#"


async def test_the_service_hears_digits_and_reads_them_back(cloud: Cloud, phone: PhoneFor):
    async with phone("alice") as alice:
        await alice.register()
        a = await alice.dial(cloud.test_numbers["dtmf"])
        await alice.event("established", call=a)
        # Not a sound from our side, that the service may tell digits from speech by more than luck.
        await alice.toggle_mute(a)
        await alice.send_digits(a, "2580#")
        assert await alice.digits_heard(a, 5) == "2580#"
        await alice.end(a)


async def test_the_echo_number_gives_back_what_was_said(cloud: Cloud, phone: PhoneFor):
    async with phone("alice") as alice:
        await alice.register()
        a = await alice.dial(cloud.test_numbers["echo"])
        await alice.event("established", call=a)
        await alice.hears(a, ALICE_TONE)
        await alice.say(1500.0)
        await alice.hears(a, 1500.0)


async def test_a_call_declined_ends_on_both_sides(cloud: Cloud, alice_and_bob):
    alice, bob = alice_and_bob
    a = await alice.dial(cloud.people["bob"].extension)
    ringing = await bob.incoming_call()
    await alice.event("progress", call=a)
    await bob.end(ringing.call)
    await alice.event("disconnect", call=a, within=5)
    assert "connect" not in alice.names(call=a)


async def test_a_call_given_up_stops_ringing(cloud: Cloud, alice_and_bob):
    alice, bob = alice_and_bob
    a = await alice.dial(cloud.people["bob"].extension)
    ringing = await bob.incoming_call()
    await alice.event("progress", call=a)
    await alice.end(a)
    await bob.event("disconnect", call=ringing.call, within=5)


async def test_a_call_given_up_at_once_does_not_ring_on(cloud: Cloud, alice_and_bob):
    alice, bob = alice_and_bob
    a = await alice.dial(cloud.people["bob"].extension)
    await alice.end(a)
    try:
        ringing = await bob.incoming_call(within=2)
    except NotHeardError:
        return  # The service knew before it rang.
    await bob.event("disconnect", call=ringing.call, within=5)


async def test_an_unknown_number_ends_with_a_disconnect(cloud: Cloud, phone: PhoneFor):
    async with phone("alice") as alice:
        await alice.register()
        a = await alice.dial("9876")
        await alice.event("disconnect", call=a, within=5)
        # An error answer would give `call_error` and no `disconnect`: harder on applications.
        assert "call_error" not in alice.names(call=a)


async def test_the_busy_number_is_busy(cloud: Cloud, phone: PhoneFor):
    async with phone("alice") as alice:
        await alice.register()
        a = await alice.dial(cloud.test_numbers["busy"])
        await alice.event("disconnect", call=a, within=5)
        assert "connect" not in alice.names(call=a)


async def test_the_announcement_is_heard_to_its_end(cloud: Cloud, phone: PhoneFor):
    async with phone("alice") as alice:
        await alice.register()
        a = await alice.dial(cloud.test_numbers["announcement"])
        await alice.event("established", call=a)
        await alice.hears_other_than(a, 0.0)
        await alice.event("disconnect", call=a, within=40)


async def test_keep_alives_keep_the_line_for_several_intervals(cloud: Cloud, alice_and_bob):
    alice, bob = alice_and_bob
    interval = cloud.keepalive_seconds
    keep_alives = await alice.answers("/status", count=4, within=6 * interval)
    assert [answer.status for answer in keep_alives] == [200] * 4
    assert (await alice.status())["line"] == "active"
    assert not {"reconnecting", "unregistered", "error"} & set(alice.names())

    a, b = await connect(bob, alice, cloud.people["alice"].extension)
    await talk(bob, a, alice, b)


async def test_after_a_restart_of_the_service_calls_go_through_again(cloud: Cloud, alice_and_bob):
    alice, bob = alice_and_bob
    a, b = await connect(alice, bob, cloud.people["bob"].extension)
    await talk(alice, a, bob, b)

    marks = alice.mark, bob.mark
    await cloud.restart()

    for person, mark in zip((alice, bob), marks, strict=True):
        await person.event("mercury_online", after=mark, within=20)
        # The line it had is gone; the client learns that by its next keep-alive and registers.
        await person.event("registered", after=mark, within=20)
    # The call that was in progress is over for both, not left hanging.
    await alice.event("disconnect", call=a, after=marks[0], within=20)
    await bob.event("disconnect", call=b, after=marks[1], within=20)

    a, b = await connect(alice, bob, cloud.people["bob"].extension)
    await talk(alice, a, bob, b)
