"""Who there is, and where a number leads."""

from offhook.service.directory.directory import Directory, PersonEntry, UnknownPersonError

__all__ = ["Directory", "PersonEntry", "UnknownPersonError"]
