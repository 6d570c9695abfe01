"""A push backend that really runs, with a cloud that knows two people and a sender that records."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import msgspec
from aiohttp import web

from offhook.engine.dispatch.model import Outcome, OutcomeKind, Push
from offhook.push.app import PushBackend
from offhook.push.config import PushConfig
from offhook.wire.ids import ResourceKind, encode_id
from offhook.wire.webhook_signature import spark_signature, standard_signature

SECRET = "a secret of the webhook"
ADMIN = "the administrator's token"
BUNDLE = "org.example.phone"
APNS_TOKEN = "ab" * 32
FCM_TOKEN = "fcm-token-" + "x" * 120


@dataclass(frozen=True, slots=True)
class Someone:
    """A person of the cloud. Bearer tokens are ``<name>'s token``."""

    name: str
    uuid: str = field(default_factory=lambda: str(uuid4()))

    @property
    def id(self) -> str:
        return encode_id(ResourceKind.PEOPLE, self.uuid)

    @property
    def bearer(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.name}'s token"}


ALICE, BOB = Someone("alice"), Someone("bob")


@dataclass
class People:
    """The cloud's ``/v1/people/me``; `status` is what it answers to tokens that are good."""

    url: str = ""
    status: int = 200
    asked: int = 0

    async def me(self, request: web.Request) -> web.Response:
        self.asked += 1
        for person in (ALICE, BOB):
            if request.headers.get("authorization") == person.bearer["authorization"]:
                return web.json_response({"id": person.id}, status=self.status)
        return web.json_response({"message": "no", "errors": [], "trackingId": "x"}, status=401)


@asynccontextmanager
async def people_of_cloud() -> AsyncIterator[People]:
    people = People()
    app = web.Application()
    app.router.add_get("/v1/people/me", people.me)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    people.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield people
    finally:
        await runner.cleanup()


class RecordingSender:
    """Sends nothing: keeps each push, and answers it as it is told to."""

    def __init__(self, tell: Callable[[Outcome], None]) -> None:
        self.tell = tell
        self.pushes: asyncio.Queue[Push] = asyncio.Queue()
        self.answer: Callable[[Push], Outcome | None] = sent
        self.at_the_end: list[Outcome] = []

    async def start(self) -> None: ...

    async def stop(self) -> None:
        for outcome in self.at_the_end:
            self.tell(outcome)

    def send(self, push: Push) -> None:
        self.pushes.put_nowait(push)
        outcome = self.answer(push)
        if outcome is not None:
            self.tell(outcome)

    async def next(self) -> Push:
        async with asyncio.timeout(5):
            return await self.pushes.get()


def sent(push: Push) -> Outcome:
    return Outcome(push, OutcomeKind.SENT, 1, time.time() - push.received, 200)


def never(push: Push) -> None:
    return None


def dead(push: Push, since: float | None = None) -> Outcome:
    return Outcome(push, OutcomeKind.TOKEN_DEAD, 1, 0.01, 410, "Unregistered", since)


