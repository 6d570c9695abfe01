"""How to test a push backend of your own: from the cloud's webhook to Apple, offline.

``pytest examples/test_my_backend.py``. The backend under test is `MyBackend`; the test is the cloud
on one side of it and Apple on the other.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from aiohttp import web

from offhook.engine.dispatch.model import Device, Environment, Outcome, OutcomeKind, Provider, Push
from offhook.push.dispatcher import Dispatcher
from offhook.push.providers.settings import ApnsApp, ProviderSettings
from offhook.push.receiver import Duplicates, WebhookRejected, receive
from offhook.testing import ApnsServer, WebhookSender

APP = "org.example.phone"
SECRET = "the secret of the webhook"
ALICE = str(uuid4())


class MyBackend:
    """Pushes each call to the phones of who is called, and forgets phones that are gone."""

    def __init__(self, apple: ApnsApp) -> None:
        self.tokens: dict[str, set[str]] = {}
        self.dispatcher = Dispatcher(ProviderSettings(apns=[apple]), self.pushed)
        self.seen = Duplicates()
        self.outcomes: asyncio.Queue[Outcome] = asyncio.Queue()

    async def webhook(self, request: web.Request) -> web.Response:
        try:
            event = receive(request.headers, await request.read(), [SECRET], seen=self.seen)
        except WebhookRejected as rejected:
            return web.Response(status=rejected.status)
        if event is not None:
            person, payload, now = event.person_id, event.apns_payload, time.time()
            for token in self.tokens.get(person, set()):
                phone = Device(
                    token, person, Provider.APNS, APP, Environment.PRODUCTION, token, now
                )
                self.dispatcher.send(Push(str(uuid4()), phone, payload, event.until, now))
        return web.Response()

    def pushed(self, outcome: Outcome) -> None:
        self.outcomes.put_nowait(outcome)
        if outcome.kind is OutcomeKind.TOKEN_DEAD:
            self.tokens[outcome.push.device.person_id].discard(outcome.push.device.token)


@pytest.fixture
async def apns() -> AsyncIterator[ApnsServer]:
    async with ApnsServer(apps=[APP]) as server:
        yield server


@pytest.fixture
async def backend(apns: ApnsServer) -> AsyncIterator[MyBackend]:
    apple = ApnsApp(
        app=APP,
        team_id=apns.key.team_id,
        key_id=apns.key.key_id,
        key_file=str(apns.key.file),
        host=apns.host,
        port=apns.port,
        ca=str(apns.ca_path),
    )
    backend = MyBackend(apple)
    await backend.dispatcher.start()
    yield backend
    await backend.dispatcher.stop()


@pytest.fixture
async def cloud(backend: MyBackend) -> AsyncIterator[WebhookSender]:
    app = web.Application()
    app.router.add_post("/webhook", backend.webhook)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/webhook"
    async with WebhookSender(url, SECRET) as cloud:
        yield cloud
    await runner.cleanup()


async def test_a_call_wakes_the_phone(
    backend: MyBackend, cloud: WebhookSender, apns: ApnsServer
) -> None:
    backend.tokens[ALICE] = {"ab" * 32}
    assert await cloud.telephony_push(ALICE, caller_name="Carol", caller_number="1003") == 200
    push = await apns.next_push()
    assert push.token == "ab" * 32
    assert push.payload["displayName"] == "Carol"
    assert push.body == bytes(cloud.sent[-1].data.apnsPayload)


async def test_a_call_that_is_told_twice_is_pushed_once(
    backend: MyBackend, cloud: WebhookSender, apns: ApnsServer
) -> None:
    backend.tokens[ALICE] = {"ab" * 32}
    await cloud.telephony_push(ALICE, caller_name="Carol", caller_number="1003")
    assert await cloud.repeat() == 200
    await cloud.telephony_push(ALICE, caller_name="Dave", caller_number="1004")
    names = [(await apns.next_push()).payload["displayName"] for _ in range(2)]
    assert names == ["Carol", "Dave"]


async def test_a_phone_that_is_gone_is_forgotten(
    backend: MyBackend, cloud: WebhookSender, apns: ApnsServer
) -> None:
    backend.tokens[ALICE] = {"ab" * 32, "cd" * 32}
    apns.answer(410, "Unregistered", token="ab" * 32, timestamp=int(time.time() * 1000))
    await cloud.telephony_push(ALICE, caller_name="Carol", caller_number="1003")
    assert (await apns.next_push()).token == "cd" * 32
    for _ in range(2):
        await asyncio.wait_for(backend.outcomes.get(), 5)
    assert backend.tokens[ALICE] == {"cd" * 32}


async def test_a_stranger_wakes_nobody(
    backend: MyBackend, cloud: WebhookSender, apns: ApnsServer
) -> None:
    backend.tokens[ALICE] = {"ab" * 32}
    cloud.secret = "another one"
    assert await cloud.telephony_push(ALICE, caller_name="Mallory", caller_number="1") == 401
    assert apns.pushes == []
