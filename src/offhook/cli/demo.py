"""`offhook demo`: the whole thing in half a minute, and the proof that it works.

Starts a cloud on free ports, lets alice call bob with a tone of their own each, holds and resumes,
and draws what really happened: the ladder is recorded at the exchange, what each side heard is
measured in the audio that it received.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import uvloop
from rich.console import Console

from offhook import Call, MediaOption, TokenAuthenticator, Webex
from offhook.cli.call_trace import CLOUD, CallTrace
from offhook.cli.ladder import draw
from offhook.cli.up import StartErrors
from offhook.media.samples import Samples
from offhook.media.spectrum import has_tone
from offhook.service.directory.demo import DEMO_PEOPLE
from offhook.testing import LocalCloud, local_cloud

_TONES = {"alice": 440.0, "bob": 880.0}
_RATE = 8_000
_BLOCK_MS = 40
_STEP_SECONDS = 15.0


@dataclass
class Ear:
    """What one side hears: since when it hears the other's tone, and whether it does now."""

    tone: float
    first_heard: float | None = None
    hears: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, block: Samples) -> None:
        """Listen to int16 [n] at 8000 Hz."""
        hears = has_tone(block, _RATE, self.tone, share=0.5)
        if hears and self.first_heard is None:
            self.first_heard = time.time()
        if hears != self.hears:
            self.hears = hears
            self.changed.set()

    async def until(self, hears: bool) -> bool:
        """Whether it comes to hear the tone, or not to hear it, before it is given up."""
        try:
            async with asyncio.timeout(_STEP_SECONDS):
                while self.hears is not hears:
                    self.changed.clear()
                    await self.changed.wait()
        except TimeoutError:
            return False
        return True


@dataclass
class Outcome:
    """What is claimed at the end, each with whether it is true."""

    claims: list[tuple[str, bool]] = field(default_factory=list)

    def claim(self, text: str, is_true: bool) -> None:
        """Add a claim."""
        self.claims.append((text, is_true))


def demo() -> int:
    """Run it. 0 if everything that it shows is as it should be."""
    console = Console(highlight=False)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_demo(console))
    except StartErrors as error:
        console.print(f"offhook: {error}", soft_wrap=True)
        return 1


async def _demo(console: Console) -> int:
    people = {person.entry().person_id: person.first_name.lower() for person in DEMO_PEOPLE}
    trace, outcome = CallTrace(people), Outcome()
    with console.status("Starting a phone service on free ports") as status:
        async with local_cloud() as cloud:
            cloud.service.shell.observe(trace.observe)
            status.update("alice calls bob")
            await _story(cloud, trace, outcome)
            status.update("Stopping")
    _show(console, trace, outcome)
    return 0 if all(is_true for _, is_true in outcome.claims) else 1


async def _story(cloud: LocalCloud, trace: CallTrace, outcome: Outcome) -> None:
    async with _phone(cloud, "alice") as alice, _phone(cloud, "bob") as bob:
        number = cloud.person("bob").extension
        waiting = asyncio.create_task(_next_call(bob), name="demo-bob")
        outgoing = await alice.phone.dial_phone_number(number, _media("alice"))
        incoming = await asyncio.wait_for(waiting, _STEP_SECONDS)
        async with outgoing, incoming:
            answered = time.time()
            await incoming.answer(_media("bob"))
            await outgoing.connected()
            async with _ear(outgoing, "bob") as at_alice, _ear(incoming, "alice") as at_bob:
                both = await at_alice.until(True) and await at_bob.until(True)
                _heard(trace, "alice", at_alice)
                _heard(trace, "bob", at_bob)
                outcome.claim("alice hears bob's tone, 880 Hz", at_alice.hears)
                outcome.claim("bob hears alice's tone, 440 Hz", at_bob.hears)
                if both:
                    latest = max(at_alice.first_heard or 0.0, at_bob.first_heard or 0.0)
                    outcome.claim(f"{1000 * (latest - answered):.0f} ms from answer to both", True)
                await outgoing.hold()
                outcome.claim("on hold bob does not hear alice", await at_bob.until(False))
                await outgoing.resume()
                outcome.claim("after resume bob hears alice again", await at_bob.until(True))
            await outgoing.hangup()
            await asyncio.wait_for(incoming.ended(), _STEP_SECONDS)
        outcome.claim("one tracking id from end to end", len(trace.tracking_ids) == 1)


@asynccontextmanager
async def _phone(cloud: LocalCloud, who: str) -> AsyncIterator[Webex]:
    token = cloud.person(who).token
    async with Webex(TokenAuthenticator(token), cloud=cloud.http) as webex:
        await webex.phone.ready(_STEP_SECONDS)
        yield webex


async def _next_call(webex: Webex) -> Call:
    return await anext(webex.phone.incoming_calls())


def _media(who: str) -> MediaOption:
    return MediaOption.audio_only(source=f"tone:{_TONES[who]:g}")


@asynccontextmanager
async def _ear(call: Call, other: str) -> AsyncIterator[Ear]:
    ear = Ear(_TONES[other])

    async def listen() -> None:
        async for block in call.audio.frames(_RATE, block_ms=_BLOCK_MS):
            ear.take(block)

    listening = asyncio.create_task(listen(), name="demo-ear")
    try:
        yield ear
    finally:
        listening.cancel()
        await asyncio.wait([listening])


def _heard(trace: CallTrace, who: str, ear: Ear) -> None:
    if ear.first_heard is not None:
        trace.note(ear.first_heard, who, f"hears {ear.tone:.0f} Hz")


def _show(console: Console, trace: CallTrace, outcome: Outcome) -> None:
    console.print()
    width = min(console.width - 2, 96)
    steps = sorted(trace.steps, key=lambda step: step.at)
    for line in draw(["alice", CLOUD, "bob"], steps, width=width):
        console.print(line, markup=False, no_wrap=True, overflow="crop")
    console.print()
    for text, is_true in outcome.claims:
        mark = "[green]✓[/]" if is_true else "[red]✗[/]"
        console.print(f"  {mark} {text}")
    console.print()
