"""`offhook call` and `offhook answer`: the SDK from the shell."""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Coroutine
from typing import Any

from offhook import (
    Call,
    CallHoldStateChangedEvent,
    CallStatus,
    Direction,
    DTMFReceivedEvent,
    EndReason,
    InitializationError,
    InvalidApiError,
    NetworkError,
    NotAuthorizedError,
    RingingEvent,
    TokenAuthenticator,
    Webex,
    WebexError,
    WebexUCLoginDelegate,
    WebSocketError,
)
from offhook.cli.audio import Audio
from offhook.cli.exit_codes import ExitCode
from offhook.cli.known_clouds import (
    KnownCloud,
    UnknownCloudError,
    UnknownPersonError,
    recall,
)
from offhook.cli.report import Report
from offhook.media.spectrum import dominant_tone

#: What `offhook` waits for a cloud to take a line, in seconds.
SIGN_IN_TIMEOUT = 15.0

_ENDINGS: dict[EndReason, tuple[ExitCode, str]] = {
    EndReason.BUSY: (ExitCode.BUSY, "busy"),
    EndReason.NO_ANSWER: (ExitCode.NO_ANSWER, "nobody answered"),
    EndReason.REJECTED: (ExitCode.REJECTED, "the call was declined"),
    EndReason.NOT_FOUND: (ExitCode.NOT_FOUND, "there is no such number"),
    EndReason.UNAVAILABLE: (ExitCode.NOT_FOUND, "the person cannot be reached"),
    EndReason.MEDIA_LOST: (ExitCode.MEDIA_LOST, "the audio was lost"),
    EndReason.ANSWERED_ELSEWHERE: (ExitCode.CONNECTED, "answered on another device"),
}


@contextlib.asynccontextmanager
async def signed_in(
    cloud_url: str, who: str, report: Report, *, delegate: WebexUCLoginDelegate | None = None
) -> AsyncIterator[Webex]:
    """A `Webex` whose phone services are ready, as the person `who`; `delegate` is told of them.

    Raises `UnknownCloudError` if no token can be found, `WebexError` if the cloud refuses.
    """
    token, cloud = _find_token(cloud_url, who)
    ca = cloud.ca if cloud else os.environ.get("OFFHOOK_CA")
    report.status(f"Signing in to {cloud_url}")
    webex = Webex(TokenAuthenticator(token), cloud=cloud_url, ca=ca)
    webex.delegate = delegate
    async with webex:
        await webex.phone.ready(timeout=SIGN_IN_TIMEOUT)
        yield webex


def _find_token(cloud_url: str, who: str) -> tuple[str, KnownCloud | None]:
    token = os.environ.get("OFFHOOK_TOKEN")
    if token:
        return token, None
    cloud = recall(cloud_url, os.environ)
    person = cloud.find(who)
    if person is None:
        names = ", ".join(person.name.split()[0].lower() for person in cloud.people)
        raise UnknownPersonError(f"{who} is not a person of {cloud_url}; it has {names}")
    return person.token, cloud


async def call(
    number: str,
    *,
    who: str,
    cloud_url: str,
    audio: Audio,
    seconds: float | None,
    dtmf: str,
    report: Report,
) -> ExitCode:
    """Call `number` and stay until `seconds` have passed or the other side hangs up."""
    try:
        option = audio.option()
    except InvalidApiError as error:
        report.event("failed", f"offhook: {error}", exit_code=int(ExitCode.FAILED))
        return ExitCode.FAILED
    async with signed_in(cloud_url, who, report) as webex:
        if "@" in number or number.startswith("sip:"):
            placed = await webex.phone.dial(number, option)
        else:
            placed = await webex.phone.dial_phone_number(number, option)
        report.event("dialled", f"Calling {number}", number=number, call_id=placed.call_id)
        async with placed:
            try:
                return await _follow(placed, report, seconds=seconds, dtmf=dtmf)
            except asyncio.CancelledError:
                report.event("interrupted", "Hanging up", exit_code=int(ExitCode.INTERRUPTED))
                raise


async def answer(*, who: str, cloud_url: str, audio: Audio, once: bool, report: Report) -> ExitCode:
    """Answer calls as they come, one after the other; only the first with `once`."""
    async with signed_in(cloud_url, who, report) as webex:
        me = await webex.people.get_me()
        report.event("ready", f"{me.display_name} is ready for calls", person=me.display_name)
        async for incoming in webex.phone.incoming_calls():
            name = incoming.title or incoming.caller_number or "somebody"
            report.event(
                "incoming",
                f"{name} calls",
                caller=incoming.title,
                number=incoming.caller_number,
                call_id=incoming.call_id,
            )
            async with incoming:
                outcome = await _take(incoming, audio, report)
            if once:
                return outcome
    return ExitCode.CONNECTED


