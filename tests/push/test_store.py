"""The backend's tables: as the program believes they are, and beside the phone service's."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, select

from offhook.push.store import MIGRATIONS
from offhook.push.store.schema import devices, metadata
from offhook.service.store import MIGRATIONS as OF_THE_SERVICE
from offhook.service.store.schema import people
from offhook.store import open_database


async def test_the_history_of_the_tables_leads_to_what_the_program_believes(
    database_url: str,
) -> None:
    def differences(connection: Connection) -> list[object]:
        options = {"version_table": "push_version"}
        return list(
            compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
        )

    database = await open_database(database_url, MIGRATIONS)
    try:
        assert await database.transaction(differences) == []
    finally:
        await database.close()


async def test_the_phone_service_and_the_backend_may_share_a_database(database_url: str) -> None:
    for migrations in (OF_THE_SERVICE, MIGRATIONS, OF_THE_SERVICE, MIGRATIONS):
        database = await open_database(database_url, migrations)
        await database.close()
    database = await open_database(database_url, MIGRATIONS)
    try:
        assert await database.read(select(devices)) == []
        assert await database.read(select(people.c.id)) == []
    finally:
        await database.close()
