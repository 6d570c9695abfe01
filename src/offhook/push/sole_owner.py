"""A database that is one backend's alone: what it remembers is true, and nobody does it twice."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from offhook.serving.address import ConfigError


@contextmanager
def sole_owner(database: Path) -> Iterator[None]:
    """Keep other backends from `database`; a process that is killed keeps nobody.

    Raises ConfigError if another one has it, or if the lock beside it cannot be made.
    """
    path = database.with_name(f"{database.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise ConfigError(f"{path} cannot be made: {error.strerror}.") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConfigError(
                f"{database} is in use by another push backend; stop that one, or give this one "
                "its own data. Backends that share their calls need PostgreSQL."
            ) from error
        yield
    finally:
        os.close(handle)
