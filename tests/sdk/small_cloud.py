"""A cloud in two hundred lines that can be told to misbehave: refuse, forget, hang up, fall silent.

It signs in, registers and delivers events; it does not carry calls. For those there is the real
service.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from aiohttp import WSMsgType, web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Seen:
    """One request of the client. `body` is the JSON, or None."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any
    token: str


@dataclass(slots=True)
class Fault:
    """What to answer instead, the next `times` times that a request matches."""

    method: str
    path: re.Pattern[str]
    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    times: int = 1
    delay: float = 0.0


class SmallCloud:
    """An async context manager. `tokens` are those that are good."""

    def __init__(self, *, keepalive: int = 30) -> None:
        self.keepalive = keepalive
        self.tokens = {"a_b_org"}
        self.seen: list[Seen] = []
        self.frames: list[dict[str, Any]] = []
        self.faults: list[Fault] = []
        self.lines: dict[str, str] = {}
        self.devices: set[str] = set()
        self.sockets: dict[str, web.WebSocketResponse] = {}
        self.answers_pings = True
        self.busy = 0
        self.mobius_uri = ""
        self.sequence = 0
        self._port = 0
        self._runner: web.AppRunner | None = None
        self._news = asyncio.Condition()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    # --- lifecycle ---

    async def __aenter__(self) -> SmallCloud:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Vanish: sockets break without a closing hand-shake, nobody listens any more."""
        for socket in list(self.sockets.values()):
            transport = socket._req.transport if socket._req is not None else None
            if transport is not None:
                transport.abort()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def forget(self) -> None:
        """Lose all state, as a restart does."""
        self.lines.clear()
        self.devices.clear()

    # --- misbehaviour ---

    def fail(
        self,
        method: str,
        path: str,
        status: int,
        *,
        body: Any = None,
        times: int = 1,
        delay: float = 0.0,
        **headers: str,
    ) -> None:
        """Answer the next `times` requests that match with `status`, after `delay` seconds."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.faults.append(Fault(method, re.compile(path), status, body, named, times, delay))

    async def close_sockets(self, code: int, reason: str = "") -> None:
        for socket in list(self.sockets.values()):
            await socket.close(code=code, message=reason.encode())

    async def send(self, data: dict[str, Any]) -> None:
        """An event for every client."""
        for socket in list(self.sockets.values()):
            await socket.send_str(self._event(data))

    # --- what tests wait for ---

    async def until(self, condition: Callable[[], bool], seconds: float = 8.0) -> None:
        async with asyncio.timeout(seconds), self._news:
            await self._news.wait_for(condition)

    def requests(self, method: str, path: str) -> list[Seen]:
        return [
            each for each in self.seen if each.method == method and re.fullmatch(path, each.path)
        ]

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()

    # --- the cloud ---

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        is_json = request.content_type == "application/json" and raw
        self.seen.append(
            Seen(
                request.method,
                request.path,
                dict(request.query),
                {name.lower(): value for name, value in request.headers.items()},
                json.loads(raw) if is_json else None,
                token,
            )
        )
        self.busy += 1
        try:
            return await self._answer(request, token)
        finally:
            self.busy -= 1
            await self._tell()

    async def _answer(self, request: web.Request, token: str) -> web.StreamResponse:
        for fault in self.faults:
            if fault.times and fault.method == request.method and fault.path.search(request.path):
                fault.times -= 1
                await asyncio.sleep(fault.delay)
                return web.json_response(
                    fault.body or {"message": "Not now."},
                    status=fault.status,
                    headers=fault.headers,
                )
        public = request.path.startswith(("/u2c/api/v1/limited", "/mercury/", "/v1/region"))
        if not public and token not in self.tokens:
            return web.json_response({"message": "Who are you?"}, status=401)
        path = f"{request.method} {request.path}"
        if "/catalog" in path:
            return web.json_response(self._catalog())
        if path == "GET /v1/region":
            return web.json_response({"clientRegion": "US-EAST", "countryCode": "US"})
        if path == "GET /v1/people/me":
            return web.json_response({"id": "x", "displayName": "Alice"})
        if path == "POST /wdm/api/v1/devices":
            return web.json_response(self._device(str(uuid4())))
        if path == "GET /wdm/api/v1/devices":
            known = sorted(self.devices)
            listed = [
                {**self._device(name), "modificationTime": f"2026-01-0{day}"}
                for day, name in enumerate(known, 1)
            ]
            return web.json_response({"devices": listed})
        if match := re.fullmatch(r"(PUT|DELETE) /wdm/api/v1/devices/(.+)", path):
            if match[1] == "PUT" and match[2] not in self.devices:
                return web.json_response({"message": "No such device."}, status=404)
            device = self._device(match[2])
            if match[1] == "DELETE":
                self.devices.discard(match[2])
            return web.json_response(device, headers={"etag": '"1"'})
        if request.path.startswith("/mercury/"):
            return await self._mercury(request)
        return self._mobius(request, path)

    def _mobius(self, request: web.Request, path: str) -> web.Response:
        base = f"{self.url}/api/v1/calling/web/"
        if path == "GET /api/v1/calling/web/":
            uri = self.mobius_uri or f"{self.url}/api/v1"
            group = {"region": "US-EAST", "uris": [uri]}
            return web.json_response({"primary": group, "backup": {**group, "uris": []}})
        if path == "POST /api/v1/calling/web/device":
            line = str(uuid4())
            self.lines[line] = request.headers["cisco-device-url"]
            device = {"deviceId": line, "uri": f"{base}devices/{line}"}
            return web.json_response(
                {"userId": "u", "device": device, "keepaliveInterval": self.keepalive}
            )
        if match := re.fullmatch(r"(POST|DELETE) .*/devices/([^/]+)(/status)?", path):
            known = match[2] in self.lines
            if match[1] == "DELETE":
                self.lines.pop(match[2], None)
            return web.json_response({}, status=200 if known or match[1] == "DELETE" else 404)
        return web.json_response({"message": "Nothing here."}, status=404)

    def _catalog(self) -> dict[str, Any]:
        links = {
            "wdm": f"{self.url}/wdm/api/v1",
            "mobius": f"{self.url}/api/v1",
            "hydra": f"{self.url}/v1",
        }
        host = {"host": "127.0.0.1:1", "id": "urn:TEAM:a:mobius", "ttl": -1, "priority": -1}
        return {"serviceLinks": links, "hostCatalog": {"x": [host]}}

    def _device(self, device: str) -> dict[str, Any]:
        self.devices.add(device)
        return {
            "url": f"{self.url}/wdm/api/v1/devices/{device}",
            "webSocketUrl": f"ws://127.0.0.1:{self._port}/mercury/{device}",
            "userId": "u",
            "features": {"entitlement": [{"key": "bc-sp-standard"}]},
        }

    def _event(self, data: dict[str, Any]) -> str:
        self.sequence += 1
        return json.dumps(
            {
                "id": f"event-{self.sequence}",
                "data": data,
                "timestamp": 0,
                "trackingId": f"tracking-{self.sequence}",
                "sequenceNumber": self.sequence,
                "wsWriteTimestamp": 0,
            }
        )

    async def _mercury(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        name = str(uuid4())
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
            frame = json.loads(message.data)
            self.frames.append(frame)
            if frame["type"] == "authorization":
                if frame["data"]["token"].removeprefix("Bearer ") not in self.tokens:
                    await socket.close(code=4401, message=b"Unauthorized")
                    break
                self.sockets[name] = socket
                await socket.send_str(self._event({"eventType": "mercury.buffer_state"}))
            elif frame["type"] == "ping" and self.answers_pings:
                await socket.send_str(json.dumps({"type": "pong", "id": frame["id"]}))
            await self._tell()
        self.sockets.pop(name, None)
        await self._tell()
        return socket
