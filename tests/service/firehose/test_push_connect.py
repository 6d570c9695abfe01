"""A push backend is connected to a phone service, and its webhook looked after."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from offhook.engine.exchange.model import CallRecord, EndReason
from offhook.engine.firehose_link import Wanted
from offhook.push.cloud_errors import NotAllowedError
from offhook.push.cloud_http import OneToken
from offhook.push.connect import Connection, connect
from offhook.push.last_seen import LastSeen
from offhook.push.watcher import WatchSettings, WebhookWatcher
from offhook.push.webhook_client import WebhookClient
from offhook.service.firehose.event import FirehoseEvent
from service.firehose.receiver import Receiver
from service.running import PEOPLE, App, Cloud

TARGET = "https://push.example.org/webhook"


async def connected(cloud: Cloud, who: str = "ada", **values: Any) -> tuple[Connection, list[str]]:
    """What `offhook push connect` comes to, and what kinds of things it said."""
    kinds: list[str] = []
    token = await cloud.token(who)
    async with WebhookClient(cloud.service.http_url, OneToken(token)) as client:
        connection = await connect(
            client,
            Wanted(**{"target": TARGET, "secret": "the backend's secret", **values}),
            tell=lambda step: kinds.append(step.kind),
            new_secret=lambda: "a new secret",
        )
    return connection, kinds


async def webhooks(cloud: Cloud) -> list[dict[str, Any]]:
    answer = await cloud.get("/v1/webhooks", token=await cloud.token("ada"))
    items: list[dict[str, Any]] = answer.json["items"]
    return items


async def test_connecting_makes_one_webhook_of_the_organisation_and_repairs_it(
    cloud: Cloud,
) -> None:
    with pytest.raises(NotAllowedError, match="administrator"):
        await connected(cloud, "bob")
    connection, kinds = await connected(cloud)
    assert (connection.is_connected, kinds) == (True, ["found", "create"])
    _, kinds = await connected(cloud)
    assert kinds == ["found", "unchanged"]
    _, kinds = await connected(cloud, target="https://new.example.org/", secret="another secret")
    assert kinds == ["found", "repair"]
    (webhook,) = await webhooks(cloud)
    assert webhook["targetUrl"] == "https://new.example.org/"
    assert (webhook["secret"], webhook["ownedBy"]) == ("another secret", "org")
    connection, kinds = await connected(cloud, name="Another backend")
    assert (connection.is_connected, kinds[-1]) == (False, "refused")
    connection, _ = await connected(cloud, name="Another backend", replace=True)
    assert connection.is_connected
    assert [each["targetUrl"] for each in await webhooks(cloud)] == [TARGET]


async def test_the_guides_own_webhook_is_known_again(cloud: Cloud) -> None:
    body = {
        "name": "Webex Calling XYZ Firehose",
        "targetUrl": TARGET,
        "resource": "telephony_push",
        "event": "updated",
    }
    await cloud.post("/v1/webhooks", token=await cloud.token("ada"), json=body)
    connection, kinds = await connected(cloud)
    assert (connection.is_connected, kinds) == (True, ["found", "repair"])
    (webhook,) = await webhooks(cloud)
    assert (webhook["name"], webhook["secret"]) == (body["name"], "the backend's secret")


async def disable(cloud: Cloud, receiver: Receiver) -> None:
    """Let a hundred deliveries fail."""
    receiver.always = 503
    data = b'{"apnsPayload": {}, "fcmPayload": {}}'
    bob = PEOPLE["bob"].entry().person_id
    for number in range(100):
        event = FirehoseEvent(
            "telephony_push", "updated", bob, data, time.time() + 20, f"call {number}"
        )
        cloud.service.firehose.publish(event)
    async with asyncio.timeout(10):
        while [each["status"] for each in await webhooks(cloud)] != ["inactive"]:
            await asyncio.sleep(0.02)


async def test_a_disabled_webhook_is_set_active_and_the_missed_calls_are_counted(
    cloud: Cloud, receiver: Receiver, tmp_path: Path
) -> None:
    await connected(cloud, target=receiver.url)
    await disable(cloud, receiver)
    receiver.always = 200
    tokens = await App(cloud).sign_in("ada")
    now = began = time.time()

    async def sleep(seconds: float) -> None:
        """Time passes at once, until the history must have been asked."""
        nonlocal now
        if now > began + 600:
            asleep.set()
            await asyncio.Event().wait()
        now += seconds

    asleep = asyncio.Event()
    seen = tmp_path / "seen"
    seen.touch()
    os.utime(seen, (now - 60, now - 60))
    alice, bob = (PEOPLE[name].entry().party for name in ("alice", "bob"))
    missed = CallRecord(
        "s1", "t1", alice, bob, "1002", now - 50, None, now - 5, EndReason.NO_ANSWER, "service"
    )
    await cloud.service.records.keep(missed)
    await cloud.service.records.keep(replace(missed, session_id="s2", answered=now - 20))
    settings = WatchSettings(
        target=receiver.url,
        token="expired",
        refresh_token=tokens["refresh_token"],
        client_id="offhook-demo",
    )
    watcher = WebhookWatcher(
        cloud.service.http_url,
        settings,
        last_seen=LastSeen(seen),
        clock=lambda: now,
        wall_clock=lambda: now,
        sleep=sleep,
    )
    await watcher.start()
    try:
        async with asyncio.timeout(20):
            await asleep.wait()
    finally:
        await watcher.stop()
    figures = {name: value() for _, name, _, value in watcher.figures}
    assert (watcher.condition, watcher.problem) == ("active", "")
    assert figures["push_webhook_reactivated"] == 1
    assert figures["push_calls_missed"] == 1
    assert [each["status"] for each in await webhooks(cloud)] == ["active"]
