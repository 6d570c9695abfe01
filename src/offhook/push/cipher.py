"""Encryption at rest of tokens and payloads, with keys that can be rotated."""

import contextlib
import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from offhook.serving.address import ConfigError


class UnreadableError(Exception):
    """What is stored was encrypted with a key that is not here."""


class Cipher:
    """Encrypts with the first of `keys` and decrypts with any. Raises ConfigError.

    A key is what `Fernet.generate_key` gives: 32 bytes in URL-safe base64.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        try:
            each = [Fernet(key.strip()) for key in keys]
        except ValueError as error:
            raise ConfigError(
                "An encryption key is not 32 bytes in URL-safe base64; make one with: python -c "
                "'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'."
            ) from error
        if not each:
            raise ConfigError("There is no encryption key; give at least one.")
        self._all = MultiFernet(each)
        #: Tells which key encrypted something, and nothing else about it.
        self.key_id = hashlib.sha256(keys[0].strip().encode()).hexdigest()[:16]

    def encrypt(self, plain: bytes) -> bytes:
        """`plain` so that it may be stored."""
        return self._all.encrypt(plain)

    def decrypt(self, stored: bytes) -> bytes:
        """What was stored. Raises UnreadableError."""
        try:
            return self._all.decrypt(stored)
        except InvalidToken as error:
            raise UnreadableError("It was encrypted with a key that is not here.") from error


def kept_keys(data: Path) -> list[str]:
    """The keys in the file that `data` has for them, newest first; made if it is not there.

    Raises ConfigError if the file cannot be read or made, or if others may read it.
    """
    return secret_file(data / "tokens.key", lambda: Fernet.generate_key().decode()).split()


def secret_file(path: Path, make: Callable[[], str]) -> str:
    """What the file holds that only we may read; made with `make` if it is not there."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with contextlib.suppress(FileExistsError):
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w") as file:
                file.write(make() + "\n")
        if path.stat().st_mode & 0o077:
            raise ConfigError(f"{path} can be read by others; do: chmod 600 {path}.")
        content = path.read_text().strip()
    except OSError as error:
        raise ConfigError(f"{path} cannot be used: {error.strerror}.") from error
    if not content:
        raise ConfigError(f"{path} is empty; restore it from a backup, or remove it to begin anew.")
    return content
