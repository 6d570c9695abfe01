"""Access to the tables: what every database here can do, and how one is opened."""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, Executable, Table
from sqlalchemy.engine import RowMapping, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

T = TypeVar("T")


class StoreError(Exception):
    """The database cannot be used; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a statement gave: its rows, and how many it changed."""

    rows: Sequence[RowMapping]
    changed: int


class Database(Protocol):
    """The tables behind either driver. Statements are SQLAlchemy Core.

    Whatever is wrong with a statement is raised to whoever awaits it: an error of SQLAlchemy, such
    as IntegrityError where a constraint is broken, or StoreError once the database is closed.
    """

    async def read(self, statement: Executable) -> Sequence[RowMapping]:
        """The rows of a query."""

    async def write(self, *statements: Executable) -> list[Result]:
        """Carry out the statements in one transaction; it is on disk when this returns."""

    async def transaction(self, work: Callable[[Connection], T]) -> T:
        """Call `work` in one transaction: for steps of which a later one hangs on an earlier one.

        `work` may run in another thread and does nothing but SQL.
        """

    async def add(self, table: Table, row: Mapping[str, object]) -> None:
        """Insert a row. The way for rows that come fast: many are carried out as one statement."""

    async def close(self) -> None:
        """Finish what was begun and let go of the database."""


async def open_database(url: str, migrations: str) -> Database:
    """Open the database at `url` with its tables up to date. Raises StoreError.

    `migrations` is where alembic finds the steps: ``package:folder``.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreError("The database URL cannot be read; use sqlite:///FILE.") from error
    try:
        match parsed.get_backend_name():
            case "sqlite":
                from offhook.store.sqlite import SqliteDatabase

                return await asyncio.to_thread(SqliteDatabase, parsed, migrations)
            case "postgresql":
                from offhook.store.postgres import PostgresDatabase

                return await PostgresDatabase.open(parsed, migrations)
            case other:
                raise StoreError(
                    f"{other} is not a database that is known here; use sqlite:///FILE or "
                    "postgresql://USER:PASSWORD@HOST/NAME."
                )
    except (SQLAlchemyError, OSError, sqlite3.Error, CommandError) as error:
        where = parsed.render_as_string(hide_password=True)
        cause = error.orig if isinstance(error, DBAPIError) else error
        raise StoreError(f"The database {where} cannot be used: {cause}.") from error


def migrate(connection: Connection, migrations: str) -> None:
    """Bring the tables up to date, in the transaction of `connection`."""
    config = Config()
    config.set_main_option("script_location", migrations)
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def execute_all(statements: Sequence[Executable]) -> Callable[[Connection], list[Result]]:
    """The statements as work for a transaction."""

    def work(connection: Connection) -> list[Result]:
        return [_execute(connection, statement) for statement in statements]

    return work


def _execute(connection: Connection, statement: Executable) -> Result:
    result: Any = connection.execute(statement)
    rows = result.mappings().all() if result.returns_rows else []
    return Result(rows, result.rowcount)
