"""Phones register, refresh and remove the token that wakes them; dead ones are dropped."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from offhook.serving.address import ConfigError
from push.backend import (
    ADMIN,
    ALICE,
    APNS_TOKEN,
    BOB,
    BUNDLE,
    FCM_TOKEN,
    Backend,
    People,
    config,
    dead,
    started,
)


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


async def test_the_cloud_is_asked_once_a_minute_who_somebody_is(
    backend: Backend, people: People
) -> None:
    await asyncio.gather(*(backend.devices(ALICE) for _ in range(5)))
    await backend.devices(ALICE)
    assert people.asked == 1


async def test_while_the_cloud_cannot_say_who_it_is_the_app_is_told_to_try_again(
    backend: Backend, people: People
) -> None:
    people.status = 502
    answer = await backend.register(ALICE)
    assert answer.status == 503
    assert int(answer.headers["retry-after"]) > 0
    people.status = 200
    assert (await backend.register(ALICE)).status == 201


async def test_who_guesses_access_tokens_has_to_wait(people: People, tmp_path: Path) -> None:
    settings = config(tmp_path, people.url, limits={"refused": 3, "refused_seconds": 600})
    async with started(settings) as backend:
        statuses = [
            (await backend.request("GET", "/v1/devices", headers={"authorization": f"Bearer {n}"}))
            for n in range(4)
        ]
        assert [answer.status for answer in statuses] == [401, 401, 401, 429]
        assert people.asked == 3


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


async def test_of_too_many_phones_the_one_registered_longest_ago_goes(
    people: People, tmp_path: Path
) -> None:
    settings = config(tmp_path, people.url, limits={"devices_per_person": 2})
    async with started(settings) as backend:
        for number in "abc":
            await backend.register(ALICE, number, token=f"0{number}" * 32)
        assert [each["installationId"] for each in await backend.devices(ALICE)] == ["b", "c"]


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


async def test_neither_tokens_nor_callers_can_be_read_in_the_database(
    people: People, tmp_path: Path
) -> None:
    async with started(config(tmp_path, people.url)) as backend:
        await backend.register(ALICE)
        backend.sender.answer = lambda push: None
        await backend.ring(ALICE)
        await backend.sender.next()
    kept = b"".join(file.read_bytes() for file in tmp_path.glob("push.db*"))
    assert ALICE.uuid.encode() in kept
    for secret in (APNS_TOKEN, "Carol", "2025550123"):
        assert secret.encode() not in kept
    assert (tmp_path / "tokens.key").stat().st_mode & 0o777 == 0o600


async def test_of_a_call_that_is_done_nothing_is_left_but_that_it_was_there(
    people: People, tmp_path: Path
) -> None:
    async with started(config(tmp_path, people.url)) as backend:
        await backend.register(ALICE)
        await backend.ring(ALICE)
        await backend.sender.next()
    with sqlite3.connect(tmp_path / "push.db") as database:
        rows = database.execute("select done, data from push_inbox").fetchall()
    database.close()
    assert rows == [(1, None)]


async def test_with_a_new_key_before_it_the_old_one_can_be_taken_away_after_a_start(
    people: People, tmp_path: Path
) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    async with started(config(tmp_path, people.url, encryption_keys=[old])) as backend:
        await backend.register(ALICE)
    async with started(config(tmp_path, people.url, encryption_keys=[new, old])):
        pass
    async with started(config(tmp_path, people.url, encryption_keys=[new])) as backend:
        await backend.ring(ALICE)
        assert (await backend.sender.next()).device.token == APNS_TOKEN


async def test_without_its_key_a_device_is_counted_and_an_operator_told(
    people: People, tmp_path: Path
) -> None:
    async with started(config(tmp_path, people.url)) as backend:
        await backend.register(ALICE)
    (tmp_path / "tokens.key").unlink()
    async with started(config(tmp_path, people.url)) as backend:
        assert await backend.figure("devices_unreadable") == 1
        assert "key" in backend.service.warnings[0]
        await backend.ring(ALICE)
        await backend.until("calls_total", 1, result="no_device")
        assert (await backend.register(ALICE)).status == 200
        await backend.ring(ALICE)
        await backend.sender.next()


async def test_a_key_that_others_can_read_is_refused(people: People, tmp_path: Path) -> None:
    async with started(config(tmp_path, people.url)):
        pass
    (tmp_path / "tokens.key").chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        async with started(config(tmp_path, people.url)):
            pass


async def test_devices_are_kept_on_each_kind_of_database(
    people: People, tmp_path: Path, database_url: str
) -> None:
    settings = config(tmp_path / "data", people.url, database=database_url)
    async with started(settings) as backend:
        await backend.register(ALICE)
        await backend.register(ALICE)
        await backend.register(BOB, token="cd" * 32)
    async with started(settings) as backend:
        assert len(await backend.devices(ALICE)) == 1
        backend.sender.answer = dead
        await backend.ring(ALICE)
        await backend.until("tokens_dropped_total", 1)
        await backend.register(BOB, "again", token="cd" * 32)
        assert [each["installationId"] for each in await backend.devices(BOB)] == ["again"]
