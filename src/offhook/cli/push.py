"""`offhook push`: the push backend, and `offhook push connect`, which leads calls to it."""

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from offhook.cli.push_connect import connect

push = typer.Typer(
    invoke_without_command=True,
    rich_markup_mode="rich",
    help="The backend between incoming calls and sleeping phones.",
)
push.command("connect")(connect)


@push.callback()
def run(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The configuration, in TOML.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where its data is kept.")
    ] = None,
    http: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Where http answers.")
    ] = None,
    https: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Where https answers.")
    ] = None,
    cloud: Annotated[
        str | None,
        typer.Option(metavar="URL", help="The cloud that people sign into; Webex if left out."),
    ] = None,
    database: Annotated[
        str | None, typer.Option(metavar="URL", help="A database other than SQLite in the data.")
    ] = None,
    compat: Annotated[
        bool, typer.Option("--compat", help="The routes of Cisco's sample server, too.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line, for programs.")
    ] = False,
) -> None:
    """Receive incoming calls by webhook and wake the phones of who is called.

    Options replace what the configuration says. Without --config it starts with defaults, but
    knows no app to push to: give it one in the configuration.
    """
    if context.invoked_subcommand is not None:
        return
    try:
        from offhook.cli import push_backend as backend
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("offhook"):
            raise
        _fail("the push backend is not installed; install it with: pip install 'offhook[push]'")
    changes = {
        "data": None if data is None else str(data),
        "http": http,
        "https": https,
        "cloud": cloud,
        "database": database,
        "compat": compat or None,
    }
    given = {key: value for key, value in changes.items() if value is not None}
    try:
        settings = backend.settings(config, given, os.environ)
    except backend.ConfigError as error:
        _fail(str(error))
    raise typer.Exit(backend.run(settings, as_json=as_json))


def _fail(message: str) -> NoReturn:
    sys.stderr.write(f"offhook: {message}\n")
    raise typer.Exit(1)
