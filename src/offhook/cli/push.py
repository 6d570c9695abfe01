"""`offhook push`: the push backend, and `offhook push connect`, which leads calls to it."""

import typer

from offhook.cli.push_connect import connect

push = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="The backend between incoming calls and sleeping phones.",
)
push.command("connect")(connect)
