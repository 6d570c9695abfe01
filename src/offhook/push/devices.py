"""``/v1/devices``: an app registers, refreshes and removes the token that wakes its phone."""

import datetime
import re
from typing import Any, assert_never

from litestar import Request, Response, delete, get, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from offhook.engine.dispatch.model import Environment, Provider
from offhook.push.identity import PeopleOfCloud
from offhook.push.registry import STORE_FAULTS, DeviceRegistry, ListedDevice, Registration
from offhook.serving.errors import ApiError
from offhook.serving.rate import RateLimit
from offhook.wire.body import read_body
from offhook.wire.push_devices import DeviceBody, DeviceView, DeviceViews

_INSTALLATION = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_APP = re.compile(r"[A-Za-z0-9._-]{1,255}")
_APNS_TOKEN = re.compile(r"(?:[0-9A-Fa-f]{2}){8,100}")
_LONGEST_TOKEN = 4096
#: How compatible registrations are named; nobody else's are.
UNPROVEN = "compat:"

_AnyRequest = Request[Any, Any, Any]
_UNAUTHORIZED = "The request requires a valid access token set in the Authorization request header."


class Bearer:
    """Finds out who makes a request. Those who are refused often have to wait."""

    def __init__(self, people: PeopleOfCloud, refused: RateLimit) -> None:
        self._people = people
        self._refused = refused

    async def person_of(self, request: _AnyRequest) -> str:
        """The uuid of who made `request`. Raises ApiError 401, 429 or 503."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        token = token.strip() if scheme.casefold() == "bearer" else ""
        if (person_id := self._people.remembered(token)) is not None:
            return person_id
        host = request.client.host if request.client else ""
        self._refused.check(host)
        try:
            person_id = await self._people.person_of(token)
        except ApiError:
            self._refused.give_back(host)  # That the cloud cannot say is nobody's guess.
            raise
        if person_id is None:
            raise ApiError(401, _UNAUTHORIZED)
        self._refused.give_back(host)
        return person_id


def routes(
    registry: DeviceRegistry, bearer: Bearer, registrations: RateLimit
) -> list[HTTPRouteHandler]:
    """The three of them."""

    @put("/v1/devices/{installation_id:str}")
    async def register(
        request: _AnyRequest, installation_id: FromPath[str]
    ) -> Response[DeviceView]:
        person_id = await bearer.person_of(request)
        registrations.check(person_id)
        if installation_id.startswith(UNPROVEN):
            raise ApiError(400, f"installationId may not begin with {UNPROVEN}")
        asked = registration(installation_id, read_body(await request.body(), DeviceBody))
        try:
            is_new = await registry.register(person_id, asked)
            mine = await registry.listed(person_id)
        except STORE_FAULTS as error:
            raise unavailable() from error
        for device in mine:
            if device.installation_id == installation_id:
                return Response(_view(device), status_code=201 if is_new else 200)
        raise ApiError(409, "The device was removed at the same time; register it again.")

    @get("/v1/devices")
    async def listed(request: _AnyRequest) -> DeviceViews:
        person_id = await bearer.person_of(request)
        try:
            return DeviceViews([_view(each) for each in await registry.listed(person_id)])
        except STORE_FAULTS as error:
            raise unavailable() from error

    @delete("/v1/devices/{installation_id:str}", status_code=204)
    async def remove(request: _AnyRequest, installation_id: FromPath[str]) -> None:
        person_id = await bearer.person_of(request)
        try:
            was_there = await registry.remove(person_id, installation_id)
        except STORE_FAULTS as error:
            raise unavailable() from error
        if not was_there:
            raise ApiError(404, "You have no device with this installationId.")

    return [register, listed, remove]


def registration(installation_id: str, body: DeviceBody, *, proven: bool = True) -> Registration:
    """What an app asks for, checked. Raises ApiError 400 with a sentence."""
    if not _INSTALLATION.fullmatch(installation_id):
        raise ApiError(400, "installationId has 1 to 128 letters, digits or . _ : -")
    if not _APP.fullmatch(body.app):
        raise ApiError(400, "app is a bundle id or an application's id, such as org.example.phone")
    provider, environment = Provider(body.provider), Environment(body.environment)
    match provider:
        case Provider.APNS:
            if not _APNS_TOKEN.fullmatch(body.token):
                raise ApiError(400, "token is not one of APNs: it is given in hexadecimal digits")
            token = body.token.lower()
        case Provider.FCM:
            token = body.token
            if not 16 <= len(token) <= _LONGEST_TOKEN or not _is_plain(token):
                raise ApiError(400, "token is not one of FCM: it is text without spaces")
            if environment is not Environment.PRODUCTION:
                raise ApiError(400, "environment: FCM has production only")
        case other:
            assert_never(other)
    return Registration(installation_id, provider, body.app, environment, token, proven)


def unavailable() -> ApiError:
    """The database cannot be used right now."""
    return ApiError(503, "Devices cannot be read or written now; try again.", retry_after=5)


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text


def _view(device: ListedDevice) -> DeviceView:
    registered = datetime.datetime.fromtimestamp(device.registered, datetime.UTC)
    return DeviceView(
        device.installation_id,
        device.provider.value,
        device.app,
        device.environment.value,
        registered.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    )
