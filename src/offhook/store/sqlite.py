"""SQLite in WAL mode: one thread writes, committing all that waits at once; another one reads."""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Executable, Table, create_engine, event, insert
from sqlalchemy.engine import URL, Engine, RowMapping

from offhook.store.database import Result, StoreError, execute_all, migrate

T = TypeVar("T")

#: Transactions that one commit may hold.
_GROUP = 256
_CLOSE_SECONDS = 5.0
_CLOSED = "The database is closed; the service is stopping."


@dataclass(slots=True)
class _Job:
    """Work of one caller; `table` and `row` are set for a row that may be added with others."""

    done: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop
    work: Callable[[Connection], Any]
    table: Table | None = None
    row: dict[str, object] | None = None


_Jobs = queue.SimpleQueue[_Job | None]  # None is the last


class SqliteDatabase:
    """A `Database` in one file. Raises StoreError if the file is damaged, else what SQLite raises.

    To be opened in a worker thread, since it reads the whole file once.
    """

    def __init__(self, url: URL, migrations: str) -> None:
        path = url.database or ""
        if not path or path == ":memory:" or path.startswith("file:"):
            raise StoreError("SQLite needs a file here: use sqlite:///FILE.")
        Path(path).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._engine = _engine(url)
        try:
            with self._engine.begin() as connection:
                check = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
                if check != "ok":
                    raise StoreError(
                        f"The database {path} is damaged ({check}); restore it from a backup or "
                        "move it away to begin anew."
                    )
                migrate(connection, migrations)
        except BaseException:
            self._engine.dispose()
            raise
        self._closed = False
        self._writes: _Jobs = queue.SimpleQueue()
        self._reads: _Jobs = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._write_all, name="offhook-store-writer", daemon=True),
            threading.Thread(target=self._read_all, name="offhook-store-reader", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    async def read(self, statement: Executable) -> Sequence[RowMapping]:
        results = await self._submit(self._reads, execute_all((statement,)))
        return results[0].rows

    async def write(self, *statements: Executable) -> list[Result]:
        return await self._submit(self._writes, execute_all(statements))

    async def transaction(self, work: Callable[[Connection], T]) -> T:
        return await self._submit(self._writes, work)

    async def add(self, table: Table, row: Mapping[str, object]) -> None:
        values = dict(row)

        def alone(connection: Connection) -> None:
            connection.execute(insert(table), values)

        await self._submit(self._writes, alone, table, values)

    async def close(self) -> None:
        self._closed = True
        for jobs in (self._writes, self._reads):
            jobs.put(None)
        for thread in self._threads:
            await asyncio.to_thread(thread.join, _CLOSE_SECONDS)
        await asyncio.to_thread(self._engine.dispose)

    async def _submit(
        self,
        jobs: _Jobs,
        work: Callable[[Connection], T],
        table: Table | None = None,
        row: dict[str, object] | None = None,
    ) -> T:
        if self._closed:
            raise StoreError(_CLOSED)
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        jobs.put(_Job(done, loop, work, table, row))
        return await done

    # --- in the threads -------------------------------------------------------------------------

    def _read_all(self) -> None:
        while (job := self._reads.get()) is not None:
            try:
                with self._engine.connect() as connection:
                    outcome = job.work(connection)
            except Exception as error:
                _settle(job, error)
            else:
                _settle(job, outcome)

    def _write_all(self) -> None:
        over = False
        while not over:
            group: list[_Job] = []
            while not over and (not group or (len(group) < _GROUP and self._waiting())):
                job = self._writes.get()
                if job is None:
                    over = True
                else:
                    group.append(job)
            self._commit(group)

    def _waiting(self) -> bool:
        return not self._writes.empty()

    def _commit(self, group: Sequence[_Job]) -> None:
        outcomes: list[tuple[_Job, Any]] = []
        try:
            with self._engine.begin() as connection:
                if len(group) == 1:  # The transaction itself undoes it; a savepoint costs time.
                    outcomes = [(group[0], group[0].work(connection))]
                else:
                    for table, jobs in groupby(group, lambda job: job.table):
                        outcomes += _carry_out(connection, table, list(jobs))
        except Exception as error:
            # The only job failed, or the commit itself, as on a full disk: nothing of it happened.
            outcomes = [(job, error) for job in group]
        for job, outcome in outcomes:
            _settle(job, outcome)


def _carry_out(
    connection: Connection, table: Table | None, jobs: list[_Job]
) -> Iterable[tuple[_Job, Any]]:
    """Each job with what it gave: a result, or the exception that undid it and it alone."""
    if table is not None and len(jobs) > 1:
        try:
            with connection.begin_nested():
                connection.execute(insert(table), [job.row for job in jobs if job.row is not None])
            return [(job, None) for job in jobs]
        except Exception:
            # One of the rows cannot be added. One at a time shows which.
            return [each for job in jobs for each in _carry_out(connection, None, [job])]
    outcomes: list[tuple[_Job, Any]] = []
    for job in jobs:
        try:
            with connection.begin_nested():
                outcomes.append((job, job.work(connection)))
        except Exception as error:
            outcomes.append((job, error))
    return outcomes


def _settle(job: _Job, outcome: Any) -> None:
    def settle() -> None:
        if job.done.done():
            return  # Whoever waited was cancelled.
        if isinstance(outcome, Exception):
            job.done.set_exception(outcome)
        else:
            job.done.set_result(outcome)

    # The loop may be gone when the service stops in the middle of a write.
    with contextlib.suppress(RuntimeError):
        job.loop.call_soon_threadsafe(settle)


def _engine(url: URL) -> Engine:
    # Without parameters in error messages: they end up in logs, and hold names and numbers.
    engine = create_engine(url, connect_args={"check_same_thread": False}, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        # SQLAlchemy begins transactions itself; rules of the driver get in the way of savepoints.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA busy_timeout=5000")
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine
