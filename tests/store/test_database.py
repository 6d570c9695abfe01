"""The store: what is written is there, whatever is wrong is raised, and nobody waits for ever."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from offhook.service.store import MIGRATIONS
from offhook.service.store.schema import metadata, organizations
from offhook.store import Database, StoreError, open_database

NAMES = select(organizations.c.name).order_by(organizations.c.id)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = await open_database(database_url, MIGRATIONS)
    yield opened
    await opened.close()


def row(key: str, name: str = "Example") -> dict[str, object]:
    return {"id": key, "name": name, "created": 1.0}


async def names(database: Database) -> list[str]:
    return [found["name"] for found in await database.read(NAMES)]


async def test_what_was_written_is_there_after_opening_again(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/deep/down/offhook.db"
    first = await open_database(url, MIGRATIONS)
    await first.write(insert(organizations).values(row("1", "First")))
    await first.add(organizations, row("2", "Second"))
    await first.close()
    second = await open_database(url, MIGRATIONS)
    assert await names(second) == ["First", "Second"]
    await second.close()


async def test_migrations_lead_to_exactly_the_tables_of_the_schema(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    assert await database.transaction(differences) == []


async def test_the_statements_of_one_write_happen_together_or_not_at_all(
    database: Database,
) -> None:
    with pytest.raises(IntegrityError):
        await database.write(
            insert(organizations).values(row("1")), insert(organizations).values(row("1"))
        )
    assert await names(database) == []


async def test_a_transaction_that_changes_its_mind_leaves_nothing(database: Database) -> None:
    class ChangedMindError(Exception):
        pass

    def work(connection: Connection) -> None:
        connection.execute(insert(organizations).values(row("1")))
        raise ChangedMindError

    with pytest.raises(ChangedMindError):
        await database.transaction(work)
    assert await names(database) == []


async def test_among_many_rows_that_come_at_once_only_the_bad_one_is_refused(
    database: Database,
) -> None:
    rows = [row(str(number)) for number in range(200)]
    rows.insert(100, row("7", "A second seven"))
    outcomes = await asyncio.gather(
        *(database.add(organizations, each) for each in rows), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes if outcome is not None] == [IntegrityError]
    assert isinstance(outcomes[100], IntegrityError)
    assert await names(database) == ["Example"] * 200


async def test_a_bad_write_does_not_undo_the_good_ones_beside_it(database: Database) -> None:
    await database.add(organizations, row("1"))
    outcomes = await asyncio.gather(
        database.write(insert(organizations).values(row("1"))),
        database.write(insert(organizations).values(row("2"))),
        database.write(
            update(organizations).where(organizations.c.id == "1").values(name="Renamed")
        ),
        return_exceptions=True,
    )
    assert isinstance(outcomes[0], IntegrityError)
    assert await names(database) == ["Renamed", "Example"]


@pytest.mark.parametrize("broken", [10**30, "\ud800"])
async def test_a_value_that_the_driver_cannot_take_is_raised_and_the_next_one_is_served(
    database: Database, broken: object
) -> None:
    refusals = (OverflowError, UnicodeEncodeError, DBAPIError)
    for _ in range(2):
        async with asyncio.timeout(5):
            with pytest.raises(refusals):
                await database.read(select(organizations).where(organizations.c.id == broken))
            with pytest.raises(refusals):
                await database.add(organizations, {**row("1"), "name": broken})
    async with asyncio.timeout(5):
        await database.add(organizations, row("1"))
        assert await names(database) == ["Example"]


async def test_a_caller_that_was_cancelled_does_not_disturb_the_others(
    database: Database,
) -> None:
    impatient = asyncio.create_task(database.add(organizations, row("1")))
    await asyncio.sleep(0)
    impatient.cancel()
    await database.add(organizations, row("2", "Second"))
    with pytest.raises(asyncio.CancelledError):
        await impatient
    assert "Second" in await names(database)


async def test_a_closed_database_says_so_at_once(tmp_path: Path) -> None:
    database = await open_database(f"sqlite:///{tmp_path}/offhook.db", MIGRATIONS)
    await database.close()
    async with asyncio.timeout(1):
        with pytest.raises(StoreError, match="closed"):
            await database.read(NAMES)
        with pytest.raises(StoreError, match="closed"):
            await database.add(organizations, row("1"))


async def test_closing_finishes_what_was_begun(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/offhook.db"
    database = await open_database(url, MIGRATIONS)
    under_way = [
        asyncio.create_task(database.add(organizations, row(str(number)))) for number in range(50)
    ]
    await asyncio.sleep(0)
    await database.close()
    await asyncio.gather(*under_way)
    again = await open_database(url, MIGRATIONS)
    count = await again.read(select(func.count()).select_from(organizations))
    assert count[0]["count_1"] == 50
    await again.close()


async def test_a_file_that_is_no_database_is_refused_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "offhook.db"
    path.write_bytes(b"this was never a database " * 400)
    with pytest.raises(StoreError, match=r"offhook\.db cannot be used: file is not a database"):
        await open_database(f"sqlite:///{path}", MIGRATIONS)


async def test_a_database_with_broken_pages_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "offhook.db"
    database = await open_database(f"sqlite:///{path}", MIGRATIONS)
    for number in range(300):
        await database.add(organizations, row(str(number), "x" * 500))
    await database.close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    with path.open("r+b") as file:
        file.seek(4096 * 20)
        file.write(b"\xff" * 4096 * 10)
    with pytest.raises(StoreError, match=r"damaged|malformed"):
        await open_database(f"sqlite:///{path}", MIGRATIONS)


async def test_a_folder_that_cannot_be_made_is_refused_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be used"):
        await open_database(f"sqlite:///{tmp_path}/file/offhook.db", MIGRATIONS)


async def test_tables_of_a_newer_version_are_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/offhook.db"
    await (await open_database(url, MIGRATIONS)).close()
    with sqlite3.connect(tmp_path / "offhook.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(StoreError, match="9999"):
        await open_database(url, MIGRATIONS)


@pytest.mark.parametrize("url", ["", "offhook.db", "mysql://localhost/x", "sqlite://"])
async def test_a_url_of_something_else_is_refused_with_what_to_write(url: str) -> None:
    with pytest.raises(StoreError, match="sqlite:///FILE"):
        await open_database(url, MIGRATIONS)


async def test_a_password_in_the_url_is_never_shown() -> None:
    with pytest.raises(StoreError) as refused:
        await open_database("postgresql://offhook:hunter2@127.0.0.1:1/offhook", MIGRATIONS)
    assert "127.0.0.1" in str(refused.value)
    assert "hunter2" not in str(refused.value)
