"""A client of the wire protocol and nothing more: registers, calls, keeps what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import aiohttp

from offhook.media.certificate import Certificate
from offhook.media.leg import LegConfig, WebRtcLeg

PATIENCE = 5.0
WDM_BODY = {
    "name": "browser",
    "deviceType": "WEB",
    "model": "web-js-sdk",
    "localizedModel": "webex-js-sdk",
    "systemName": "WEBEX_JS_SDK",
    "systemVersion": "1.0.0",
}


class Wire:
    """One client of one person. `events` is all that came over Mercury, in order."""

    def __init__(self, http: aiohttp.ClientSession, url: str, token: str) -> None:
        self._http = http
        self.url = url
        self.token = token
        self.base = f"{url}/api/v1/calling/web"
        self.device: dict[str, Any] = {}
        self.registration: dict[str, Any] = {}
        self.events: list[dict[str, Any]] = []
        self.frames: list[dict[str, Any]] = []
        self.closed: asyncio.Future[int] | None = None
        self.acknowledges = True
        self._news = asyncio.Event()
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._reader: asyncio.Task[None] | None = None

    # --- HTTP ---

    async def send(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Status and body of an answer."""
        url = path if path.startswith("http") else f"{self.base}/{path}"
        headers = {"authorization": f"Bearer {self.token}"}
        async with self._http.request(method, url, json=body, headers=headers) as response:
            is_json = response.content_type == "application/json"
            return response.status, await response.json() if is_json else await response.text()

    async def do(self, method: str, path: str, body: object = None) -> Any:
        """The body of an answer that must be good."""
        status, answer = await self.send(method, path, body)
        assert status < 300, answer
        return answer

    # --- registration ---

    async def register(self) -> None:
        """WDM, Mercury, Mobius, as official clients do it."""
        self.device = await self.do("POST", f"{self.url}/wdm/api/v1/devices", WDM_BODY)
        await self.connect()
        await self.register_line()

    async def register_line(self) -> None:
        body = {"userId": self.device["userId"], "clientDeviceUri": self.device["url"]}
        self.registration = await self.do("POST", "device", body)

    @property
    def line(self) -> str:
        """The id of the registered line."""
        line: str = self.registration["device"]["deviceId"]
        return line

    async def connect(self) -> None:
        """Open the Mercury socket, up to its first frame."""
        self._socket = await self._http.ws_connect(self.device["webSocketUrl"])
        await self.say({"id": "1", "type": "authorization", "data": {"token": self.token}})
        first = await self._socket.receive_json(timeout=PATIENCE)
        self.frames.append(first)
        await self.say({"messageId": first["id"], "type": "ack"})
        self.closed = asyncio.get_running_loop().create_future()
        self._reader = asyncio.create_task(self._read(self._socket, self.closed))

    async def say(self, frame: object) -> None:
        """Send a frame."""
        assert self._socket is not None
        await self._socket.send_json(frame)

    async def say_raw(self, data: str | bytes) -> None:
        """Send what may be no frame at all."""
        assert self._socket is not None
        await (
            self._socket.send_str(data) if isinstance(data, str) else self._socket.send_bytes(data)
        )

    async def drop(self) -> None:
        """Lose the socket."""
        assert self._socket is not None
        await self._socket.close()
        await self._ended()

    async def _read(
        self, socket: aiohttp.ClientWebSocketResponse, closed: asyncio.Future[int]
    ) -> None:
        async for message in socket:
            frame = message.json()
            self.frames.append(frame)
            if self.acknowledges and "id" in frame:
                await socket.send_json({"messageId": frame["id"], "type": "ack"})
            if "data" in frame:
                self.events.append(frame["data"])
            self._news.set()
        if not closed.done():
            closed.set_result(socket.close_code or 0)

    async def _ended(self) -> None:
        if self._reader is not None:
            await asyncio.wait([self._reader], timeout=PATIENCE)

    async def close(self) -> None:
        if self._socket is not None:
            await self.drop()

    # --- events ---

    async def told(
        self, kind: str, call_id: str | None = None, within: float = PATIENCE, **members: Any
    ) -> dict[str, Any]:
        """The first event of this kind, for this call, with these members; waits for it."""
        async with asyncio.timeout(within):
            while True:
                self._news.clear()
                for event in self.events:
                    if _fits(event, kind, call_id, members):
                        return event
                await self._news.wait()

    async def frame(self, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first frame that fits; waits for it."""
        async with asyncio.timeout(PATIENCE):
            while True:
                self._news.clear()
                for frame in self.frames:
                    if fits(frame):
                        return frame
                await self._news.wait()

    async def event(self, number: int) -> dict[str, Any]:
        """The event of this number, from 0 on, whenever it comes."""
        while len(self.events) <= number:
            self._news.clear()
            await self._news.wait()
        return self.events[number]

    def story(self, call_id: str) -> list[str]:
        """What was told about a call, in order, in short."""
        short = []
        for event in self.events:
            if event.get("callId") == call_id:
                message = event.get("message")
                service = event.get("midCallService")
                name = event["eventType"].removeprefix("mobius.")
                if message:
                    name = message["messageType"]
                elif service:
                    name = service[0]["eventData"].get("callState", service[0]["eventType"])
                short.append(name)
        return short

    # --- calls ---

    def own(self, call_id: str = "") -> dict[str, str]:
        """The `device` member for a call."""
        return {"deviceId": self.line, "correlationId": f"own-{self.line[:8]}-{call_id}"}

    async def dial(self, number: str, sdp: str, correlation_id: str = "") -> str:
        """Create a call; its id."""
        device = self.own() | ({"correlationId": correlation_id} if correlation_id else {})
        answer = await self.do("POST", f"devices/{self.line}/call", call_body(device, number, sdp))
        call_id: str = answer["callId"]
        return call_id

    async def update(self, call_id: str, state: str) -> None:
        """Say that it rings (`sig_alerting`) or was answered (`sig_connected`)."""
        body = {"device": self.own(call_id), "callId": call_id, "callState": state}
        await self.do(
            "PATCH", f"devices/{self.line}/calls/{call_id}", body | {"inbandMedia": False}
        )

    async def roap(self, call_id: str, seq: int, kind: str, sdp: str | None = None) -> None:
        """Send a ROAP message."""
        message: dict[str, Any] = {"seq": seq, "messageType": kind}
        if sdp is not None:
            message["sdp"] = sdp
        body = {
            "device": self.own(call_id),
            "callId": call_id,
            "localMedia": {"roap": message, "mediaId": str(uuid4())},
        }
        await self.do("POST", f"devices/{self.line}/calls/{call_id}/media", body)

    async def service(self, what: str, call_id: str) -> tuple[int, Any]:
        """Hold or resume."""
        body = {"device": self.own(call_id), "callId": call_id}
        return await self.send("POST", f"services/callhold/{what}", body)

    async def hang_up(self, call_id: str, causecode: int = 0, correlation_id: str = "") -> Any:
        """End a call."""
        device = self.own(call_id) | ({"correlationId": correlation_id} if correlation_id else {})
        body = {"device": device, "callId": call_id, "causecode": causecode, "cause": "."}
        return await self.do("DELETE", f"devices/{self.line}/calls/{call_id}", body)


def call_body(device: dict[str, str], number: str, sdp: str) -> dict[str, Any]:
    """What official clients send to create a call."""
    return {
        "device": device,
        "localMedia": {
            "roap": {"seq": 1, "messageType": "OFFER", "sdp": sdp, "tieBreaker": 4294967294},
            "mediaId": str(uuid4()),
        },
        "callee": {"type": "uri", "address": f"tel:{number}"},
    }


def _fits(event: dict[str, Any], kind: str, call_id: str | None, members: dict[str, Any]) -> bool:
    if event["eventType"] != f"mobius.{kind}" or (call_id and event["callId"] != call_id):
        return False
    message = event.get("message") or {}
    return all(message.get(name, event.get(name)) == value for name, value in members.items())


@asynccontextmanager
async def leg() -> AsyncIterator[WebRtcLeg]:
    """A client's real media leg."""
    made = WebRtcLeg(LegConfig(Certificate.generate()))
    try:
        yield made
    finally:
        await made.close()
