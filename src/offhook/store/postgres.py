"""PostgreSQL through asyncpg."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from sqlalchemy import Connection, Executable, Table, insert
from sqlalchemy.engine import URL, RowMapping
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from offhook.store.database import Result, execute_all, migrate

T = TypeVar("T")

_CONNECT_SECONDS = 10


class PostgresDatabase:
    """A `Database` on a PostgreSQL server, with a pool of connections."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @classmethod
    async def open(cls, url: URL, migrations: str) -> "PostgresDatabase":
        """Connect, with the tables up to date. Raises what SQLAlchemy and the socket raise."""
        engine = create_async_engine(
            url.set(drivername="postgresql+asyncpg"),
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={"timeout": _CONNECT_SECONDS},
        )
        database = cls(engine)
        try:
            await database.transaction(lambda connection: migrate(connection, migrations))
        except BaseException:
            await engine.dispose()
            raise
        return database

    async def read(self, statement: Executable) -> Sequence[RowMapping]:
        async with self._engine.connect() as connection:
            return (await connection.execute(statement)).mappings().all()

    async def write(self, *statements: Executable) -> list[Result]:
        return await self.transaction(execute_all(statements))

    async def transaction(self, work: Callable[[Connection], T]) -> T:
        async with self._engine.begin() as connection:
            return await connection.run_sync(work)

    async def add(self, table: Table, row: Mapping[str, object]) -> None:
        async with self._engine.begin() as connection:
            await connection.execute(insert(table), dict(row))

    async def close(self) -> None:
        await self._engine.dispose()
