"""The service's tables, and how they came to be as they are."""

#: Where alembic finds the steps.
MIGRATIONS = "offhook.service.store:migrations"
