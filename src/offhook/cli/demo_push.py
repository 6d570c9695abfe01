"""`offhook demo --push`: a phone that sleeps is woken by a push, rings and talks.

Everything is real but Apple, for whom a server stands in that speaks and checks as Apple does. The
ladder goes through the webhook and the push, and its times are those at which things happened.
"""

import asyncio
import secrets
import time

import uvloop
from rich.console import Console

from offhook import Call, MediaOption, TokenAuthenticator, Webex
from offhook.cli import sleeping_phone
from offhook.cli.call_trace import CLOUD, CallTrace
from offhook.cli.proof import STEP_SECONDS, TONES, Outcome, listening, show
from offhook.cli.serve import StartErrors
from offhook.cli.up import known
from offhook.engine.wakeup.ring_windows import Effect, SendPush, Transition
from offhook.service.directory.demo import DEMO_PEOPLE
from offhook.testing import LocalCloud, local_cloud
from offhook.testing.apns import ReceivedPush
from offhook.testing.push import LocalPush, local_push

_BACKEND, _APPLE = "backend", "apple"


def demo_push() -> int:
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
    with console.status("Starting a phone service and a push backend on free ports") as status:
        async with local_cloud() as cloud, local_push(cloud) as push:
            cloud.service.shell.observe(trace.observe)
            cloud.service.wakeup.observe(lambda at, effect: _window(trace, at, effect))
            push.observers.append(lambda received: _pushed(trace, received))
            status.update("alice calls bob, whose phone sleeps")
            await _story(cloud, push, trace, outcome)
            status.update("Stopping")
    show(console, ["alice", CLOUD, _BACKEND, _APPLE, "bob"], trace, outcome)
    return 0 if all(is_true for _, is_true in outcome.claims) else 1


def _window(trace: CallTrace, at: float, effect: Effect) -> None:
    match effect:
        case SendPush(count=count):
            trace.message(at, CLOUD, _BACKEND, f"webhook {count}")
        case Transition(old=old, new=new):
            trace.note(at, CLOUD, f"ring window: {old}, {new}")
        case _:
            return


def _pushed(trace: CallTrace, received: ReceivedPush) -> None:
    trace.message(received.at, _BACKEND, _APPLE, "VoIP push")


async def _story(cloud: LocalCloud, push: LocalPush, trace: CallTrace, outcome: Outcome) -> None:
    bob = cloud.person("bob")
    names = known(cloud, push)
    token = secrets.token_hex(32)
    async with (
        sleeping_phone.session() as session,
        sleeping_phone.courier(session, names, token) as pushes,
        Webex(TokenAuthenticator(cloud.person("alice").token), cloud=cloud.http) as alice,
    ):
        await sleeping_phone.register(session, names, bob.token, secrets.token_hex(16), token)
        await alice.phone.ready(STEP_SECONDS)
        lines = len(cloud.service.lines)
        outcome.claim("bob's phone sleeps: only alice has a line", lines == 1)
        dialled = time.time()
        outgoing = await alice.phone.dial_phone_number(bob.extension, _media("alice"))
        payload = await asyncio.wait_for(anext(pushes), STEP_SECONDS)
        trace.message(time.time(), _APPLE, "bob", "push")
        async with outgoing, asyncio.timeout(2 * STEP_SECONDS):
            await _woken(cloud, payload, outgoing, trace, outcome, dialled)
    one = {outgoing.external_tracking_id} | trace.tracking_ids
    outcome.claim("one tracking id through webhook, push and call", len(one) == 1)


async def _woken(
    cloud: LocalCloud,
    payload: str,
    outgoing: Call,
    trace: CallTrace,
    outcome: Outcome,
    dialled: float,
) -> None:
    bob = Webex(TokenAuthenticator(cloud.person("bob").token), cloud=cloud.http)
    try:
        info = bob.parse_voip_payload(payload)
        trace.note(time.time(), "bob", "woken")
        outcome.claim(
            f"the push names the caller, {info.name}, before the phone is connected",
            info.name == cloud.person("alice").name,
        )
        trace.tracking_ids.add(info.external_tracking_id)
        calls = bob.phone.incoming_calls()
        await bob.phone.process_push_notification(payload)
        incoming = await anext(calls)
        ringing = time.time()
        outcome.claim(f"{1000 * (ringing - dialled):.0f} ms from dialling to ringing", True)
        async with incoming:
            await incoming.answer(_media("bob"))
            await outgoing.connected()
            async with (
                listening(outgoing, "bob") as at_alice,
                listening(incoming, "alice") as at_bob,
            ):
                outcome.claim("alice hears bob's tone, 880 Hz", await at_alice.until(True))
                outcome.claim("bob hears alice's tone, 440 Hz", await at_bob.until(True))
                for who, ear in (("alice", at_alice), ("bob", at_bob)):
                    if ear.first_heard is not None:
                        trace.note(ear.first_heard, who, f"hears {ear.tone:.0f} Hz")
            await outgoing.hangup()
            await incoming.ended()
    finally:
        await bob.close()


def _media(who: str) -> MediaOption:
    return MediaOption.audio_only(source=f"tone:{TONES[who]:g}")
