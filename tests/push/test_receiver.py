"""The receiver by itself, for people who have a backend of their own."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import aclosing, suppress

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.push.receiver import (
    Duplicates,
    Rejection,
    WebhookReceiver,
    WebhookRejected,
    receive,
)
from offhook.serving.listener import Listener, bind
from push.backend import ALICE, SECRET, event, payload, signed


def test_a_plain_function_gives_the_call_and_gives_it_once() -> None:
    seen = Duplicates()
    body = event(ALICE)
    call = receive(signed(body), body, [SECRET], seen=seen)
    assert call is not None
    assert call.person_id == ALICE.uuid
    assert call.actor_id == ALICE.id
    assert json.loads(call.fcm_payload)["callId"] == "call-1"
    assert call.fcm_payload in body
    assert receive(signed(body), body, [SECRET], seen=seen) is None


def test_what_is_not_about_a_call_is_none() -> None:
    body = event(ALICE, resource="messages", data={"id": "1"})
    assert receive(signed(body), body, [SECRET]) is None


@pytest.mark.parametrize(
    ("headers", "reason", "status"),
    [
        ({}, Rejection.UNSIGNED, 401),
        ({"x-spark-signature": "0" * 40}, Rejection.FORGED, 401),
    ],
)
def test_what_cannot_be_believed_is_rejected_with_the_answer_to_give(
    headers: dict[str, str], reason: Rejection, status: int
) -> None:
    with pytest.raises(WebhookRejected) as rejected:
        receive(headers, event(ALICE), [SECRET])
    assert (rejected.value.reason, rejected.value.status) == (reason, status)


def test_without_any_secret_nothing_is_believed() -> None:
    body = event(ALICE)
    with pytest.raises(WebhookRejected):
        receive(signed(body, ""), body, [])


def test_a_replay_is_rejected_by_the_time_of_its_signature() -> None:
    body = event(ALICE)
    headers = signed(body, event_id="msg_1")
    assert receive(headers, body, [SECRET], now=time.time() + 299)
    with pytest.raises(WebhookRejected) as rejected:
        receive(headers, body, [SECRET], now=time.time() + 302)
    assert rejected.value.reason is Rejection.REPLAYED


def test_after_ten_minutes_a_delivery_is_not_remembered() -> None:
    seen = Duplicates()
    body = event(ALICE)
    assert receive(signed(body), body, [SECRET], seen=seen, now=1000)
    assert receive(signed(body), body, [SECRET], seen=seen, now=1599) is None
    assert receive(signed(body), body, [SECRET], seen=seen, now=1601)


def test_no_ring_window_is_longer_than_two_minutes() -> None:
    call = payload(ringUntil=10**15)
    body = event(ALICE, data={"apnsPayload": call, "fcmPayload": call})
    received = receive(signed(body), body, [SECRET], now=1000)
    assert received is not None
    assert received.until == 1120


def test_a_payload_for_one_kind_of_phone_alone_is_a_call() -> None:
    body = event(ALICE, data={"fcmPayload": payload()})
    call = receive(signed(body), body, [SECRET])
    assert call is not None
    assert call.apns_payload == b""
    assert call.until > time.time() + 20


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=6,
)


@given(
    st.binary(max_size=200)
    | st.fixed_dictionaries(
        {},
        optional={
            "id": JSON,
            "name": st.just("calls"),
            "resource": st.just("telephony_push") | JSON,
            "event": st.just("updated"),
            "actorId": st.just(ALICE.id) | JSON,
            "data": JSON
            | st.fixed_dictionaries(
                {}, optional={"apnsPayload": JSON, "fcmPayload": JSON | st.just({"ringUntil": 1})}
            ),
        },
    ).map(lambda value: json.dumps(value).encode())
)
def test_whatever_is_signed_is_a_call_nothing_or_rejected(body: bytes) -> None:
    call = None
    with suppress(WebhookRejected):
        call = receive(signed(body), body, [SECRET], now=1000)
    assert call is None or call.until <= 1120


@given(
    st.dictionaries(
        st.sampled_from(["X-Spark-Signature", "webhook-id", "webhook-timestamp"])
        | st.just("Webhook-Signature"),
        st.text(max_size=60),
    )
)
def test_whatever_is_said_to_be_a_signature_is_not_believed(headers: dict[str, str]) -> None:
    with pytest.raises(WebhookRejected) as rejected:
        receive(headers, event(ALICE), [SECRET])
    assert rejected.value.status == 401


async def test_an_asgi_application_in_one_line_yields_calls_after_it_has_answered() -> None:
    receiver = WebhookReceiver([SECRET])
    async with served(receiver) as url, aiohttp.ClientSession() as http:
        body = event(ALICE)
        for _ in range(2):
            async with http.post(url, data=body, headers=signed(body)) as answer:
                assert answer.status == 200
        other = event(ALICE)
        async with http.post(url, data=other, headers=signed(other)) as answer:
            assert answer.status == 200
        async with asyncio.timeout(5), aclosing(receiver.__aiter__()) as calls:
            assert (await anext(calls)).apns_payload in body
            assert (await anext(calls)).apns_payload in other


async def test_what_is_not_accepted_may_come_again() -> None:
    accepted = []

    async def accept(call: object) -> None:
        if not accepted:
            accepted.append(None)
            raise RuntimeError("the disk is full")
        accepted.append(call)

    counted: list[str] = []
    receiver = WebhookReceiver([SECRET], accept, count=counted.append)
    async with served(receiver) as url, aiohttp.ClientSession() as http:
        body = event(ALICE)
        async with http.post(url, data=body, headers=signed(body)) as answer:
            assert answer.status == 500
        async with http.post(url, data=body, headers=signed(body)) as answer:
            assert answer.status == 200
    assert counted == ["accepted"]


async def test_secrets_can_be_replaced_while_it_runs() -> None:
    receiver = WebhookReceiver([SECRET])
    async with served(receiver) as url, aiohttp.ClientSession() as http:
        receiver.secrets = ["another secret"]
        body = event(ALICE)
        async with http.post(url, data=body, headers=signed(body)) as answer:
            assert answer.status == 401
        async with http.post(url, data=body, headers=signed(body, "another secret")) as answer:
            assert answer.status == 200


async def test_it_can_be_served_by_itself() -> None:
    said: list[str] = []
    told = iter(["lifespan.startup", "lifespan.shutdown"])

    async def hear() -> dict[str, str]:
        return {"type": next(told)}

    async def say(message: dict[str, str]) -> None:
        said.append(message["type"])

    await WebhookReceiver([SECRET])({"type": "lifespan"}, hear, say)  # type: ignore[arg-type]
    assert said == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


class served:  # noqa: N801 - used as a function
    """An ASGI application on a port of loopback."""

    def __init__(self, app: object) -> None:
        self._listener = Listener(app, bind("127.0.0.1", 0))  # type: ignore[arg-type]

    async def __aenter__(self) -> str:
        await self._listener.start()
        host, port = self._listener.address
        return f"http://{host}:{port}/"

    async def __aexit__(self, *_: object) -> None:
        await self._listener.stop()
