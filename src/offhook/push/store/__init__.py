"""The backend's tables, and how they came to be as they are."""

#: Where alembic finds the steps.
MIGRATIONS = "offhook.push.store:migrations"
