"""From the webhook to Apple, with nothing in between left out."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from offhook.push.app import PushBackend
from offhook.testing.apns import ApnsServer
from push.backend import (
    ALICE,
    APNS_TOKEN,
    BUNDLE,
    Backend,
    People,
    RecordingSender,
    config,
    event,
    signed,
)


@pytest.fixture
async def apns() -> AsyncIterator[ApnsServer]:
    async with ApnsServer(apps=[BUNDLE]) as server:
        yield server


@pytest.fixture
async def chain(people: People, apns: ApnsServer, tmp_path: Path) -> AsyncIterator[Backend]:
    """A backend as it is deployed, whose Apple is a stand-in."""
    app = {
        "app": BUNDLE,
        "team_id": apns.key.team_id,
        "key_id": apns.key.key_id,
        "key_file": str(apns.key.file),
        "host": apns.host,
        "port": apns.port,
        "ca": str(apns.ca_path),
    }
    backend = PushBackend(config(tmp_path, people.url, providers={"apns": [app]}))
    await backend.start()
    try:
        async with aiohttp.ClientSession() as http:
            yield Backend(backend, RecordingSender(lambda outcome: None), http)
    finally:
        await backend.stop()


async def test_a_webhook_becomes_a_push_with_its_payload_byte_for_byte(
    chain: Backend, apns: ApnsServer
) -> None:
    await chain.register(ALICE)
    body = event(ALICE)
    await chain.post(body, signed(body))
    push = await apns.next_push()
    assert push.token == APNS_TOKEN
    assert push.body in body
    assert push.headers["apns-topic"] == f"{BUNDLE}.voip"
    assert abs(int(push.headers["apns-expiration"]) - (time.time() + 30)) < 3
    await chain.until("outcomes_total", 1, outcome="sent")
    assert chain.service.history.pushes[0].seconds < 5


async def test_a_token_that_apple_calls_dead_is_dropped_and_not_pushed_again(
    chain: Backend, apns: ApnsServer
) -> None:
    await chain.register(ALICE)
    now = int(time.time() * 1000) + 1000
    apns.answer(token=APNS_TOKEN, status=410, reason="Unregistered", timestamp=now)
    await chain.ring(ALICE)
    await chain.until("tokens_dropped_total", 1)
    assert await chain.devices(ALICE) == []
    requests = apns.requests
    await chain.ring(ALICE)
    await chain.until("calls_total", 1, result="no_device")
    assert apns.requests == requests


async def test_an_app_that_is_not_configured_is_an_alarm(chain: Backend) -> None:
    await chain.register(ALICE, app="org.example.other")
    await chain.ring(ALICE)
    await chain.until("outcomes_total", 1, outcome="misconfigured")
    assert chain.service.history.alarms[0].app == "org.example.other"
