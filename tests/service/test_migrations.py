"""A database of an earlier version is brought up to date, and nothing in it is lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from offhook.engine.exchange.model import (
    CallRecord,
    EndReason,
    Party,
    PersonTarget,
    ServiceTarget,
)
from offhook.service.directory import Directory, HuntGroup
from offhook.service.directory.demo import DEMO_GROUP
from offhook.service.records import Records
from offhook.service.store import MIGRATIONS
from offhook.store import open_database

ORG, ALICE = "org", "alice"


_PEOPLE = """
INSERT INTO people VALUES
('alice', 'org', 'alice@example.org', 'Alice', 'Alice', '', NULL, FALSE, FALSE, 1.0)
"""


_RECORD = """
INSERT INTO call_records VALUES ('s', 't', 'alice', 'Alice', '1001', 'bob', 'Bob', '1002', '1002',
    1.0, NULL, 2.0, 'no_answer', 'service')
"""
CALL = CallRecord(
    "s",
    "t",
    Party("Alice", "1001", "alice"),
    Party("Bob", "1002", "bob"),
    "1002",
    1.0,
    None,
    2.0,
    EndReason.NO_ANSWER,
    "service",
)


def before_groups(connection: Connection) -> None:
    """What was there before there were hunt groups: a person, a test number, and a call."""
    config = Config()
    config.set_main_option("script_location", MIGRATIONS)
    config.attributes["connection"] = connection
    command.upgrade(config, "0002")
    connection.execute(text("INSERT INTO organizations VALUES ('org', 'Example', 1.0)"))
    connection.execute(text(_PEOPLE))
    connection.execute(text(_RECORD))
    for row in ("'1001', 'extension', 'alice', NULL", "'8001', 'extension', NULL, 'echo'"):
        connection.execute(text(f"INSERT INTO numbers VALUES ('org', {row})"))


async def made(url: str, work: Callable[[Connection], None]) -> None:
    """Do `work` to the database at `url`, without anything of ours around it."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(parsed)
        with engine.begin() as connection:
            work(connection)
        engine.dispose()
        return
    other = create_async_engine(parsed.set(drivername="postgresql+asyncpg"))
    async with other.begin() as opened:
        await opened.run_sync(work)
    await other.dispose()


async def test_numbers_are_kept_when_groups_come_to_have_numbers(database_url: str) -> None:
    await made(database_url, before_groups)
    database = await open_database(database_url, MIGRATIONS)
    directory = Directory(database, lambda: 0.0, "US")
    alice = await directory.resolve(ORG, "1001")
    assert isinstance(alice, PersonTarget)
    assert alice.party.name == "Alice"
    assert isinstance(await directory.resolve(ORG, "8001"), ServiceTarget)
    group = HuntGroup("g", ORG, "Support", DEMO_GROUP.policy, (ALICE,), extension="1010")
    await directory.groups.add(group)
    assert await directory.groups.of_org(ORG) == [group]
    assert await Records(database).of_person(ALICE) == [CALL]
    await Records(database).keep(replace(CALL, sent_on=1))
    await database.close()
