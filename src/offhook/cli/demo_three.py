"""`offhook demo --conference` and `--transfer`: three people, and who hears whom at each step.

Each plays a tone of its own. What is claimed was measured in the audio that each of them received;
the ladder is recorded at the exchange. The negotiations of the audio are left out of it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import uvloop
from rich.console import Console

from offhook import Call, CallAssociationType, EndReason, MediaOption
from offhook.cli.call_trace import CLOUD, CallTrace
from offhook.cli.demo import next_call, phone_of
from offhook.cli.proof import STEP_SECONDS, TONES, Outcome, show
from offhook.cli.serve import StartErrors
from offhook.cli.voices import Voices, voices
from offhook.service.directory.demo import DEMO_PEOPLE
from offhook.testing import LocalCloud, local_cloud


def demo_conference() -> int:
    """Three people in one conference. 0 if everything that it shows is as it should be."""
    return _demo("alice adds carol to her call with bob", _conference)


def demo_transfer() -> int:
    """One of three hands the second to the third. 0 if all is as it should be."""
    return _demo("alice hands bob over to carol", _transfer)


class _Three:
    """Alice talks with bob, and has asked carol, who has answered."""

    def __init__(self, trace: CallTrace, outcome: Outcome, calls: list[Call]) -> None:
        self.trace = trace
        self.outcome = outcome
        self.with_bob, self.with_carol, self.bob, self.carol = calls
        self.ears: dict[str, Voices] = {}

    async def claim(self, text: str, **hears: str) -> None:
        """Each of these hears exactly the others that are named, separated by spaces."""
        seen = await asyncio.gather(
            *(self.ears[who].until(others.split()) for who, others in hears.items())
        )
        for who, others in hears.items():
            if others and self.ears[who].hears == frozenset(others.split()):
                name = who.partition("_")[0]
                self.trace.note(self.ears[who].since, name, f"hears {others.replace(' ', ', ')}")
        self.outcome.claim(text, all(seen))

    async def timed(self, text: str, work: Awaitable[None], **hears: str) -> None:
        """Do this, and tell how long it took until all heard what they should."""
        began = time.time()
        await work
        await self.claim(text, **hears)
        lasted = max(self.ears[who].since for who in hears) - began
        self.outcome.claim(f"{1000 * lasted:.0f} ms from the command until all hear that", True)


_Story = Callable[[_Three], Awaitable[None]]


async def _conference(three: _Three) -> None:
    await three.timed(
        "in the conference each hears the two others, and not itself",
        three.with_carol.merge_calls(three.with_bob),
        alice_2="bob carol",
        bob="alice carol",
        carol="alice bob",
    )
    three.outcome.claim("alice's first call ended as merged", _is(three.with_bob, EndReason.MERGED))
    await three.bob.hold()
    await three.claim("while bob holds, the others go on", alice_2="carol", carol="alice")
    await three.bob.resume()
    await three.claim("bob is back", alice_2="bob carol", carol="alice bob")
    await three.with_carol.hangup()
    await three.claim("alice leaves, and the others go on", bob="carol", carol="bob")
    three.outcome.claim(
        "with two left it is an ordinary call again",
        not three.bob.is_group_call and not three.carol.is_group_call,
    )


async def _transfer(three: _Three) -> None:
    await three.timed(
        "bob and carol hear each other, and nobody else",
        three.with_bob.transfer_call(three.with_carol),
        bob="carol",
        carol="bob",
    )
    both = [_is(call, EndReason.TRANSFERRED) for call in (three.with_bob, three.with_carol)]
    three.outcome.claim("both calls of alice ended as transferred", all(both))
    names = three.bob.title == "Carol Clark" and three.carol.title == "Bob Brown"
    three.outcome.claim("bob's phone shows carol, and carol's phone bob", names)


def _is(call: Call, reason: EndReason) -> bool:
    return call.end_reason is reason


# --- the stage ----------------------------------------------------------------------------------


def _demo(title: str, story: _Story) -> int:
    console = Console(highlight=False)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_run(console, title, story))
    except StartErrors as error:
        console.print(f"offhook: {error}", soft_wrap=True)
        return 1


async def _run(console: Console, title: str, story: _Story) -> int:
    people = {person.entry().person_id: person.first_name.lower() for person in DEMO_PEOPLE}
    trace, outcome = CallTrace(people, with_negotiation=False), Outcome()
    with console.status("Starting a phone service on free ports") as status:
        async with local_cloud() as cloud:
            cloud.service.shell.observe(trace.observe)
            status.update(title)
            async with asyncio.timeout(4 * STEP_SECONDS):
                await _play(cloud, trace, outcome, story)
            status.update("Stopping")
    show(console, ["alice", CLOUD, "bob", "carol"], trace, outcome)
    return 0 if all(is_true for _, is_true in outcome.claims) else 1


async def _play(cloud: LocalCloud, trace: CallTrace, outcome: Outcome, story: _Story) -> None:
    async with AsyncExitStack() as stack:
        phones = {
            who: await stack.enter_async_context(phone_of(cloud, who))
            for who in ("alice", "bob", "carol")
        }
        waiting = asyncio.create_task(next_call(phones["bob"]), name="demo-bob")
        number = cloud.person("bob").extension
        with_bob = await phones["alice"].phone.dial_phone_number(number, _media("alice"))
        at_bob = await asyncio.wait_for(waiting, STEP_SECONDS)
        await at_bob.answer(_media("bob"))
        await with_bob.connected()
        waiting = asyncio.create_task(next_call(phones["carol"]), name="demo-carol")
        with_carol = await with_bob.start_associated_call(
            cloud.person("carol").extension, CallAssociationType.UNDEFINED, _media("alice")
        )
        at_carol = await asyncio.wait_for(waiting, STEP_SECONDS)
        await at_carol.answer(_media("carol"))
        await with_carol.connected()
        three = _Three(trace, outcome, [with_bob, with_carol, at_bob, at_carol])
        ears = {"alice": with_bob, "alice_2": with_carol, "bob": at_bob, "carol": at_carol}
        for who, call in ears.items():
            three.ears[who] = await stack.enter_async_context(voices(call))
        await three.claim(
            "while alice asks carol, bob hears neither of them",
            alice_2="carol",
            carol="alice",
            bob="",
        )
        await story(three)


def _media(who: str) -> MediaOption:
    return MediaOption.audio_only(source=f"tone:{TONES[who]:g}")
