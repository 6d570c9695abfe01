"""What a client sends and is sent, noted at the service, without what differs from run to run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from offhook.service.app import PhoneService
from offhook.service.config import ServiceConfig

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_LOCAL = re.compile(r"DefaultLocalId_[^/]+")
#: What a browser adds to each request by itself, and HTTP to each connection.
AUTOMATIC = {
    "accept",
    "accept-encoding",
    "accept-language",
    "connection",
    "content-length",
    "host",
    "origin",
    "referer",
    "sec-ch-ua",
    "sec-ch-ua-mobile",
    "sec-ch-ua-platform",
    "sec-fetch-dest",
    "sec-fetch-mode",
    "sec-fetch-site",
    "user-agent",
}


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer. `body` are the members that were sent, as dotted paths."""

    method: str
    path: str
    query: frozenset[str]
    headers: frozenset[str]
    body: frozenset[str]
    says: str
    status: int

    @property
    def step(self) -> str:
        """What it does, in a line: ``POST .../media ANSWER``."""
        return f"{self.method} {self.path}" + (f" {self.says}" if self.says else "")


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of the event connection. `id` is that of the frame, or of the one it answers."""

    by_client: bool
    kind: str
    members: frozenset[str]
    id: str


@dataclass(slots=True)
class Recording:
    """What one client did, in order."""

    exchanges: list[Exchange] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)

    def steps(self) -> list[str]:
        return [each.step for each in self.exchanges]

    def of(self, step: str) -> list[Exchange]:
        return [each for each in self.exchanges if each.step == step]


class Recorder:
    """An ASGI application around the service's own. Notes what goes by with `token`, or none."""

    def __init__(self) -> None:
        self.app: Any = None
        self.token = ""
        self.recording = Recording()

    def begin(self, token: str) -> Recording:
        """Note the client with this token from now on."""
        self.token = token
        self.recording = Recording()
        return self.recording

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = {name.decode(): value.decode() for name, value in scope.get("headers", ())}
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        elif scope["type"] == "http" and scope["method"] != "OPTIONS" and self._is_ours(headers):
            await self._request(scope, receive, send, headers)
        else:
            await self.app(scope, receive, send)

    def _is_ours(self, headers: dict[str, str]) -> bool:
        authorization = headers.get("authorization", "")
        return not authorization or authorization.removeprefix("Bearer ") == self.token

    async def _request(self, scope: Any, receive: Any, send: Any, headers: dict[str, str]) -> None:
        body, recording = bytearray(), self.recording

        async def received() -> Any:
            message = await receive()
            body.extend(message.get("body", b""))
            return message

        async def sent(message: Any) -> None:
            if message["type"] == "http.response.start":
                sent_body = _json(bytes(body))
                recording.exchanges.append(
                    Exchange(
                        scope["method"],
                        _LOCAL.sub("{local}", _ID.sub("{id}", scope["path"])),
                        frozenset(key for key, _ in parse_qsl(scope["query_string"].decode())),
                        frozenset(headers) - AUTOMATIC,
                        frozenset(members(sent_body)),
                        _says(sent_body),
                        message["status"],
                    )
                )
            await send(message)

        await self.app(scope, received, sent)

    async def _socket(self, scope: Any, receive: Any, send: Any) -> None:
        recording: list[Recording] = []
        early: list[Frame] = []

        def note(by_client: bool, text: str) -> None:
            frame = json.loads(text)
            if by_client and frame.get("type") == "authorization":
                if frame["data"]["token"].removeprefix("Bearer ") != self.token:
                    return
                recording.append(self.recording)
                self.recording.exchanges.append(_opened(scope))
            kind = frame.get("type") or frame.get("data", {}).get("eventType", "")
            if not by_client and "data" in frame:
                kind = frame["data"]["eventType"]
            made = Frame(
                by_client,
                kind,
                frozenset(members(frame)) if by_client else frozenset(frame),
                frame.get("messageId") or frame.get("id", ""),
            )
            (recording[0].frames if recording else early).append(made)

        async def received() -> Any:
            message = await receive()
            if message["type"] == "websocket.receive" and message.get("text"):
                note(True, message["text"])
            return message

        async def sent(message: Any) -> None:
            if message["type"] == "websocket.send" and message.get("text"):
                note(False, message["text"])
            await send(message)

        await self.app(scope, received, sent)


class RecordedService(PhoneService):
    """The service, and somebody who looks over its shoulder."""

    def __init__(self, config: ServiceConfig, recorder: Recorder) -> None:
        super().__init__(config)
        self._recorder = recorder

    async def _listen(self, app: Any, *more: Any) -> None:
        self._recorder.app = app
        await super()._listen(self._recorder, *more)


def _opened(scope: Any) -> Exchange:
    """The event connection, as a request."""
    query = frozenset(key for key, _ in parse_qsl(scope["query_string"].decode()))
    path = _ID.sub("{id}", scope["path"])
    return Exchange("SOCKET", path, query, frozenset(), frozenset(), "", 101)


def members(value: Any, prefix: str = "") -> Iterator[str]:
    """The paths of all members, lists as ``[]``."""
    if isinstance(value, dict):
        for name, inner in value.items():
            path = f"{prefix}.{name}" if prefix else name
            yield path
            yield from members(inner, path)
    elif isinstance(value, list):
        for inner in value:
            yield from members(inner, f"{prefix}[]")


def _says(body: Any) -> str:
    """The word in the body that tells requests of one path apart."""
    if not isinstance(body, dict):
        return ""
    roap = body.get("localMedia", {}).get("roap", {})
    return str(body.get("callState") or roap.get("messageType") or "")


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None
