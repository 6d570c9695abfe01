"""WDM: the registration of running clients (wire document, 2.1)."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import msgspec
from litestar import Request, Response, delete, get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from offhook.service.identity.principal import Principal, SignedIn
from offhook.serving.errors import ApiError
from offhook.serving.origin import Origins
from offhook.wire.body import read_body
from offhook.wire.wdm import (
    CALLING_ENTITLEMENTS,
    EXCESSIVE_DEVICES,
    NATIVE_CALLING,
    Device,
    DeviceList,
    DeviceRequest,
    Feature,
    Features,
)

#: Seconds after which a client that gave no time to live is forgotten, and the longest that one
#: may ask for. Its socket lives on: a socket of an unknown client is served.
_LONGEST_SECONDS = 7 * 86_400.0
_SWEEP_SECONDS = 3600.0


@dataclass(slots=True)
class RunningClient:
    """A client that registered. `modified` and `expires` in Unix seconds."""

    device_id: str
    person_id: str
    org_id: str
    request: DeviceRequest
    modified: float
    expires: float


class RunningClients:
    """The clients of this node. They register again after a restart, so memory will do."""

    def __init__(self, clock: Callable[[], float], most_per_person: int) -> None:
        self._clock = clock
        self._most = most_per_person
        self._people: dict[str, dict[str, RunningClient]] = {}
        self._swept = clock()

    def register(self, who: Principal, request: DeviceRequest) -> RunningClient:
        """Take note of a client. Raises ApiError when the person has too many."""
        self._sweep()
        own = self._own(who.person_id)
        if len(own) >= self._most:
            raise ApiError(403, EXCESSIVE_DEVICES)
        client = RunningClient(str(uuid4()), who.person_id, who.org_id, request, 0.0, 0.0)
        self._people.setdefault(who.person_id, own)[client.device_id] = client
        self._touch(client, request)
        return client

    def refresh(self, who: Principal, device_id: str, request: DeviceRequest) -> RunningClient:
        """Keep a client. Raises ApiError 404, upon which it registers again."""
        client = self._own(who.person_id).get(device_id)
        if client is None:
            raise ApiError(404, "There is no such device; register it again.")
        self._touch(client, request)
        return client

    def remove(self, who: Principal, device_id: str) -> None:
        """Forget a client of this person."""
        self._own(who.person_id).pop(device_id, None)

    def of_person(self, person_id: str) -> list[RunningClient]:
        """The person's clients, oldest first."""
        return list(self._own(person_id).values())

    def _own(self, person_id: str) -> dict[str, RunningClient]:
        """The person's clients whose time is not over."""
        own = self._people.get(person_id, {})
        now = self._clock()
        for client in list(own.values()):
            if client.expires <= now:
                del own[client.device_id]
        return own

    def _sweep(self) -> None:
        """Forget people who are gone, every so often."""
        now = self._clock()
        if now - self._swept >= _SWEEP_SECONDS:
            self._swept = now
            self._people = {each: own for each in self._people if (own := self._own(each))}

    def _touch(self, client: RunningClient, request: DeviceRequest) -> None:
        now = self._clock()
        client.request = request
        client.modified = now
        client.expires = now + min(request.ttl or _LONGEST_SECONDS, _LONGEST_SECONDS)


def routes(clients: RunningClients, origins: Origins) -> list[HTTPRouteHandler]:
    """``/wdm/api/v1/devices``."""

    def described(request: Request[Any, Any, Any], client: RunningClient) -> Device:
        origin = origins.of(request)
        modified = datetime.fromtimestamp(client.modified, UTC).isoformat(timespec="milliseconds")
        return Device(
            url=f"{origin}/wdm/api/v1/devices/{client.device_id}",
            webSocketUrl=f"ws{origin.removeprefix('http')}/mercury/{client.device_id}",
            userId=client.person_id,
            orgId=client.org_id,
            deviceType=client.request.deviceType,
            name=client.request.name,
            model=client.request.model,
            localizedModel=client.request.localizedModel,
            systemName=client.request.systemName,
            systemVersion=client.request.systemVersion,
            callingBehavior=NATIVE_CALLING,
            modificationTime=modified.replace("+00:00", "Z"),
            features=Features(entitlement=[Feature(CALLING_ENTITLEMENTS[0])]),
            ttl=client.request.ttl,
        )

    def answer(request: Request[Any, Any, Any], client: RunningClient) -> Response[Device]:
        device = described(request, client)
        etag = hashlib.sha256(msgspec.json.encode(device)).hexdigest()[:32]
        return Response(device, headers={"etag": f'"{etag}"'})

    @post("/wdm/api/v1/devices", status_code=200)
    async def register(request: Request[Any, Any, Any], principal: SignedIn) -> Response[Device]:
        body = read_body(await request.body(), DeviceRequest)
        return answer(request, clients.register(principal, body))

    @put("/wdm/api/v1/devices/{device_id:str}")
    async def refresh(
        request: Request[Any, Any, Any], principal: SignedIn, device_id: FromPath[str]
    ) -> Response[Device]:
        body = read_body(await request.body(), DeviceRequest)
        return answer(request, clients.refresh(principal, device_id, body))

    @delete("/wdm/api/v1/devices/{device_id:str}")
    async def remove(principal: SignedIn, device_id: FromPath[str]) -> None:
        clients.remove(principal, device_id)

    @get("/wdm/api/v1/devices")
    async def listing(request: Request[Any, Any, Any], principal: SignedIn) -> DeviceList:
        own = clients.of_person(principal.person_id)
        return DeviceList([described(request, client) for client in own])

    return [register, refresh, remove, listing]
