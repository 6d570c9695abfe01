"""Where `offhook up` leaves what `offhook call --as alice` needs: the people of a local cloud.

One file a cloud, readable by its owner alone, named by host and port, under the state directory of
the user (``$XDG_STATE_HOME/offhook/clouds``). A cloud that stops takes its file away.
"""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

DEFAULT_CLOUD = "http://127.0.0.1:8008"


class KnownPerson(msgspec.Struct):
    """Somebody who can be named with ``--as``. The token signs in without a password."""

    name: str
    email: str
    number: str
    extension: str
    token: str


class KnownCloud(msgspec.Struct):
    """A cloud that runs on this machine.

    `push` is where its push backend takes devices, `courier` where a phone on this machine waits
    for pushes; both empty without a backend.
    """

    http: str
    https: str
    ca: str
    people: list[KnownPerson]
    test_numbers: dict[str, str]
    push: str = ""
    courier: str = ""

    def find(self, who: str) -> KnownPerson | None:
        """The person whose name, e-mail, number or extension is `who`."""
        wanted = who.strip().casefold()
        for person in self.people:
            first_name = person.name.split()[0]
            names = (person.name, first_name, person.email, person.number, person.extension)
            if wanted in {name.casefold() for name in names}:
                return person
        return None


class UnknownCloudError(Exception):
    """Nothing is known about the cloud that was named."""


class UnknownPersonError(Exception):
    """The cloud has nobody of that name."""


def remember(cloud: KnownCloud, environment: Mapping[str, str]) -> list[Path]:
    """Write the cloud's file under both of its addresses; returns the files to `forget`."""
    folder = _folder(environment)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    files = []
    for url in (cloud.http, cloud.https):
        path = folder / _file_name(url)
        handle, temporary = tempfile.mkstemp(dir=folder)
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.encode(cloud))
        Path(temporary).replace(path)
        files.append(path)
    return files


def forget(files: list[Path]) -> None:
    """Take away the files that `remember` wrote."""
    for path in files:
        path.unlink(missing_ok=True)


def recall(url: str, environment: Mapping[str, str]) -> KnownCloud:
    """What is known about the cloud at `url`. Raises `UnknownCloudError`."""
    path = _folder(environment) / _file_name(url)
    try:
        return msgspec.json.decode(path.read_bytes(), type=KnownCloud)
    except FileNotFoundError:
        raise UnknownCloudError(
            f"no local cloud is known at {url}; start one with `offhook up`, "
            "or set OFFHOOK_TOKEN to a personal access token of that cloud"
        ) from None
    except (msgspec.DecodeError, OSError) as error:
        raise UnknownCloudError(f"{path} cannot be read; start `offhook up` again") from error


def _folder(environment: Mapping[str, str]) -> Path:
    state = environment.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(state) / "offhook" / "clouds"


def _file_name(url: str) -> str:
    parts = urlsplit(url if "//" in url else f"//{url}")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    host = (parts.hostname or "").replace(":", "-")
    return f"{host}_{port}.json"
