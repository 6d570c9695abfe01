"""`offhook phone`: a phone on a desk, which rings and is answered in the terminal.

With ``--asleep`` it is what a phone in a pocket is: its app does not run at all. It has told the
push backend its token, and waits for nothing but a push. When one comes the app starts from
nothing, signs in, takes the call that it was woken for, and goes to sleep again afterwards.
"""

import asyncio
import os
import secrets
import time
from dataclasses import dataclass

from offhook import (
    CallEndedError,
    InvalidApiError,
    PushNotificationResult,
    TokenAuthenticator,
    Webex,
    WebexError,
)
from offhook.cli import sleeping_phone
from offhook.cli.calling import Audio, signed_in
from offhook.cli.desk_phone import DeskCall, words_for
from offhook.cli.exit_codes import ExitCode
from offhook.cli.keys import Keys
from offhook.cli.known_clouds import KnownCloud, UnknownPersonError, recall
from offhook.cli.report import Report

#: How long an app that was woken may take to have its call ring.
_WAKE_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Desk:
    """Whose phone it is, and how it behaves."""

    who: str
    cloud_url: str
    audio: Audio
    answer_at_once: bool
    once: bool


async def phone(desk: Desk, *, asleep: bool, report: Report) -> ExitCode:
    """Ring for calls until interrupted; until the first one is over with `once`."""
    try:
        desk.audio.option()
    except InvalidApiError as error:
        report.event("failed", f"offhook: {error}", exit_code=int(ExitCode.FAILED))
        return ExitCode.FAILED
    async with Keys().listening() as keys:
        if asleep:
            return await _asleep(desk, report, keys)
        return await _awake(desk, report, keys)


async def _awake(desk: Desk, report: Report, keys: Keys) -> ExitCode:
    async with signed_in(desk.cloud_url, desk.who, report) as webex:
        me = await webex.people.get_me()
        report.event("ready", f"{me.display_name} is ready for calls", person=me.display_name)
        async for call in webex.phone.incoming_calls():
            async with call:
                await DeskCall(call, desk.audio.option(), report, keys).run(
                    answer_at_once=desk.answer_at_once
                )
            if desk.once:
                return ExitCode.CONNECTED
    return ExitCode.CONNECTED


async def _asleep(desk: Desk, report: Report, keys: Keys) -> ExitCode:
    cloud = recall(desk.cloud_url, os.environ)
    person = cloud.find(desk.who)
    if person is None:
        raise UnknownPersonError(f"{desk.who} is not a person of {desk.cloud_url}")
    if not cloud.push or not cloud.courier:
        raise InvalidApiError(
            "This cloud has no push backend, so nothing would wake the phone; leave --asleep out."
        )
    token, installation = secrets.token_hex(32), secrets.token_hex(16)
    async with (
        sleeping_phone.session() as session,
        sleeping_phone.courier(session, cloud, token) as pushes,
    ):
        await sleeping_phone.register(session, cloud, person.token, installation, token)
        try:
            report.event("asleep", f"{person.name}'s phone is asleep, waiting for a push")
            async for push in pushes:
                await _woken(desk, cloud, person.token, push, report, keys)
                if desk.once:
                    break
                report.event("asleep", "Asleep again")
        finally:
            await sleeping_phone.unregister(session, cloud, person.token, installation)
    return ExitCode.CONNECTED


async def _woken(
    desk: Desk, cloud: KnownCloud, token: str, push: str, report: Report, keys: Keys
) -> None:
    """The app starts from nothing, because of this push."""
    started = time.monotonic()
    webex = Webex(TokenAuthenticator(token), cloud=desk.cloud_url, ca=cloud.ca or None)
    info = webex.parse_voip_payload(push)
    report.event(
        "woken",
        f"A push: {info.name or info.number} calls",
        caller=info.name,
        number=info.number,
        tracking_id=info.external_tracking_id,
    )
    try:
        calls = webex.phone.incoming_calls()
        async with asyncio.timeout(_WAKE_SECONDS):
            result = await webex.phone.process_push_notification(push)
        if result is not PushNotificationResult.NO_ERROR:
            report.event("failed", f"The push was not taken: {result}", result=result)
            return
        async with asyncio.timeout(_WAKE_SECONDS):
            call = await anext(calls)
        report.event(
            "awake",
            f"Awake after {(time.monotonic() - started) * 1000:.0f} ms",
            milliseconds=round((time.monotonic() - started) * 1000, 1),
        )
        async with call:
            await DeskCall(call, desk.audio.option(), report, keys).run(
                answer_at_once=desk.answer_at_once
            )
    except CallEndedError as error:
        report.event("missed", f"Too late: {words_for(error.reason)}", reason=error.reason)
    except (WebexError, TimeoutError) as error:
        report.event("failed", f"The phone woke and could not ring: {error}")
    finally:
        await webex.close()
