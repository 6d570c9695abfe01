"""The backend ends, is killed, or loses its disk between a webhook and its pushes."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from cryptography.fernet import Fernet
from sqlalchemy import text

from offhook.engine.dispatch.model import Environment, Outcome, OutcomeKind, Provider, Push
from offhook.push.cipher import Cipher
from offhook.push.delivery import Delivery
from offhook.push.figures import Figures
from offhook.push.history import History
from offhook.push.inbox import Inbox
from offhook.push.registry import DeviceRegistry, Registration
from offhook.push.store import MIGRATIONS
from offhook.push.webhook import call_event
from offhook.serving.address import ConfigError
from offhook.store import Database, open_database
from push import silent_backend
from push.backend import (
    ALICE,
    BOB,
    FCM_TOKEN,
    SECRET,
    Backend,
    People,
    RecordingSender,
    config,
    event,
    never,
    payload,
    sent,
    signed,
    started,
)

PHONE = Registration(
    "phone-1", Provider.APNS, "org.example.phone", Environment.PRODUCTION, "ab" * 32
)
KEY = Fernet.generate_key().decode()


async def test_a_call_whose_backend_is_killed_before_the_push_rings_after_the_next_start(
    people: People, tmp_path: Path
) -> None:
    settings = config(tmp_path, people.url)
    async with started(settings) as backend:
        await backend.register(ALICE)
    body = event(ALICE)
    headers = signed(body, event_id="msg_1")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        silent_backend.__file__,
        str(tmp_path),
        SECRET,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(20):
            url = (await process.stdout.readline()).decode().strip()
            async with (
                aiohttp.ClientSession() as http,
                http.post(f"{url}/webhook", data=body, headers=headers) as answer,
            ):
                assert answer.status == 200
            begun = (await process.stdout.readline()).decode().strip()
    finally:
        process.kill()
        await process.communicate()
    async with started(settings) as backend:
        push = await backend.sender.next()
        assert push.payload in body
        assert push.push_id == begun  # So that the phone knows the second from the first.
        assert await backend.figure("calls_resumed_total") == 1
        again = await backend.post(body, headers)
        assert again.json == {"status": "duplicate"}
        assert backend.sender.pushes.empty()
    async with started(settings) as backend:
        assert await backend.figure("calls_resumed_total") == 0
        assert backend.sender.pushes.empty()


async def test_what_was_pushed_is_not_pushed_again_after_a_restart(
    people: People, tmp_path: Path
) -> None:
    settings = config(tmp_path, people.url)
    async with started(settings) as backend:
        await backend.register(ALICE)
        await backend.ring(ALICE)
        await backend.sender.next()
    async with started(settings) as backend:
        assert await backend.figure("calls_resumed_total") == 0


async def test_of_two_devices_only_the_one_that_was_not_reached_is_pushed_after_a_restart(
    people: People, tmp_path: Path
) -> None:
    settings = config(tmp_path, people.url)

    def only_apple(push: Push) -> Outcome | None:
        return sent(push) if push.device.provider == "apns" else None

    async with started(settings) as backend:
        await backend.register(ALICE, "iphone")
        await backend.register(ALICE, "android", provider="fcm", token=FCM_TOKEN)
        backend.sender.answer = only_apple
        await backend.ring(ALICE)
        await backend.sender.next()
        await backend.sender.next()
    async with started(settings) as backend:
        assert (await backend.sender.next()).device.device_id == "android"
        assert backend.sender.pushes.empty()


async def test_what_the_sender_gave_up_because_the_backend_ends_is_tried_after_a_restart(
    people: People, tmp_path: Path
) -> None:
    settings = config(tmp_path, people.url)
    async with started(settings) as backend:
        await backend.register(ALICE)
        backend.sender.answer = never
        await backend.ring(ALICE)
        push = await backend.sender.next()
        backend.sender.at_the_end = [Outcome(push, OutcomeKind.SHED, 1, 0.1)]
    async with started(settings) as backend:
        assert (await backend.sender.next()).push_id == push.push_id


async def test_a_call_that_is_over_by_the_next_start_rings_nobody(
    people: People, tmp_path: Path
) -> None:
    settings = config(tmp_path, people.url)
    async with started(settings) as backend:
        await backend.register(ALICE)
        backend.sender.answer = never
        await backend.ring(ALICE)
        await backend.sender.next()
    await asyncio.to_thread(let_the_ring_end, tmp_path)
    async with started(settings) as backend:
        assert await backend.figure("calls_resumed_total") == 0
        assert backend.sender.pushes.empty()
        async with asyncio.timeout(5):  # Nothing of the caller is kept that nobody needs.
            while await asyncio.to_thread(kept, tmp_path) != [(None,)]:
                await asyncio.sleep(0.01)


def let_the_ring_end(data: Path) -> None:
    """As if the backend had been away for longer than the call rings."""
    database = sqlite3.connect(data / "push.db")
    try:
        database.execute("update push_inbox set until = ?", (time.time() - 1,))
        database.commit()
    finally:
        database.close()


def kept(data: Path) -> list[tuple[bytes | None]]:
    """What the inbox holds of its calls."""
    database = sqlite3.connect(data / "push.db")
    try:
        return database.execute("select data from push_inbox").fetchall()
    finally:
        database.close()


async def test_a_call_is_pushed_and_acknowledged_though_the_inbox_cannot_be_written(
    people: People, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with started(config(tmp_path, people.url)) as backend:
        await backend.register(ALICE)
        other = await asyncio.to_thread(locking, tmp_path / "push.db")
        try:
            answers = [await backend.ring(ALICE) for _ in range(2)]
            assert [answer.status for answer in answers] == [200, 200]
            await backend.sender.next()
            await backend.sender.next()
        finally:
            await asyncio.to_thread(other.close)
        assert await backend.figure("inbox_unwritten_total") == 2
        assert "cannot be written" in caplog.text


def locking(database: Path) -> sqlite3.Connection:
    """Somebody who holds the database for writing, as a backup may."""
    connection = sqlite3.connect(database, check_same_thread=False, isolation_level=None)
    connection.execute("begin immediate")
    return connection


async def test_without_its_tables_the_backend_pushes_to_the_phones_that_it_knows(
    people: People, tmp_path: Path
) -> None:
    async with started(config(tmp_path, people.url)) as backend:
        await backend.register(ALICE)
        await backend.ring(ALICE)
        await backend.sender.next()
        await drop_tables(backend)
        assert (await backend.ring(ALICE)).status == 200
        await backend.sender.next()
        assert (await backend.register(ALICE, "other", token="cd" * 32)).status == 503
        call = payload(ringUntil=int((time.time() + 0.6) * 1000))
        data = {"apnsPayload": call, "fcmPayload": call}
        assert (await backend.ring(BOB, data=data)).status == 200
        await backend.until("calls_total", 1, result="not_found")


async def drop_tables(backend: Backend) -> None:
    database = backend.service.registry._database  # No disk breaks on demand.
    for table in ("push_inbox", "push_devices"):
        await database.write(text(f"drop table {table}"))


async def test_calls_are_resumed_on_each_kind_of_database(
    people: People, tmp_path: Path, database_url: str
) -> None:
    settings = config(tmp_path / "data", people.url, database=database_url)
    body = event(ALICE)
    async with started(settings) as backend:
        await backend.register(ALICE)
        backend.sender.answer = never
        await backend.post(body, signed(body))
        await backend.sender.next()
    async with started(settings) as backend:
        await backend.sender.next()


@dataclass
class Sharing:
    """What makes a backend, on a database that is not its own."""

    registry: DeviceRegistry
    figures: Figures
    delivery: Delivery
    sender: RecordingSender


@asynccontextmanager
async def sharing(database: Database) -> AsyncIterator[Sharing]:
    cipher, figures = Cipher([KEY]), Figures()
    inbox = Inbox(database, cipher, time.time, 600.0)
    registry = DeviceRegistry(database, cipher, time.time)
    delivery = Delivery(inbox, registry, figures, History(), time.time)
    sender = RecordingSender(delivery.on_outcome)
    delivery.attach(sender)
    await inbox.start()
    try:
        yield Sharing(registry, figures, delivery, sender)
    finally:
        await delivery.stop(1.0)
        await inbox.stop()


async def test_two_backends_that_share_their_calls_ring_once_for_an_event_that_both_get(
    tmp_path: Path, database_url: str
) -> None:
    call = json.dumps({"apnsPayload": payload(), "fcmPayload": payload()}).encode()
    of_both = call_event(ALICE.uuid, ALICE.id, call, time.time())
    database = await open_database(database_url, MIGRATIONS)
    try:
        async with sharing(database) as first, sharing(database) as second:
            await first.registry.register(ALICE.uuid, PHONE)
            for each in (first, second):
                await each.delivery.accept(of_both)
            await first.sender.next()
            assert second.figures.total("offhook_push_webhooks_unneeded_total") == 1
            assert second.sender.pushes.empty()
    finally:
        await database.close()


async def test_a_second_backend_on_the_same_file_does_not_start_until_the_first_has_ended(
    people: People, tmp_path: Path
) -> None:
    settings = config(tmp_path, people.url)
    async with started(settings):
        with pytest.raises(ConfigError, match=r"push\.db is in use by another push backend"):
            async with started(settings):
                pass
    async with started(settings) as backend:
        await backend.register(ALICE)


async def test_a_call_is_pushed_while_the_disk_is_slow_and_acknowledged_once_it_is_kept(
    people: People, tmp_path: Path
) -> None:
    async with started(config(tmp_path, people.url)) as backend:
        await backend.register(ALICE)
        await backend.ring(ALICE)  # Its devices are known from now on.
        await backend.sender.next()
        other = await asyncio.to_thread(locking, tmp_path / "push.db")
        ringing = asyncio.create_task(backend.ring(ALICE))
        await backend.sender.next()
        assert not ringing.done()
        assert await backend.figure("inbox_unwritten_total") == 0  # It has not been given up.
        await asyncio.to_thread(other.close)
        assert (await ringing).status == 200
    assert [row for row in kept(tmp_path) if row != (None,)] == []
