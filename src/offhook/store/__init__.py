"""Access to tables, in SQLite by default and PostgreSQL by URL. Whose tables: the caller says."""

from offhook.store.database import Database, Result, StoreError, open_database

__all__ = ["Database", "Result", "StoreError", "open_database"]
