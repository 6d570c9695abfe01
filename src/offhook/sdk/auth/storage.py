"""Where a sign-in is kept so that it survives a restart."""

import asyncio
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import msgspec


class StoredSignIn(msgspec.Struct, frozen=True):
    """What has to be kept of a sign-in. Times are Unix seconds, 0 if not known."""

    client_id: str
    access_token: str
    expires: float
    refresh_token: str | None = None
    refresh_expires: float = 0.0

    def __repr__(self) -> str:
        return f"StoredSignIn(client_id={self.client_id!r}, ...)"


class TokenStorage(Protocol):
    """Keeps one sign-in. Implement it to keep tokens in a key ring or a database."""

    async def load(self) -> StoredSignIn | None:
        """What was saved last, None if nothing was."""

    async def save(self, sign_in: StoredSignIn) -> None:
        """Keep this instead of what was there; once it returns, it survives a crash."""

    async def clear(self) -> None:
        """Forget it."""


class FileTokenStorage:
    """A file that only its owner can read, replaced as a whole at each change."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    async def load(self) -> StoredSignIn | None:
        """See `TokenStorage`. A damaged file counts as none."""
        return await asyncio.to_thread(self._load)

    async def save(self, sign_in: StoredSignIn) -> None:
        """See `TokenStorage`. Raises OSError if the file cannot be written."""
        await asyncio.to_thread(self._save, msgspec.json.encode(sign_in))

    async def clear(self) -> None:
        """See `TokenStorage`."""
        await asyncio.to_thread(self.path.unlink, missing_ok=True)

    def _load(self) -> StoredSignIn | None:
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=StoredSignIn)
        except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
            return None

    def _save(self, data: bytes) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # mkstemp makes files that only their owner can read.
        handle, temporary = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(self.path)
        except BaseException:
            with suppress(FileNotFoundError):
                Path(temporary).unlink()
            raise
