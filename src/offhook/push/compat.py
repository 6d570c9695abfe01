"""The routes of Cisco's sample push server, for the sample apps as they are.

Those apps show no access token, so anybody who reaches these routes may register a phone for
anybody: that is what the operator turns on. Such registrations are kept apart. They never replace
or remove one whose owner showed a token, and who asks too often has to wait.
"""

import hashlib
from typing import Any

from litestar import Request, delete, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from offhook.push.devices import UNPROVEN, registration, unavailable
from offhook.push.providers.settings import ProviderSettings
from offhook.push.registry import STORE_FAULTS, DeviceRegistry, TakenError
from offhook.serving.errors import ApiError
from offhook.serving.rate import RateLimit
from offhook.wire.body import read_body
from offhook.wire.ids import InvalidIdError, bare_uuid
from offhook.wire.push_devices import DeviceBody, SampleAnswer, SampleRegistration

_AnyRequest = Request[Any, Any, Any]


def routes(
    registry: DeviceRegistry, providers: ProviderSettings, limit: RateLimit
) -> list[HTTPRouteHandler]:
    """Registering and removing; the webhook's route is a `WebhookReceiver`."""

    @post("/deviceRegistration", status_code=201)
    async def register(request: _AnyRequest) -> SampleAnswer:
        limit.check(_host(request))
        body = read_body(await request.body(), SampleRegistration)
        person_id = _person(body.userId)
        # The installation has no id: its token for messages, which it always has, stands for it.
        digest = hashlib.sha256(body.deviceToken.encode()).hexdigest()[:32]
        asked = registration(UNPROVEN + digest, _device(body, providers), proven=False)
        try:
            await registry.register(person_id, asked)
        except TakenError as error:
            raise ApiError(
                400, "This phone is registered with an access token; remove that one first."
            ) from error
        except STORE_FAULTS as error:
            raise unavailable() from error
        return SampleAnswer("Device registered.")

    @delete("/deviceRegistration/{user_id:str}", status_code=200)
    async def remove(request: _AnyRequest, user_id: FromPath[str]) -> SampleAnswer:
        limit.check(_host(request))
        try:
            count = await registry.remove_unproven(_person(user_id))
        except STORE_FAULTS as error:
            raise unavailable() from error
        return SampleAnswer(f"Removed {count}.")

    return [register, remove]


def _device(body: SampleRegistration, providers: ProviderSettings) -> DeviceBody:
    """The sample apps do not say which app they are: it is the first that is configured."""
    if body.pushProvider == "APNS":
        if not body.voipToken:
            raise ApiError(400, "voipToken is missing: without it a phone cannot be rung.")
        app = _first("apns", [each.app for each in providers.apns])
        return DeviceBody("apns", body.voipToken, app, "production" if body.prod else "sandbox")
    return DeviceBody("fcm", body.deviceToken, _first("fcm", [each.app for each in providers.fcm]))


def _first(kind: str, apps: list[str]) -> str:
    if not apps:
        raise ApiError(400, f"There is no app for {kind} in the backend's configuration.")
    return apps[0]


def _person(user_id: str) -> str:
    try:
        return bare_uuid(user_id).lower()
    except InvalidIdError as error:
        raise ApiError(400, "userId is not a person's id.") from error


def _host(request: _AnyRequest) -> str:
    return request.client.host if request.client else ""