@dataclass
class Answer:
    status: int
    headers: Any
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass
class Backend:
    """A running backend as phones, clouds and administrators see it."""

    service: PushBackend
    sender: RecordingSender
    http: aiohttp.ClientSession
    before: dict[tuple[str, tuple[tuple[str, str], ...]], float] = field(default_factory=dict)

    async def as_new(self) -> Backend:
        """The same backend, as if it had just been started: no device, nothing counted."""
        for person in (ALICE, BOB):
            for device in await self.service.registry.listed(person.uuid):
                await self.service.registry.remove(person.uuid, device.installation_id)
        while not self.sender.pushes.empty():
            self.sender.pushes.get_nowait()
        self.sender.answer = sent
        before = {
            (each.name, tuple(each.labels.items())): each.value
            for family in self.service.figures.registry.collect()
            for each in family.samples
        }
        return Backend(self.service, self.sender, self.http, before)

    async def request(self, method: str, path: str, **more: Any) -> Answer:
        async with self.http.request(method, self.service.url + path, **more) as response:
            return Answer(response.status, response.headers, await response.text())

    async def register(self, person: Someone, installation: str = "phone-1", **body: Any) -> Answer:
        body = {"provider": "apns", "token": APNS_TOKEN, "app": BUNDLE, **body}
        path = f"/v1/devices/{installation}"
        return await self.request("PUT", path, json=body, headers=person.bearer)

    async def devices(self, person: Someone) -> list[dict[str, Any]]:
        answer = await self.request("GET", "/v1/devices", headers=person.bearer)
        assert answer.status == 200, answer.text
        items: list[dict[str, Any]] = answer.json["items"]
        return items

    async def post(self, body: bytes, headers: dict[str, str], path: str = "/webhook") -> Answer:
        return await self.request("POST", path, data=body, headers=headers)

    async def ring(self, person: Someone, secret: str = SECRET, **changes: Any) -> Answer:
        """A call to `person`, as the cloud tells of it."""
        body = event(person, **changes)
        return await self.post(body, signed(body, secret))

    async def figure(self, name: str, **labels: str) -> float:
        """By how much it has grown since this test began."""
        name = f"offhook_push_{name}"
        before = sum(
            value
            for (known, had), value in self.before.items()
            if known == name and labels.items() <= dict(had).items()
        )
        return self.service.figures.total(name, **labels) - before

    async def until(self, name: str, value: float, **labels: str) -> None:
        """Wait until a figure has reached `value`."""
        async with asyncio.timeout(5):
            while await self.figure(name, **labels) < value:
                await asyncio.sleep(0.005)


def payload(**changes: Any) -> dict[str, Any]:
    return {
        "type": "NewCall",
        "pushId": str(uuid4()),
        "callId": "call-1",
        "externalTrackingId": "TRACK_1",
        "displayName": "Carol Caller",
        "displayNumber": "+12025550123",
        "ringUntil": int((time.time() + 30) * 1000),
    } | changes


def event(person: Someone, **changes: Any) -> bytes:
    """The body of a webhook, not written as any serializer here would write it."""
    call = payload()
    envelope = {
        "id": "Y2lzY29zcGFyazovL3VzL1dFQkhPT0svMQ",
        "name": "calls",
        "resource": "telephony_push",
        "event": "updated",
        "actorId": person.id,
        "createdBy": encode_id(ResourceKind.PEOPLE, str(uuid4())),
        "data": {"apnsPayload": {"aps": {}, **call}, "fcmPayload": call},
    } | changes
    return json.dumps(envelope, indent=1, ensure_ascii=False).encode()


def signed(
    body: bytes, secret: str = SECRET, *, event_id: str = "", at: float | None = None
) -> dict[str, str]:
    """The headers that Webex sends; with `event_id` those of Standard Webhooks, too."""
    headers = {
        "content-type": "application/json",
        "X-Spark-Signature": spark_signature(secret, body),
    }
    if event_id:
        moment = int(time.time() if at is None else at)
        headers |= {
            "webhook-id": event_id,
            "webhook-timestamp": str(moment),
            "webhook-signature": standard_signature(secret, event_id, moment, body),
        }
    return headers


def config(data: Path, cloud: str, **values: Any) -> PushConfig:
    """The configuration of a backend on any port, with `values` as TOML has them."""
    everything = {
        "data": str(data),
        "http": "127.0.0.1:0",
        "cloud": cloud,
        "secrets": [SECRET],
        "admin_token": ADMIN,
        **values,
    }
    return msgspec.convert(everything, PushConfig)


@asynccontextmanager
async def started(settings: PushConfig) -> AsyncIterator[Backend]:
    senders: list[RecordingSender] = []

    def sender(tell: Callable[[Outcome], None]) -> RecordingSender:
        senders.append(RecordingSender(tell))
        return senders[-1]

    service = PushBackend(settings, sender)
    await service.start()
    try:
        async with aiohttp.ClientSession() as http:
            yield Backend(service, senders[0], http)
    finally:
        await service.stop()
