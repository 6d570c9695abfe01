"""`offhook phone`: a phone on a desk, which rings and is answered in the terminal.

With ``--asleep`` it is what a phone in a pocket is: its app does not run at all. It has told the
push backend its token, and waits for nothing but a push. When one comes the app starts from
nothing, signs in, takes the call that it was woken for, and goes to sleep again afterwards.
"""

import asyncio
import contextlib
import hashlib
import os
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import msgspec

from offhook import (
    CallEndedError,
    InvalidApiError,
    NetworkError,
    NotAuthorizedError,
    PushNotificationResult,
    ServiceError,
    TokenAuthenticator,
    Webex,
    WebexError,
)
from offhook.cli.calling import Audio, signed_in
from offhook.cli.desk_phone import DeskCall, words_for
from offhook.cli.exit_codes import ExitCode
from offhook.cli.keys import Keys
from offhook.cli.known_clouds import KnownCloud, UnknownPersonError, recall
from offhook.cli.report import Report

#: The app that a desk phone is, as `offhook up` has set up its push backend.
DESK_APP = "org.offhook.desk"
_BACKEND_SECONDS = 10.0
_RETRY_SECONDS = 2.0
#: How long an app that was woken may take to have its call ring.
_WAKE_SECONDS = 20.0


class _Arrived(msgspec.Struct):
    payload: str
    expires: float = 0.0


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
    token = secrets.token_hex(32)
    installation = hashlib.sha256(f"{person.email}:desk".encode()).hexdigest()[:32]
    async with aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=_BACKEND_SECONDS)
    ) as session:
        async with _courier(session, cloud, token) as pushes:
            await _register(session, cloud, person.token, installation, token)
            report.event("asleep", f"{person.name}'s phone is asleep, waiting for a push")
            async for push in pushes:
                await _woken(desk, cloud, person.token, push, report, keys)
                if desk.once:
                    break
                report.event("asleep", "Asleep again")
        await _unregister(session, cloud, person.token, installation)
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


@contextlib.asynccontextmanager
async def _courier(
    session: aiohttp.ClientSession, cloud: KnownCloud, token: str
) -> AsyncIterator[AsyncIterator[str]]:
    """The payloads of pushes for `token`; connected before this returns, and again when lost."""
    url = f"{cloud.courier}/courier/{token}"
    socket = await _connected(session, url)

    async def payloads() -> AsyncIterator[str]:
        nonlocal socket
        while True:
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    arrived = msgspec.json.decode(message.data, type=_Arrived)
                    if arrived.expires > time.time():
                        yield arrived.payload
            await asyncio.sleep(_RETRY_SECONDS)
            socket = await _connected(session, url)

    try:
        yield payloads()
    finally:
        await socket.close()


async def _connected(session: aiohttp.ClientSession, url: str) -> aiohttp.ClientWebSocketResponse:
    try:
        return await session.ws_connect(url, heartbeat=_BACKEND_SECONDS)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise NetworkError("The cloud's push service cannot be reached; is it still up?") from error


async def _register(
    session: aiohttp.ClientSession, cloud: KnownCloud, who: str, installation: str, token: str
) -> None:
    body = {"provider": "apns", "token": token, "app": DESK_APP, "environment": "sandbox"}
    await _tell_backend(session, "PUT", cloud, who, installation, body)


async def _unregister(
    session: aiohttp.ClientSession, cloud: KnownCloud, who: str, installation: str
) -> None:
    await _tell_backend(session, "DELETE", cloud, who, installation, None)


async def _tell_backend(
    session: aiohttp.ClientSession,
    method: str,
    cloud: KnownCloud,
    who: str,
    installation: str,
    body: dict[str, str] | None,
) -> None:
    url = f"{cloud.push}/v1/devices/{installation}"
    headers = {"authorization": f"Bearer {who}"}
    try:
        async with session.request(method, url, json=body, headers=headers) as answer:
            if answer.status == 401:
                raise NotAuthorizedError("The push backend does not know this person.")
            if answer.status >= 300:
                raise ServiceError(
                    f"The push backend answered {answer.status}; look into its log.", answer.status
                )
    except (aiohttp.ClientError, TimeoutError) as error:
        raise NetworkError("The push backend cannot be reached; is the cloud still up?") from error
