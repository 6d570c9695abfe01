"""The databases that tests run on: SQLite always, PostgreSQL where a server is named.

``OFFHOOK_TEST_POSTGRES=postgresql://user@127.0.0.1:5432/postgres`` names one on which that user may
create databases.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import asyncpg
from sqlalchemy import make_url

_SERVER = os.environ.get("OFFHOOK_TEST_POSTGRES")
KINDS = ["sqlite", "postgresql"] if _SERVER else ["sqlite"]


@asynccontextmanager
async def fresh_database(kind: str, folder: Path) -> AsyncIterator[str]:
    """The URL of an empty database, which is gone afterwards."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/offhook.db"
        return
    assert _SERVER is not None
    name = f"offhook_test_{uuid4().hex}"
    connection = await asyncpg.connect(_SERVER)
    try:
        await connection.execute(f"CREATE DATABASE {name}")
        try:
            yield make_url(_SERVER).set(database=name).render_as_string(hide_password=False)
        finally:
            await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()
