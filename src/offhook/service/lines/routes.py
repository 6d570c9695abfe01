"""Mobius discovery and registration over HTTP (wire document, 3.1 to 3.5)."""

import re
from datetime import UTC, datetime
from typing import Any

from litestar import Request, Response, delete, get, post
from litestar.background_tasks import BackgroundTask
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from offhook.engine.exchange.inputs import LineRegistered
from offhook.service.calls.events import SIP_DOMAIN
from offhook.service.calls.shell import ExchangeShell
from offhook.service.config import ServiceConfig
from offhook.service.directory import Directory
from offhook.service.directory.entries import PersonEntry, UnknownPersonError
from offhook.service.identity.principal import Principal, SignedIn
from offhook.service.lines.refusal import refusal
from offhook.service.lines.registry import (
    Line,
    LineRegistry,
    RegistryFullError,
    TooManyLinesError,
)
from offhook.serving.errors import ApiError
from offhook.serving.origin import Origins
from offhook.serving.rate import RateLimit
from offhook.wire.body import read_body
from offhook.wire.mobius import (
    DeviceList,
    Discovery,
    MobiusDevice,
    MobiusError,
    MobiusErrorCode,
    RegisterRequest,
    Registration,
    ServerGroup,
)

# Official clients break on a call for a line that they have not been told of yet. Our own SDK keeps
# such a call until it has been told, and a phone that was woken for one is in a hurry.
_SETTLING = 0.15
_KEEPS_EARLY_CALLS = "offhook/"
_BASE = "/api/v1/calling/web"
_URI = re.compile(r"https?://[!-~]{1,512}/[!-~]{1,512}", re.IGNORECASE)


def own_line(lines: LineRegistry, principal: Principal, line_id: str) -> Line:
    """The line, if it is one of this person's. Raises ApiError 404."""
    line = lines.get(line_id)
    if line is None or line.person_id != principal.person_id:
        raise refusal(
            MobiusErrorCode.DEVICE_NOT_REGISTERED, "This device is not registered; register it."
        )
    return line


def routes(
    config: ServiceConfig,
    origins: Origins,
    lines: LineRegistry,
    shell: ExchangeShell,
    directory: Directory,
) -> list[HTTPRouteHandler]:
    """Everything below ``/api/v1`` that is not about a call."""
    # Ten times what a client sends that keeps to the interval it was told.
    status_limit = RateLimit(20, 2.0 * config.timing.keepalive)
    limits = config.limits
    registrations = RateLimit(limits.registrations, limits.registration_seconds)

    @get(f"{_BASE}/")
    async def discovery(request: Request[Any, Any, Any]) -> Discovery:
        uri = f"{origins.of(request)}/api/v1"
        return Discovery(ServerGroup(config.region, [uri]), ServerGroup(config.region, [uri]))

    @get("/api/v1/ping")
    async def ping() -> dict[str, str]:
        return {}

    @post(f"{_BASE}/device", status_code=200)
    async def register(
        request: Request[Any, Any, Any], principal: SignedIn
    ) -> Response[Registration]:
        registrations.check(principal.person_id)
        body = read_body(await request.body(), RegisterRequest)
        _check(body, principal)
        person = await _person(directory, principal)
        line = _registered(lines, person, body.clientDeviceUri, f"{origins.of(request)}{_BASE}/")
        # A call may ring at once, but official clients know the line only by this answer.
        shell.hold_back(line.line_id)
        shell.submit(LineRegistered(line.line_id, person.party))
        answer = Registration(
            userId=principal.person_id,
            device=_device(line),
            keepaliveInterval=config.timing.keepalive,
            callKeepaliveInterval=config.timing.call_keepalive,
            voicePortalNumber="",
            voicePortalExtension="",
        )
        own_sdk = request.headers.get("spark-user-agent", "").startswith(_KEEPS_EARLY_CALLS)
        settling = 0.0 if own_sdk else _SETTLING
        return Response(answer, background=BackgroundTask(shell.answered, line.line_id, settling))

    @get(f"{_BASE}/devices")
    async def listing(request: Request[Any, Any, Any], principal: SignedIn) -> DeviceList:
        if request.query_params.get("userid", principal.person_id) != principal.person_id:
            raise ApiError(403, "Only your own devices are listed; leave userid out.")
        own = lines.of_person(principal.person_id)
        return DeviceList(principal.person_id, [_device(line) for line in own])

    @post(f"{_BASE}/devices/{{line_id:str}}/status", status_code=200)
    async def keep_alive(principal: SignedIn, line_id: FromPath[str]) -> dict[str, str]:
        line = own_line(lines, principal, line_id)
        status_limit.check(line_id)
        lines.keep_alive(line)
        return {}

    @delete(f"{_BASE}/devices/{{line_id:str}}", status_code=200)
    async def unregister(principal: SignedIn, line_id: FromPath[str]) -> dict[str, str]:
        line = lines.get(line_id)
        if line is not None and line.person_id == principal.person_id:
            lines.remove(line_id)
        return {}

    return [discovery, ping, register, listing, keep_alive, unregister]


def _check(body: RegisterRequest, principal: Principal) -> None:
    if body.userId != principal.person_id:
        raise ApiError(400, "userId is not that of the person who signs in.")
    if not _URI.fullmatch(body.clientDeviceUri):
        raise ApiError(400, "clientDeviceUri is not the URL of a device; register with WDM first.")


async def _person(directory: Directory, principal: Principal) -> PersonEntry:
    try:
        return await directory.person(principal.person_id)
    except UnknownPersonError as error:
        message = "Your account is closed; ask your administrator."
        raise refusal(MobiusErrorCode.DEVICE_CREATION_DISABLED, message) from error


def _registered(lines: LineRegistry, person: PersonEntry, client_uri: str, base: str) -> Line:
    number = person.extension or person.number
    try:
        return lines.register(person.person_id, person.org_id, client_uri, base, number)
    except TooManyLinesError as error:
        raise ApiError(
            403,
            str(error),
            body=MobiusError(
                str(error),
                errorCode=MobiusErrorCode.DEVICE_LIMIT,
                userId=person.person_id,
                devices=[_device(each) for each in error.lines],
            ),
        ) from error
    except RegistryFullError as error:
        raise refusal(MobiusErrorCode.DEVICE_CREATION_FAILED, str(error)) from error


def _device(line: Line) -> MobiusDevice:
    seen = datetime.fromtimestamp(line.seen, UTC).isoformat(timespec="seconds")
    return MobiusDevice(
        deviceId=line.line_id,
        uri=line.uri,
        lastSeen=seen.replace("+00:00", "Z"),
        addresses=[f"sip:{line.number}@{SIP_DOMAIN}"] if line.number else [],
        clientDeviceUri=line.client_uri,
    )
