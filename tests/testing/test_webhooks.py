"""Signed webhooks, at a receiver that checks them and at a backend that runs."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import web

from offhook.testing import WebhookSender
from offhook.wire.ids import ResourceKind, decode_id, encode_id
from offhook.wire.webhook_signature import SignatureError, Verified, verify

SECRET = "a secret of the webhook"
PERSON = str(uuid4())


@dataclass
class Receiver:
    """Keeps what is posted to it."""

    url: str = ""
    status: int = 200
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.got.append((dict(request.headers), await request.read()))
        return web.Response(status=self.status)

    def verified(self, place: int = -1, secret: str = SECRET) -> Verified:
        headers, body = self.got[place]
        return verify(headers, body, [secret], time.time())

    def event(self, place: int = -1) -> Any:
        return json.loads(self.got[place][1])


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    it = Receiver()
    app = web.Application()
    app.router.add_post("/webhook", it.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    it.url = f"http://127.0.0.1:{runner.addresses[0][1]}/webhook"
    try:
        yield it
    finally:
        await runner.cleanup()


@pytest.fixture
async def cloud(receiver: Receiver) -> AsyncIterator[WebhookSender]:
    async with WebhookSender(receiver.url, SECRET) as it:
        yield it


async def call(cloud: WebhookSender, person: str = PERSON, **more: Any) -> int:
    return await cloud.telephony_push(
        person, caller_name="Zoë Caller", caller_number="+12025550123", **more
    )


async def test_a_call_is_told_of_as_the_cloud_does(
    receiver: Receiver, cloud: WebhookSender
) -> None:
    before = time.time()
    assert await call(cloud, call_id="call-1", tracking_id="TRACK_1", ring_seconds=20) == 200
    event = receiver.event()
    assert (event["resource"], event["event"]) == ("telephony_push", "updated")
    assert (event["targetUrl"], event["ownedBy"]) == (receiver.url, "org")
    assert decode_id(event["actorId"]).uuid == PERSON
    for_apple, for_google = event["data"]["apnsPayload"], event["data"]["fcmPayload"]
    assert for_apple == {**for_google, "aps": {}}
    assert for_google["displayName"] == "Zoë Caller"
    assert for_google["displayNumber"] == "+12025550123"
    assert (for_google["callId"], for_google["externalTrackingId"]) == ("call-1", "TRACK_1")
    assert 19 < for_google["ringUntil"] / 1000 - before < 21
    assert bytes(cloud.sent[-1].data.fcmPayload) in receiver.got[-1][1]


async def test_it_is_signed_in_both_ways(receiver: Receiver, cloud: WebhookSender) -> None:
    await call(cloud)
    assert receiver.verified().event_id
    with pytest.raises(SignatureError):
        receiver.verified(secret="another one")


async def test_webex_signs_in_one_way(receiver: Receiver) -> None:
    async with WebhookSender(receiver.url, SECRET, like_webex=True) as cloud:
        await call(cloud)
    assert receiver.verified().event_id == ""
    assert "webhook-signature" not in {name.lower() for name in receiver.got[0][0]}


async def test_each_push_is_another_event_and_a_repetition_is_the_same(
    receiver: Receiver, cloud: WebhookSender
) -> None:
    await call(cloud, call_id="call-1")
    await cloud.repeat()
    await call(cloud, call_id="call-1")
    assert receiver.got[0][1] == receiver.got[1][1]
    assert receiver.verified(0).event_id == receiver.verified(1).event_id
    assert receiver.verified(2).event_id != receiver.verified(0).event_id
    first, _, third = (receiver.event(place)["data"]["fcmPayload"] for place in range(3))
    assert first["callId"] == third["callId"]
    assert first["pushId"] != third["pushId"]


async def test_an_id_that_is_encoded_stays_as_it_is(
    receiver: Receiver, cloud: WebhookSender
) -> None:
    encoded = encode_id(ResourceKind.PEOPLE, PERSON)
    await call(cloud, encoded)
    assert receiver.event()["actorId"] == encoded


async def test_anything_can_be_sent_and_the_answer_is_told(
    receiver: Receiver, cloud: WebhookSender
) -> None:
    receiver.status = 503
    assert await cloud.send_raw(b"\x00 not json", {"X-Spark-Signature": "0"}) == 503
    assert receiver.got[-1][1] == b"\x00 not json"
    with pytest.raises(SignatureError):
        receiver.verified()
    data = b'{ "state":"alerting" }'
    assert await cloud.event("telephony_calls", "created", PERSON, data) == 503
    assert data in receiver.got[-1][1]
    assert receiver.event()["resource"] == "telephony_calls"


async def test_it_is_used_in_a_block() -> None:
    with pytest.raises(RuntimeError, match="async with"):
        await WebhookSender("http://127.0.0.1:1/", SECRET).send_raw(b"", {})
