"""Access to the tables: typed errors, one writer with group commit on SQLite, asyncpg by URL."""

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Executable, create_engine, event
from sqlalchemy.engine import Engine, RowMapping, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

#: Statements that one commit of the SQLite writer may hold.
_GROUP = 256


class StoreError(Exception):
    """The database cannot be used; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a statement gave: its rows, and how many it changed."""

    rows: Sequence[RowMapping]
    changed: int


class Database(Protocol):
    """The tables behind either driver. Statements are SQLAlchemy Core."""

    async def read(self, statement: Executable) -> Sequence[RowMapping]:
        """The rows of a query."""

    async def write(self, *statements: Executable) -> list[Result]:
        """Carry out the statements in one transaction; it is on disk when this returns.

        Raises IntegrityError of SQLAlchemy where a constraint is broken, StoreError otherwise.
        """

    async def close(self) -> None:
        """Finish what was begun and let go of the database."""


async def open_database(url: str) -> Database:
    """Open the database at `url` with its tables up to date. Raises StoreError."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreError("The database URL cannot be read; use sqlite:///FILE.") from error
    try:
        if parsed.get_backend_name() == "sqlite":
            return await asyncio.to_thread(_SqliteDatabase, url, parsed.database or "")
        asyncpg_url = parsed.set(drivername="postgresql+asyncpg")
        database = _PostgresDatabase(create_async_engine(asyncpg_url, pool_pre_ping=True))
        await database.migrate()
    except (SQLAlchemyError, OSError, sqlite3.Error) as error:
        where = parsed.render_as_string(hide_password=True)
        cause = error.orig if isinstance(error, DBAPIError) else error
        raise StoreError(f"The database {where} cannot be used: {cause}.") from error
    return database


def _migrate(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", "offhook.service.store:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _execute(connection: Connection, statements: Sequence[Executable]) -> list[Result]:
    results = []
    for statement in statements:
        result = connection.execute(statement)
        rows = result.mappings().all() if result.returns_rows else []
        results.append(Result(rows, result.rowcount))
    return results


@dataclass(slots=True)
class _Job:
    statements: Sequence[Executable]
    done: asyncio.Future[list[Result]]
    loop: asyncio.AbstractEventLoop


class _SqliteDatabase:
    """SQLite in WAL mode: one thread writes, committing all that waits at once; another reads."""

    def __init__(self, url: str, path: str) -> None:
        if path and path != ":memory:":
            folder = Path(path).parent
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._engine = _sqlite_engine(url)
        with self._engine.begin() as connection:
            check = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
            if check != "ok":
                raise StoreError(
                    f"The database {path} is damaged ({check}); restore it from a backup or move "
                    "it away to begin anew."
                )
            _migrate(connection)
        self._writes: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._reads: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._write_all, name="offhook-store-writer", daemon=True),
            threading.Thread(target=self._read_all, name="offhook-store-reader", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    async def read(self, statement: Executable) -> Sequence[RowMapping]:
        return (await self._submit(self._reads, (statement,)))[0].rows

    async def write(self, *statements: Executable) -> list[Result]:
        return await self._submit(self._writes, statements)

    async def _submit(
        self, jobs: "queue.SimpleQueue[_Job | None]", statements: Sequence[Executable]
    ) -> list[Result]:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[list[Result]] = loop.create_future()
        jobs.put(_Job(statements, done, loop))
        return await done

    def _read_all(self) -> None:
        with self._engine.connect() as connection:
            while (job := self._reads.get()) is not None:
                try:
                    _settle(job, _execute(connection, job.statements))
                except SQLAlchemyError as error:
                    _settle(job, error)
                connection.rollback()

    def _write_all(self) -> None:
        with self._engine.connect() as connection:
            over = False
            while not over:
                first = self._writes.get()
                if first is None:
                    return
                group = [first]
                while len(group) < _GROUP and not self._writes.empty():
                    job = self._writes.get()
                    if job is None:
                        over = True
                        break
                    group.append(job)
                self._commit(connection, group)

    def _commit(self, connection: Connection, group: Sequence[_Job]) -> None:
        outcomes: list[list[Result] | SQLAlchemyError] = []
        try:
            with connection.begin():
                for job in group:
                    try:
                        with connection.begin_nested():
                            outcomes.append(_execute(connection, job.statements))
                    except SQLAlchemyError as error:
                        outcomes.append(error)
        except SQLAlchemyError as error:
            outcomes = [error] * len(group)
        for job, outcome in zip(group, outcomes, strict=True):
            _settle(job, outcome)

    async def close(self) -> None:
        for jobs in (self._writes, self._reads):
            jobs.put(None)
        for thread in self._threads:
            await asyncio.to_thread(thread.join, 5.0)
        self._engine.dispose()


def _settle(job: _Job, outcome: list[Result] | SQLAlchemyError) -> None:
    def settle() -> None:
        if job.done.done():
            return
        if isinstance(outcome, list):
            job.done.set_result(outcome)
        else:
            job.done.set_exception(outcome)

    # The loop may be gone when the service stops in the middle of a write.
    with contextlib.suppress(RuntimeError):
        job.loop.call_soon_threadsafe(settle)


def _sqlite_engine(url: str) -> Engine:
    engine = create_engine(url, connect_args={"check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        # SQLAlchemy begins transactions itself; the driver's own rules break savepoints.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.execute("PRAGMA busy_timeout=5000")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


class _PostgresDatabase:
    """PostgreSQL through asyncpg."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def migrate(self) -> None:
        async with self._engine.begin() as connection:
            await connection.run_sync(_migrate)

    async def read(self, statement: Executable) -> Sequence[RowMapping]:
        async with self._engine.connect() as connection:
            return (await connection.execute(statement)).mappings().all()

    async def write(self, *statements: Executable) -> list[Result]:
        async with self._engine.begin() as connection:
            return await connection.run_sync(_execute, statements)

    async def close(self) -> None:
        await self._engine.dispose()
