"""`offhook phone`: a phone in the terminal, with two calls in view and a key for everything.

With ``--asleep`` it is what a phone in a pocket is: its app does not run at all. It has told the
push backend its token, and waits for nothing but a push. When one comes the app starts from
nothing, signs in, takes the call that it was woken for, and goes to sleep again when all calls are
over.
"""

import asyncio
import os
import secrets
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from offhook import (
    CallEndedError,
    InvalidApiError,
    PushNotificationResult,
    TokenAuthenticator,
    Webex,
    WebexError,
)
from offhook.cli import sleeping_phone
from offhook.cli.audio import Audio
from offhook.cli.calling import guarded, signed_in
from offhook.cli.desk.endings import words_for
from offhook.cli.desk.phone import DeskPhone, ServicesWatch
from offhook.cli.desk.plain import drive
from offhook.cli.desk.screen import Notes, can_have_a_screen, show
from offhook.cli.desk.view import Services
from offhook.cli.exit_codes import ExitCode
from offhook.cli.known_clouds import KnownCloud, KnownPerson, UnknownPersonError, recall
from offhook.cli.report import JsonReport, Report, TerminalReport
from offhook.cli.signals import until_signal
from offhook.wire.phone_number import format_for_people

#: How long an app that was woken may take to have its call ring.
_WAKE_SECONDS = 20.0
#: How long the phone may take to end its calls and to sign out.
_LEAVE_SECONDS = 12.0


@dataclass(frozen=True, slots=True)
class Desk:
    """Whose phone it is, and how it behaves."""

    who: str
    cloud_url: str
    audio: Audio
    answers: bool
    remote_answer: bool
    once: bool
    asleep: bool


async def phone(desk: Desk, *, as_json: bool) -> ExitCode:
    """Have a phone until it is put away; until its first calls are over with `once`."""
    console = Console(highlight=False)
    if not as_json and can_have_a_screen(console):
        notes = Notes()
        code = await guarded(_phone(desk, notes, console), notes)
        if code is not ExitCode.CONNECTED and notes.kept:
            console.print(notes.kept[-1].text, soft_wrap=True, markup=False)
        return code
    report: Report = JsonReport() if as_json else TerminalReport(console)
    return await guarded(_phone(desk, report, None), report)


async def _phone(desk: Desk, report: Report, console: Console | None) -> ExitCode:
    try:
        await desk.audio.try_out()
    except WebexError as error:
        report.event("failed", f"offhook: {error}", exit_code=int(ExitCode.FAILED))
        return ExitCode.FAILED
    device = DeskPhone(desk.audio.option, report, answers=desk.answers)
    if isinstance(report, Notes) and console is not None:
        front = show(device, report, console)
    else:
        front = drive(device, report)
    life = _asleep(desk, device, report) if desk.asleep else _awake(desk, device, report)
    return await _until_put_away(device, life, front)


async def _until_put_away(
    device: DeskPhone, life: Coroutine[Any, Any, None], front: Coroutine[Any, Any, None]
) -> ExitCode:
    """Live until that is over by itself, or the person or a signal puts the phone away."""
    with until_signal() as stopped:
        living = asyncio.create_task(life, name="desk-life")
        fronting = asyncio.create_task(front, name="desk-front")
        away = asyncio.create_task(device.put_away(), name="desk-away")
        stopping = asyncio.create_task(stopped.wait(), name="desk-signal")
        tasks = {living, fronting, away, stopping}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            device.leave()
            if not device.runs:
                living.cancel()  # It signs in or sleeps; there is nothing to end.
            await asyncio.wait({living}, timeout=_LEAVE_SECONDS)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
    for task in (living, fronting):
        if not task.cancelled():
            task.result()
    return ExitCode.CONNECTED


async def _awake(desk: Desk, device: DeskPhone, report: Report) -> None:
    watch = ServicesWatch(device)
    async with signed_in(desk.cloud_url, desk.who, report, delegate=watch) as webex:
        me = await webex.people.get_me()
        device.belongs_to(me.display_name, _numbers_of(_known_here(desk)))
        report.event("ready", f"{me.display_name} is ready for calls", person=me.display_name)
        if desk.remote_answer:
            webex.phone.set_remote_answer(desk.audio.option)
        await device.run(webex, once=desk.once)


async def _asleep(desk: Desk, device: DeskPhone, report: Report) -> None:
    cloud = recall(desk.cloud_url, os.environ)
    person = cloud.find(desk.who)
    if person is None:
        raise UnknownPersonError(f"{desk.who} is not a person of {desk.cloud_url}")
    if not cloud.push or not cloud.courier:
        raise InvalidApiError(
            "This cloud has no push backend, so nothing would wake the phone; leave --asleep out."
        )
    device.belongs_to(person.name, _numbers_of(person))
    token, installation = secrets.token_hex(32), secrets.token_hex(16)
    async with (
        sleeping_phone.session() as session,
        sleeping_phone.courier(session, cloud, token) as pushes,
    ):
        await sleeping_phone.register(session, cloud, person.token, installation, token)
        try:
            device.stands(Services.ASLEEP)
            report.event("asleep", f"{person.name}'s phone is asleep, waiting for a push")
            async for push in pushes:
                await _woken(desk, cloud, person, push, device, report)
                device.stands(Services.ASLEEP)
                if desk.once or device.is_put_away:
                    break
                report.event("asleep", "Asleep again")
        finally:
            await sleeping_phone.unregister(session, cloud, person.token, installation)


async def _woken(
    desk: Desk,
    cloud: KnownCloud,
    person: KnownPerson,
    push: str,
    device: DeskPhone,
    report: Report,
) -> None:
    """The app starts from nothing, because of this push."""
    started = time.monotonic()
    webex = Webex(TokenAuthenticator(person.token), cloud=desk.cloud_url, ca=cloud.ca or None)
    webex.delegate = ServicesWatch(device)
    info = webex.parse_voip_payload(push)
    device.stands(Services.WAKING)
    report.event(
        "woken",
        f"A push: {info.name or info.number} calls",
        caller=info.name,
        number=info.number,
        tracking_id=info.external_tracking_id,
    )
    try:
        async with asyncio.timeout(_WAKE_SECONDS):
            result = await webex.phone.process_push_notification(push)
        if result is not PushNotificationResult.NO_ERROR:
            report.event("failed", f"The push was not taken: {result}", result=result)
            return
        milliseconds = (time.monotonic() - started) * 1000
        report.event(
            "awake", f"Awake after {milliseconds:.0f} ms", milliseconds=round(milliseconds, 1)
        )
        if not await device.run(webex, once=True, patience=_WAKE_SECONDS):
            report.event("failed", "The phone woke, and the call was gone.")
    except CallEndedError as error:
        report.event("missed", f"Too late: {words_for(error.reason)}", reason=error.reason)
    except (WebexError, TimeoutError) as error:
        report.event("failed", f"The phone woke and could not ring: {error}")
    finally:
        await webex.close()


def _known_here(desk: Desk) -> KnownPerson | None:
    if os.environ.get("OFFHOOK_TOKEN"):
        return None  # Whoever the token belongs to, `--as` does not say it.
    return recall(desk.cloud_url, os.environ).find(desk.who)


def _numbers_of(person: KnownPerson | None) -> str:
    """The numbers of the person, as far as they are known on this machine."""
    if person is None:
        return ""
    return " · ".join(filter(None, [person.extension, format_for_people(person.number)]))
