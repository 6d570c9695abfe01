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

from offhook.service.http.errors import ApiError
from offhook.service.http.origin import Origins
from offhook.service.identity.principal import Principal, SignedIn
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


@dataclass(slots=True)
class RunningClient:
    """A client that registered. `expires` in Unix seconds, None if it gave no time to live."""

    device_id: str
    person_id: str
    org_id: str
    request: DeviceRequest
    modified: float
    expires: float | None


class RunningClients:
    """The clients of this node. They register again after a restart, so memory will do."""

    def __init__(self, clock: Callable[[], float], most_per_person: int) -> None:
        self._clock = clock
        self._most = most_per_person
        self._clients: dict[str, RunningClient] = {}

    def register(self, who: Principal, request: DeviceRequest) -> RunningClient:
        """Take note of a client. Raises ApiError when the person has too many."""
        self._expire()
        if len(self.of_person(who.person_id)) >= self._most:
            raise ApiError(403, EXCESSIVE_DEVICES)
        client = RunningClient(str(uuid4()), who.person_id, who.org_id, request, 0.0, None)
        self._clients[client.device_id] = client
        self._touch(client, request)
        return client

    def refresh(self, who: Principal, device_id: str, request: DeviceRequest) -> RunningClient:
        """Keep a client. Raises ApiError 404, upon which it registers again."""
        self._expire()
        client = self._clients.get(device_id)
        if client is None or client.person_id != who.person_id:
            raise ApiError(404, "There is no such device; register it again.")
        self._touch(client, request)
        return client

    def remove(self, who: Principal, device_id: str) -> None:
        """Forget a client of this person."""
        client = self._clients.get(device_id)
        if client is not None and client.person_id == who.person_id:
            del self._clients[device_id]

    def of_person(self, person_id: str) -> list[RunningClient]:
        """The person's clients, oldest first."""
        return [each for each in self._clients.values() if each.person_id == person_id]

    def _touch(self, client: RunningClient, request: DeviceRequest) -> None:
        now = self._clock()
        client.request = request
        client.modified = now
        client.expires = now + request.ttl if request.ttl else None

    def _expire(self) -> None:
        now = self._clock()
        for client in list(self._clients.values()):
            if client.expires is not None and client.expires <= now:
                del self._clients[client.device_id]


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
