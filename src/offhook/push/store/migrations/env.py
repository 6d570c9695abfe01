"""What alembic runs: migrations on the connection that the backend opened.

The phone service's tables may be in the same database, so the version is in a table of its own.
"""

from alembic import context

from offhook.push.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table="push_version",
)
with context.begin_transaction():
    context.run_migrations()
