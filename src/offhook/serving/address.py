"""Where to listen, and what a configuration that cannot be used is told."""

import ipaddress
import tomllib
from pathlib import Path
from typing import TypeVar

import msgspec

T = TypeVar("T")


class ConfigError(Exception):
    """The configuration cannot be used; the message says which key and what to do."""


class TlsFiles(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A certificate chain and its key, PEM files."""

    certificate: str
    key: str


def read_toml(path: Path, kind: type[T]) -> T:
    """The configuration in the TOML file `path`. Raises ConfigError with a sentence."""
    try:
        with path.open("rb") as file:
            return msgspec.convert(tomllib.load(file), kind)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not TOML: {error}.") from error
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {error}.") from error


def address_of(key: str, value: str) -> tuple[str, int]:
    """Host and port of ``host:port`` or ``[v6]:port``. Raises ConfigError."""
    host, separator, port = value.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not separator or not host or not port.isdigit() or int(port) > 65535:
        raise ConfigError(f"{key} = {value!r} is not of the form 127.0.0.1:8008.")
    return host, int(port)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
