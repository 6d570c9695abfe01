"""`offhook demo`: the whole thing in half a minute, and the proof that it works.

Starts a cloud on free ports, lets alice call bob with a tone of their own each, holds and resumes,
and draws what really happened: the ladder is recorded at the exchange, what each side heard is
measured in the audio that it received.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvloop
from rich.console import Console

from offhook import Call, MediaOption, TokenAuthenticator, Webex
from offhook.cli.call_trace import CLOUD, CallTrace
from offhook.cli.proof import STEP_SECONDS, TONES, Ear, Outcome, listening, show
from offhook.cli.serve import StartErrors
from offhook.service.directory.demo import DEMO_PEOPLE
from offhook.testing import LocalCloud, local_cloud


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
    show(console, ["alice", CLOUD, "bob"], trace, outcome)
    return 0 if all(is_true for _, is_true in outcome.claims) else 1


async def _story(cloud: LocalCloud, trace: CallTrace, outcome: Outcome) -> None:
    async with phone_of(cloud, "alice") as alice, phone_of(cloud, "bob") as bob:
        number = cloud.person("bob").extension
        waiting = asyncio.create_task(next_call(bob), name="demo-bob")
        outgoing = await alice.phone.dial_phone_number(number, _media("alice"))
        incoming = await asyncio.wait_for(waiting, STEP_SECONDS)
        async with outgoing, incoming:
            answered = time.time()
            await incoming.answer(_media("bob"))
            await outgoing.connected()
            async with (
                listening(outgoing, "bob") as at_alice,
                listening(incoming, "alice") as at_bob,
            ):
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
            await asyncio.wait_for(incoming.ended(), STEP_SECONDS)
        outcome.claim("one tracking id from end to end", len(trace.tracking_ids) == 1)


@asynccontextmanager
async def phone_of(cloud: LocalCloud, who: str) -> AsyncIterator[Webex]:
    """Somebody's phone, ready for calls."""
    token = cloud.person(who).token
    async with Webex(TokenAuthenticator(token), cloud=cloud.http) as webex:
        await webex.phone.ready(STEP_SECONDS)
        yield webex


async def next_call(webex: Webex) -> Call:
    """The next call that comes in."""
    return await anext(webex.phone.incoming_calls())


def _media(who: str) -> MediaOption:
    return MediaOption.audio_only(source=f"tone:{TONES[who]:g}")


def _heard(trace: CallTrace, who: str, ear: Ear) -> None:
    if ear.first_heard is not None:
        trace.note(ear.first_heard, who, f"hears {ear.tone:.0f} Hz")
