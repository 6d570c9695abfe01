"""A call comes in by webhook, and the phones of who is called are pushed."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from pathlib import Path

import pytest

from push.backend import (
    ALICE,
    APNS_TOKEN,
    BOB,
    FCM_TOKEN,
    SECRET,
    Backend,
    config,
    event,
    payload,
    signed,
    started,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_call_reaches_the_phone_of_who_is_called_with_its_payload_byte_for_byte(
    backend: Backend,
) -> None:
    await backend.register(ALICE)
    body = event(ALICE)
    answer = await backend.post(body, signed(body))
    assert (answer.status, answer.json) == (200, {"status": "accepted"})
    push = await backend.sender.next()
    assert push.device.token == APNS_TOKEN
    assert push.payload in body
    assert json.loads(push.payload) == json.loads(body)["data"]["apnsPayload"]
    assert push.tracking_id == "TRACK_1"


async def test_each_of_two_devices_gets_the_payload_of_its_kind(backend: Backend) -> None:
    await backend.register(ALICE, "iphone")
    await backend.register(ALICE, "android", provider="fcm", token=FCM_TOKEN)
    body = event(ALICE)
    await backend.post(body, signed(body))
    pushes = {push.device.provider: push for push in [await backend.sender.next() for _ in "12"]}
    data = json.loads(body)["data"]
    assert json.loads(pushes["apns"].payload) == data["apnsPayload"]
    assert json.loads(pushes["fcm"].payload) == data["fcmPayload"]
    assert pushes["apns"].push_id != pushes["fcm"].push_id


async def test_only_who_is_called_is_pushed(backend: Backend) -> None:
    await backend.register(ALICE)
    await backend.register(BOB, token="cd" * 32)
    await backend.ring(BOB)
    assert (await backend.sender.next()).device.person_id == BOB.uuid
    assert backend.sender.pushes.empty()


async def test_a_push_ends_with_the_ring_window_of_its_payload(backend: Backend) -> None:
    await backend.register(ALICE)
    ends = int((time.time() + 17) * 1000)
    call = payload(ringUntil=ends)
    await backend.ring(ALICE, data={"apnsPayload": call, "fcmPayload": call})
    assert (await backend.sender.next()).until == ends / 1000


async def test_a_payload_that_says_nothing_of_its_window_is_pushed_for_thirty_seconds(
    backend: Backend,
) -> None:
    await backend.register(ALICE)
    opaque = {"bsft": [1, 2, {"ringUntil": "soon"}], "ringUntil": "soon"}
    await backend.ring(ALICE, data={"apnsPayload": opaque, "fcmPayload": opaque})
    push = await backend.sender.next()
    assert push.until == push.received + 30


async def test_a_call_whose_window_is_over_is_not_pushed(backend: Backend) -> None:
    await backend.register(ALICE)
    call = payload(ringUntil=int((time.time() - 1) * 1000))
    answer = await backend.ring(ALICE, data={"apnsPayload": call, "fcmPayload": call})
    assert answer.status == 200
    await backend.until("calls_total", 1, result="too_late")
    assert backend.sender.pushes.empty()


async def test_a_call_to_somebody_without_a_device_is_acknowledged_and_counted(
    backend: Backend,
) -> None:
    assert (await backend.ring(ALICE)).status == 200
    await backend.until("calls_total", 1, result="no_device")


async def test_the_sender_is_answered_before_the_push_has_an_outcome(backend: Backend) -> None:
    await backend.register(ALICE)
    backend.sender.answer = lambda push: None
    assert (await backend.ring(ALICE)).status == 200
    await backend.sender.next()
    await backend.until("calls_open", 1)


async def test_a_delivery_that_comes_twice_rings_once(backend: Backend) -> None:
    await backend.register(ALICE)
    body = event(ALICE)
    first = await backend.post(body, signed(body, event_id="msg_1"))
    again = await backend.post(body, signed(body, event_id="msg_1"))
    assert (first.status, again.status) == (200, 200)
    assert again.json == {"status": "duplicate"}
    await backend.sender.next()
    assert backend.sender.pushes.empty()
    assert await backend.figure("webhooks_unneeded_total", reason="duplicate") == 1


async def test_the_same_call_by_two_webhooks_rings_once(backend: Backend) -> None:
    await backend.register(ALICE)
    data = json.loads(event(ALICE))["data"]
    await backend.ring(ALICE, id="webhook-of-the-organisation", data=data)
    answer = await backend.ring(ALICE, id="webhook-of-its-creator", data=data)
    assert answer.json == {"status": "duplicate"}


async def test_a_second_push_of_the_same_call_is_pushed_again(backend: Backend) -> None:
    await backend.register(ALICE)
    await backend.ring(ALICE)
    await backend.ring(ALICE)
    first, second = await backend.sender.next(), await backend.sender.next()
    assert first.push_id != second.push_id
    assert json.loads(first.payload)["callId"] == json.loads(second.payload)["callId"]


async def test_twenty_deliveries_of_one_event_at_the_same_time_ring_once(backend: Backend) -> None:
    await backend.register(ALICE)
    body = event(ALICE)
    answers = await asyncio.gather(*(backend.post(body, signed(body)) for _ in range(20)))
    assert {answer.status for answer in answers} == {200}
    await backend.sender.next()
    assert backend.sender.pushes.empty()


async def test_a_forged_call_is_refused_counted_and_rings_nobody(backend: Backend) -> None:
    await backend.register(ALICE)
    body = event(ALICE)
    answer = await backend.post(body, signed(body, "another secret"))
    assert answer.status == 401
    assert "secret" in answer.json["message"]
    assert await backend.figure("webhooks_rejected_total", reason="forged") == 1
    assert backend.sender.pushes.empty()


async def test_a_changed_body_is_refused(backend: Backend) -> None:
    body = event(ALICE)
    answer = await backend.post(body.replace(b"Carol", b"Chuck"), signed(body))
    assert answer.status == 401


async def test_an_unsigned_call_is_refused(backend: Backend) -> None:
    answer = await backend.post(event(ALICE), {"content-type": "application/json"})
    assert answer.status == 401
    assert await backend.figure("webhooks_rejected_total", reason="unsigned") == 1


async def test_a_call_that_was_recorded_and_is_sent_again_later_is_refused(
    backend: Backend,
) -> None:
    await backend.register(ALICE)
    body = event(ALICE)
    answer = await backend.post(body, signed(body, event_id="msg_1", at=time.time() - 400))
    assert answer.status == 401
    assert await backend.figure("webhooks_rejected_total", reason="replayed") == 1
    assert backend.sender.pushes.empty()


async def test_while_a_secret_is_replaced_both_are_good(tmp_path: Path) -> None:
    settings = config(tmp_path, "http://127.0.0.1:9", secrets=["the new secret", SECRET])
    async with started(settings) as backend:
        assert (await backend.ring(ALICE, SECRET)).status == 200
        assert (await backend.ring(ALICE, "the new secret")).status == 200
        assert (await backend.ring(ALICE, "no secret at all")).status == 401


async def test_what_is_no_event_is_told_why(backend: Backend) -> None:
    for body, words in [
        (b"{", "cannot be read"),
        (b"[]", "cannot be read"),
        (b"[" * 5000, "cannot be read"),
        (event(ALICE, actorId="nobody"), "actorId"),
        (event(ALICE, actorId=""), "actorId"),
        (event(ALICE, data={}), "payload"),
        (event(ALICE, data={"apnsPayload": "text", "fcmPayload": {}}), "payload"),
        (event(ALICE, data="text"), "data"),
    ]:
        answer = await backend.post(body, signed(body))
        assert answer.status == 400, body
        assert words in answer.json["message"], answer.text
    assert await backend.figure("webhooks_rejected_total", reason="malformed") == 8


async def test_what_is_too_large_or_not_posted_is_refused(backend: Backend) -> None:
    body = event(ALICE, name="x" * 300_000)
    assert (await backend.post(body, signed(body))).status == 413
    answer = await backend.request("GET", "/webhook")
    assert (answer.status, answer.headers["allow"]) == (405, "POST")


async def test_events_of_other_resources_are_acknowledged_and_nothing_else(
    backend: Backend,
) -> None:
    await backend.register(ALICE)
    answer = await backend.ring(ALICE, resource="telephony_calls", event="created", data={})
    assert (answer.status, answer.json) == (200, {"status": "ignored"})
    assert await backend.figure("webhooks_unneeded_total", reason="ignored") == 1
    assert backend.sender.pushes.empty()


async def test_no_log_line_holds_a_name_a_number_or_a_token(
    backend: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, logger="offhook"):
        await backend.register(ALICE)
        await backend.ring(ALICE)
        await backend.ring(ALICE, "wrong secret")
        await backend.ring(BOB)
        await backend.until("calls_total", 2)
    facts = [getattr(record, "facts", {}) for record in caplog.records]
    assert any(fact.get("outcome") == "sent" for fact in facts)
    everything = caplog.text + repr(facts)
    for secret in ("Carol", "2025550123", APNS_TOKEN, SECRET, "alice's token"):
        assert secret not in everything
