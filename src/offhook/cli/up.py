"""`offhook up`: the whole cloud in one process, with people to try it."""

import contextlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec
from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from offhook.cli.known_clouds import DEFAULT_CLOUD, KnownCloud, KnownPerson, forget, remember
from offhook.cli.pauses import keep_pauses_short
from offhook.cli.serve import ConfigError, ServiceConfig, run_server
from offhook.cli.signals import until_signal
from offhook.testing import LocalCloud, local_cloud
from offhook.testing.push import LocalPush, local_push
from offhook.wire.phone_number import format_for_people

__all__ = ["ConfigError", "ServiceConfig", "default_data", "known", "up"]

#: Where the push backend of the usual local cloud answers.
DEFAULT_PUSH = "127.0.0.1:8010"


class PersonLine(msgspec.Struct):
    """A person as `--json` prints them."""

    name: str
    email: str
    number: str
    extension: str
    password: str
    token: str


class GroupLine(msgspec.Struct):
    """A hunt group as `--json` prints it; `members` by name."""

    name: str
    number: str
    extension: str
    members: list[str]


class ReadyLine(msgspec.Struct):
    """The first line of `offhook up --json`."""

    ready: bool
    http: str
    https: str
    ca: str
    people: list[PersonLine]
    groups: list[GroupLine]
    test_numbers: dict[str, str]
    push: str


def default_data(environment: Mapping[str, str]) -> Path:
    """Where `offhook up` keeps its data unless told otherwise."""
    home = environment.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(home) / "offhook"


def ready_line(cloud: LocalCloud, push: LocalPush) -> bytes:
    """What `--json` prints once everything is ready."""
    people = [msgspec.convert(person, PersonLine, from_attributes=True) for person in cloud.people]
    groups = [msgspec.convert(group, GroupLine, from_attributes=True) for group in cloud.groups]
    line = ReadyLine(
        True, cloud.http, cloud.https, cloud.ca, people, groups, cloud.test_numbers, push.url
    )
    return msgspec.json.encode(line)


def known(cloud: LocalCloud, push: LocalPush) -> KnownCloud:
    """What `--as` needs to know of a cloud, and a phone that sleeps of its push backend."""
    people = [KnownPerson(p.name, p.email, p.number, p.extension, p.token) for p in cloud.people]
    return KnownCloud(
        cloud.http, cloud.https, cloud.ca, people, cloud.test_numbers, push.url, push.courier
    )


def push_address(config: ServiceConfig, wanted: str | None) -> str:
    """Where the push backend answers: beside a cloud that has its usual address, or anywhere."""
    if wanted is not None:
        return wanted
    return DEFAULT_PUSH if f"http://{config.http}" == DEFAULT_CLOUD else "127.0.0.1:0"


def up(config: ServiceConfig, *, push: str | None, as_json: bool) -> int:
    """Run the demo cloud until a signal. The exit code."""
    return run_server(_up(config, push_address(config, push), as_json=as_json))


async def _up(config: ServiceConfig, push_http: str, *, as_json: bool) -> int:
    with until_signal() as stopped:
        folder = Path(config.data) / "push"
        async with (
            local_cloud(config) as cloud,
            local_push(cloud, folder, http=push_http) as push,
        ):
            keep_pauses_short()
            files = remember(known(cloud, push), os.environ)
            try:
                if as_json:
                    sys.stdout.write(ready_line(cloud, push).decode() + "\n")
                    sys.stdout.flush()
                else:
                    _welcome(cloud)
                await stopped.wait()
            finally:
                forget(files)
    return 0


def _welcome(cloud: LocalCloud) -> None:
    console = Console(highlight=False)
    console.print()
    console.print(f"  [bold green]Offhook is up[/]  {cloud.http}   {cloud.https}")
    console.print(f"  [dim]certificate authority  {cloud.ca}[/]", soft_wrap=True)
    console.print()
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for heading in ("Who", "Extension", "Number", "Password"):
        table.add_column(heading, header_style="dim", no_wrap=True)
    for person in cloud.people:
        number = format_for_people(person.number)
        table.add_row(person.name, person.extension, number, person.password)
    for group in cloud.groups:
        number = format_for_people(group.number)
        members = ", ".join(name.split()[0] for name in group.members)
        table.add_row(group.name, group.extension, number, f"[dim]rings {members}[/]")
    console.print(Padding(table, (0, 0, 0, 2)))
    console.print()
    console.print("  Everybody may call everybody, by extension or number. Numbers to test with:")
    numbers = "   ".join(
        f"{digits} {name.replace('_', ' ')}" for name, digits in cloud.test_numbers.items()
    )
    console.print(f"  {numbers}")
    console.print()
    other = "" if cloud.http == DEFAULT_CLOUD else f" --cloud {cloud.http}"
    echo = cloud.test_numbers["echo"]
    command = f"offhook call {echo} --as alice --play tone:440 --for 5{other}"
    console.print("  Next, in another terminal:", style="dim")
    console.print(f"  [bold]{_program()}{command.removeprefix('offhook')}[/]", soft_wrap=True)
    console.print()
    console.print("  A phone with two calls in view, and one that only a push wakes:", style="dim")
    for phone in ("--as bob", "--as carol --asleep"):
        console.print(f"  {_program()} phone {phone}{other}", soft_wrap=True)
    console.print()


def _program() -> str:
    """How this program was called, so that the printed command works as it stands."""
    program = sys.argv[0]
    if Path(program).name != "offhook":
        return "offhook"
    with contextlib.suppress(ValueError):
        return str(Path(program).absolute().relative_to(Path.cwd()))
    return program
