"""Identity and keys: what takes a backend of its own, with a cloud or a key of its own."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from offhook.serving.address import ConfigError
from push.backend import (
    ALICE,
    APNS_TOKEN,
    BOB,
    People,
    config,
    dead,
    started,
)


def contents(folder: Path) -> bytes:
    """The database with its journal."""
    return b"".join(file.read_bytes() for file in folder.glob("push.db*"))


async def test_the_cloud_is_asked_once_a_minute_who_somebody_is(
    people: People, tmp_path: Path
) -> None:
    async with started(config(tmp_path, people.url)) as backend:
        await asyncio.gather(*(backend.devices(ALICE) for _ in range(5)))
        await backend.devices(ALICE)
        assert people.asked == 1


async def test_while_the_cloud_cannot_say_who_it_is_the_app_is_told_to_try_again(
    people: People, tmp_path: Path
) -> None:
    async with started(config(tmp_path, people.url)) as backend:
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


async def test_of_too_many_phones_the_one_registered_longest_ago_goes(
    people: People, tmp_path: Path
) -> None:
    settings = config(tmp_path, people.url, limits={"devices_per_person": 2})
    async with started(settings) as backend:
        for number in "abc":
            await backend.register(ALICE, number, token=f"0{number}" * 32)
        assert [each["installationId"] for each in await backend.devices(ALICE)] == ["b", "c"]


async def test_neither_tokens_nor_callers_can_be_read_in_the_database(
    people: People, tmp_path: Path
) -> None:
    async with started(config(tmp_path, people.url)) as backend:
        await backend.register(ALICE)
        backend.sender.answer = lambda push: None
        await backend.ring(ALICE)
        await backend.sender.next()
    kept = await asyncio.to_thread(contents, tmp_path)
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
        await backend.ring(BOB)
        await backend.until("calls_total", 1, result="no_device")
    with sqlite3.connect(tmp_path / "push.db") as database:
        rows = database.execute("select done, data from push_inbox").fetchall()
    database.close()
    assert rows == [(1, None)] * 2


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
