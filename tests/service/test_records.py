"""The records of finished calls."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from offhook.engine.exchange.model import CallRecord, EndReason, Party
from offhook.service.records import Records
from offhook.service.store import MIGRATIONS
from offhook.store import Database, open_database

ALICE, BOB = Party("Alice", "+12025550101", "a"), Party("Bob", "+12025550102", "b")
CALL = CallRecord("s1", "t1", ALICE, BOB, "1002", 100.0, 104.5, 160.25, EndReason.HANGUP, "callee")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = await open_database(database_url, MIGRATIONS)
    yield opened
    await opened.close()


async def test_a_record_comes_back_as_it_was_for_both_parties(database: Database) -> None:
    records = Records(database)
    missed = replace(CALL, session_id="s2", placed=200.0, answered=None, reason=EndReason.NO_ANSWER)
    await records.keep(CALL)
    await records.keep(missed)
    assert await records.of_person("a") == [missed, CALL]
    assert await records.of_person("b", most=1) == [missed]
    assert await records.of_person("c") == []


async def test_whom_a_call_was_sent_on_from_has_missed_it(database: Database) -> None:
    records = Records(database)
    carol = Party("Carol", "+12025550103", "c")
    missed = replace(CALL, answered=None, ended=112.0, reason=EndReason.NO_ANSWER, sent_on=1)
    answered = replace(CALL, callee=carol)
    await asyncio.gather(*map(records.keep, (missed, answered)))
    assert await records.missed_by("b", 10) == [missed]
    assert await records.received_by("c", 10) == [answered]
    assert await records.placed_by("a", 10) == await records.of_person("a") == [answered]


async def test_a_record_that_cannot_be_kept_is_logged_without_names_or_numbers(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    records = Records(database)
    await records.keep(CALL)
    await records.keep(CALL)
    assert "t1" in caplog.text
    assert "a call record was lost" in caplog.text
    for private in (ALICE.name, ALICE.number, BOB.number, CALL.dialled):
        assert private not in caplog.text


async def test_many_calls_that_end_at_once_are_all_kept(database: Database) -> None:
    records = Records(database)
    begun = time.perf_counter()
    await asyncio.gather(
        *(records.keep(replace(CALL, session_id=f"s{number}")) for number in range(1000))
    )
    assert time.perf_counter() - begun < 5
    assert len(await records.of_person("a", most=2000)) == 1000