async def _take(incoming: Call, audio: Audio, report: Report) -> ExitCode:
    try:
        await incoming.answer(audio.option())
    except WebexError as error:
        report.event("failed", str(error), code=error.code.name)
        return ExitCode.FAILED
    return await _follow(incoming, report, seconds=None, dtmf="")


async def _follow(current: Call, report: Report, *, seconds: float | None, dtmf: str) -> ExitCode:
    """Show the call until it ends; hang up after `seconds` of talk."""
    showing = asyncio.gather(_show(current, report), _watch(current, report))
    try:
        try:
            await current.connected()
        except WebexError:
            if current.end_reason is None:
                raise
            return _ended(current, report, talked=None)
        started = time.monotonic()
        report.event(
            "connected",
            f"Connected to {current.title or current.caller_number or 'the other side'}",
            party=current.title,
            number=current.caller_number,
            tracking_id=current.external_tracking_id,
        )
        if dtmf:
            await current.send_dtmf(dtmf)
            report.event("dtmf_sent", f"Sent {dtmf}", digits=dtmf)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await current.ended()
        if current.end_reason is None:
            await current.hangup()
        return _ended(current, report, talked=time.monotonic() - started)
    finally:
        showing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await showing


def _ended(current: Call, report: Report, *, talked: float | None) -> ExitCode:
    reason = current.end_reason
    code, text = ExitCode.CONNECTED, "the call is over"
    if talked is None or reason is EndReason.MEDIA_LOST:
        known = _ENDINGS.get(reason) if reason else None
        code, text = known or (ExitCode.FAILED, "the call failed")
    lasted = f" after {talked:.0f} s" if talked is not None else ""
    report.event(
        "ended",
        f"Ended{lasted}: {text}",
        reason=reason,
        seconds=round(talked, 2) if talked is not None else None,
        quality=current.quality,
        exit_code=int(code),
    )
    return code


async def _watch(current: Call, report: Report) -> None:
    """Say what happens to the call meanwhile."""
    async for event in current.events():
        match event:
            case DTMFReceivedEvent(digit=digit):
                report.event("dtmf", f"Pressed {digit}", digit=digit)
            case CallHoldStateChangedEvent(hold_resume_info=info):
                report.event("hold", "On hold" if info.is_on_hold else "Resumed")
            case RingingEvent() if _is_rung(current):
                report.event("ringing", "Ringing")
            case _:
                continue


def _is_rung(current: Call) -> bool:
    """Whether the other side rings: not ours, and not any more when it was answered at once."""
    return current.direction is Direction.OUTGOING and current.status is not CallStatus.CONNECTED


async def _show(current: Call, report: Report) -> None:
    """Ringing, and what is heard, while the call goes on."""
    ringing_since = time.monotonic()
    talking = asyncio.create_task(current.connected(), name="offhook-connected")
    try:
        while not talking.done():
            report.status(f"Ringing for {time.monotonic() - ringing_since:.0f} s")
            await asyncio.wait({talking}, timeout=1.0)
        if talking.exception() is not None:
            return
        heard_before = 0
        async for block in current.audio.frames(8_000, block_ms=500):
            tone = dominant_tone(block, 8_000)
            heard = round(tone.frequency) if tone is not None else None
            report.status(f"Hearing {heard} Hz" if heard else "Connected")
            # A tone is measured a little differently each time.
            if heard and abs(heard - heard_before) > max(0.01 * heard_before, 2):
                report.event("hearing", f"Hearing {heard} Hz", frequency=heard)
            heard_before = heard or 0
    finally:
        talking.cancel()
        await asyncio.gather(talking, return_exceptions=True)


async def guarded(work: Coroutine[Any, Any, ExitCode], report: Report) -> ExitCode:
    """The outcome of `work`; what goes wrong is said in a sentence and becomes an exit code."""
    try:
        return await work
    except UnknownPersonError as error:
        report.event("failed", f"offhook: {error}", exit_code=int(ExitCode.NOT_SIGNED_IN))
        return ExitCode.NOT_SIGNED_IN
    except UnknownCloudError as error:
        report.event("failed", f"offhook: {error}", exit_code=int(ExitCode.NO_SERVICE))
        return ExitCode.NO_SERVICE
    except WebexError as error:
        code = _outcome_of(error)
        report.event("failed", f"offhook: {error}", code=error.code.name, exit_code=int(code))
        return code
    finally:
        report.close()


def _outcome_of(error: WebexError) -> ExitCode:
    """The exit code of a call that could not even be placed."""
    match error:
        case InvalidApiError():
            return ExitCode.NOT_A_NUMBER
        case NotAuthorizedError():
            return ExitCode.NOT_SIGNED_IN
        case NetworkError() | WebSocketError() | InitializationError():
            return ExitCode.NO_SERVICE
        case _:
            return ExitCode.FAILED
