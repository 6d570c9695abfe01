"""Phones register, refresh and remove the token that wakes them; dead ones are dropped."""

from __future__ import annotations

import time

import pytest

from push.backend import (
    ADMIN,
    ALICE,
    APNS_TOKEN,
    BOB,
    BUNDLE,
    FCM_TOKEN,
    Backend,
    dead,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_phone_is_registered_shown_to_its_owner_and_removed(backend: Backend) -> None:
    answer = await backend.register(ALICE, environment="sandbox")
    assert answer.status == 201
    (device,) = await backend.devices(ALICE)
    assert device == answer.json
    assert device["installationId"] == "phone-1"
    assert (device["provider"], device["app"]) == ("apns", BUNDLE)
    assert device["environment"] == "sandbox"
    assert "token" not in device
    assert await backend.devices(BOB) == []
    path = "/v1/devices/phone-1"
    assert (await backend.request("DELETE", path, headers=BOB.bearer)).status == 404
    assert (await backend.request("DELETE", path, headers=ALICE.bearer)).status == 204
    assert await backend.devices(ALICE) == []


async def test_without_the_access_token_of_a_person_nothing_is_registered(
    backend: Backend,
) -> None:
    body = {"provider": "apns", "token": APNS_TOKEN, "app": BUNDLE}
    for headers in (
        {},
        {"authorization": "Bearer of bad news"},
        {"authorization": f"Bearer {ADMIN}"},
        {"authorization": "Basic YWxpY2U6eA=="},
        {"authorization": f"Bearer {'x' * 5000}"},
    ):
        answer = await backend.request("PUT", "/v1/devices/a", json=body, headers=headers)
        assert answer.status == 401
        assert answer.json["trackingId"] == answer.headers["trackingid"]
    assert await backend.service.registry.count() == 0


@pytest.mark.parametrize(
    ("installation", "changes", "words"),
    [
        ("phone 1", {}, "installationId"),
        ("x" * 129, {}, "installationId"),
        ("compat:1", {}, "compat:"),
        ("phone-1", {"token": "no hexadecimal"}, "hexadecimal"),
        ("phone-1", {"token": ""}, "hexadecimal"),
        ("phone-1", {"app": "../etc"}, "bundle id"),
        ("phone-1", {"provider": "pigeon"}, "provider"),
        ("phone-1", {"environment": "moon"}, "environment"),
        ("phone-1", {"provider": "fcm", "token": "a b"}, "FCM"),
        ("phone-1", {"provider": "fcm", "token": FCM_TOKEN, "environment": "sandbox"}, "FCM"),
    ],
)
async def test_what_cannot_be_a_device_is_refused_with_a_sentence(
    backend: Backend, installation: str, changes: dict[str, str], words: str
) -> None:
    answer = await backend.register(ALICE, installation, **changes)
    assert answer.status == 400
    assert words in answer.json["message"]


async def test_a_token_that_is_refreshed_between_two_calls_gets_the_second(
    backend: Backend,
) -> None:
    assert (await backend.register(ALICE)).status == 201
    await backend.ring(ALICE)
    assert (await backend.sender.next()).device.token == APNS_TOKEN
    assert (await backend.register(ALICE, token="cd" * 32)).status == 200
    await backend.ring(ALICE)
    assert (await backend.sender.next()).device.token == "cd" * 32
    assert backend.sender.pushes.empty()


async def test_a_phone_that_somebody_else_signs_into_rings_for_them_only(
    backend: Backend,
) -> None:
    await backend.register(ALICE, "before")
    await backend.ring(ALICE)
    await backend.sender.next()
    await backend.register(BOB, "after")
    assert await backend.devices(ALICE) == []
    await backend.ring(ALICE)
    await backend.until("calls_total", 1, result="no_device")
    await backend.ring(BOB)
    assert (await backend.sender.next()).device.person_id == BOB.uuid


async def test_a_dead_token_is_dropped(backend: Backend) -> None:
    await backend.register(ALICE)
    backend.sender.answer = dead
    await backend.ring(ALICE)
    await backend.until("tokens_dropped_total", 1)
    assert await backend.devices(ALICE) == []


async def test_a_token_that_was_registered_again_since_its_push_is_kept(
    backend: Backend,
) -> None:
    await backend.register(ALICE)
    backend.sender.answer = lambda push: None
    await backend.ring(ALICE)
    push = await backend.sender.next()
    await backend.register(ALICE)
    backend.sender.tell(dead(push))
    await backend.until("outcomes_total", 1, outcome="token_dead")
    assert len(await backend.devices(ALICE)) == 1


async def test_a_token_is_dropped_only_if_it_died_after_it_was_registered(
    backend: Backend,
) -> None:
    await backend.register(ALICE)
    before = time.time() - 60
    backend.sender.answer = lambda push: dead(push, since=before)
    await backend.ring(ALICE)
    await backend.until("outcomes_total", 1, outcome="token_dead")
    assert len(await backend.devices(ALICE)) == 1
    backend.sender.answer = lambda push: dead(push, since=time.time())
    await backend.ring(ALICE)
    await backend.until("tokens_dropped_total", 1)
    assert await backend.devices(ALICE) == []


async def test_a_new_token_survives_the_death_of_the_one_before(backend: Backend) -> None:
    await backend.register(ALICE)
    backend.sender.answer = lambda push: None
    await backend.ring(ALICE)
    push = await backend.sender.next()
    await backend.register(ALICE, token="cd" * 32)
    backend.sender.tell(dead(push, since=time.time()))
    await backend.until("outcomes_total", 1, outcome="token_dead")
    assert len(await backend.devices(ALICE)) == 1
