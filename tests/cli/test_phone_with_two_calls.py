"""`offhook phone` with more than one call: real phones, and what each of them really hears."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import aiohttp
import pytest

from cli.desks import Desk, Event, desk
from cli.shell import Shell

ALICE, BOB, CAROL = 440, 880, 660


@pytest.fixture
async def three(shell: Shell) -> AsyncIterator[tuple[Desk, Desk, Desk]]:
    """The phones of alice, bob and carol, each with a tone of its own."""
    async with AsyncExitStack() as stack:
        phones = [
            await stack.enter_async_context(desk(shell, who, "--play", f"tone:{tone}"))
            for who, tone in (("alice", ALICE), ("bob", BOB), ("carol", CAROL))
        ]
        await asyncio.gather(*(phone.says("ready") for phone in phones))
        yield phones[0], phones[1], phones[2]


async def talk(caller: Desk, callee: Desk, number: str) -> None:
    caller.do(f"dial {number}")
    await callee.says("incoming")
    callee.do("answer")
    await asyncio.gather(caller.says("connected"), callee.says("connected"))


def names(event: Event) -> set[str]:
    return {each["name"] for each in event["participants"] if not each["is_self"]}


async def test_a_second_call_waits_is_answered_swapped_and_joined(
    three: tuple[Desk, Desk, Desk],
) -> None:
    alice, bob, carol = three
    await talk(bob, alice, "1001")
    await asyncio.gather(alice.hears(BOB), bob.hears(ALICE))
    carol.do("dial 1001")
    waiting = await alice.says("incoming")
    assert (waiting["slot"], waiting["waiting"]) == (2, True)
    assert waiting["text"] == "Carol Clark calls; answering puts Bob Brown on hold"
    alice.do("answer")
    await alice.says("hold", lambda event: event["slot"] == 1 and event["on_hold"])
    await alice.hears(CAROL)
    alice.do("swap")
    await alice.says("hold", lambda event: event["slot"] == 2 and event["on_hold"])
    await asyncio.gather(alice.hears(BOB), bob.hears(ALICE))
    alice.do("dial 1004")
    assert "two calls already" in (await alice.says("refused"))["text"]
    alice.do("join")
    conference = await alice.says("conference", lambda event: len(event["participants"]) == 3)
    assert names(conference) == {"Bob Brown", "Carol Clark"}
    await asyncio.gather(alice.hears(BOB, CAROL), bob.hears(ALICE, CAROL), carol.hears(ALICE, BOB))
    alice.do("transfer 1004")
    assert "cannot be transferred" in (await alice.says("refused"))["text"]
    alice.do("leave")
    assert (await alice.says("ended"))["text"] == "You left the conference"
    await bob.says("conference", lambda event: not event["on"])
    await asyncio.gather(bob.hears(CAROL), carol.hears(BOB))


async def test_a_transfer_after_a_talk_connects_the_other_two(
    three: tuple[Desk, Desk, Desk],
) -> None:
    alice, bob, carol = three
    await talk(bob, alice, "1001")
    alice.do("consult 1003")
    await carol.says("incoming")
    carol.do("answer")
    await asyncio.gather(alice.hears(CAROL), carol.hears(ALICE))
    alice.do("complete")
    ended = [await alice.says("ended"), await alice.says("ended")]
    assert {event["reason"] for event in ended} == {"transferred"}
    assert (await bob.says("party"))["party"] == "Carol Clark"
    await asyncio.gather(bob.hears(CAROL), carol.hears(BOB))


async def test_a_consultation_that_is_declined_leaves_the_first_call_to_be_resumed(
    three: tuple[Desk, Desk, Desk],
) -> None:
    alice, bob, carol = three
    await talk(bob, alice, "1001")
    alice.do("add 1003")
    await carol.says("incoming")
    carol.do("decline")
    ended = await alice.says("consultation_ended")
    assert ended["text"] == "Carol Clark: declined; Bob Brown is still there"
    alice.do("resume")
    await asyncio.gather(alice.hears(BOB), bob.hears(ALICE))


async def test_a_transfer_that_waits_is_taken_back_or_given_back_or_goes(
    three: tuple[Desk, Desk, Desk],
) -> None:
    alice, bob, carol = three
    await talk(bob, alice, "1001")
    alice.do("transfer-when-answered 1003")
    await carol.says("incoming")
    alice.do("hold", "back")
    assert "One moment, Bob Brown" in (await alice.says("refused"))["text"]
    await alice.says("taken_back")
    assert (await carol.says("ended"))["reason"] == "remote_cancel"
    await alice.hears(BOB)
    alice.do("transfer-when-answered 8003")
    assert "busy" in (await alice.says("failed"))["text"]
    await alice.hears(BOB)
    alice.do("transfer-when-answered 1003")
    await carol.says("incoming")
    carol.do("answer")
    assert (await alice.says("ended", lambda event: event["slot"] == 1))["reason"] == "transferred"
    await asyncio.gather(bob.hears(CAROL), carol.hears(BOB))


async def test_a_call_to_a_group_rings_everywhere_and_is_answered_from_elsewhere(
    shell: Shell,
) -> None:
    async with (
        desk(shell, "alice", "--play", f"tone:{ALICE}") as alice,
        desk(shell, "bob", "--play", f"tone:{BOB}", "--remote-answer") as bob,
        desk(shell, "carol") as carol,
    ):
        await asyncio.gather(*(phone.says("ready") for phone in (alice, bob, carol)))
        alice.do("dial 1010")
        rings = await asyncio.gather(bob.says("incoming"), carol.says("incoming"))
        assert {event["text"] for event in rings} == {"Alice Adams calls through Support"}
        token = shell.token("Bob Brown")
        async with aiohttp.ClientSession(headers={"authorization": f"Bearer {token}"}) as rest:
            calls = f"{shell.cloud}/v1/telephony/calls"
            async with rest.get(calls) as answer:
                call_id = (await answer.json())["items"][0]["id"]
            async with rest.post(f"{calls}/answer", json={"callId": call_id}) as answer:
                assert answer.status == 204
        await asyncio.gather(bob.hears(ALICE), alice.hears(BOB))
        ended = await carol.says("ended")
        assert (ended["reason"], ended["text"]) == (
            "answered_elsewhere",
            "Alice Adams: answered elsewhere",
        )
