"""The service's tables, in SQLite by default and PostgreSQL by URL."""

from offhook.service.store.database import Database, StoreError, open_database

__all__ = ["Database", "StoreError", "open_database"]
