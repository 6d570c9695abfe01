"""The command `offhook push connect`; what it does is in `connecting`."""

from pathlib import Path
from typing import Annotated

import typer

from offhook.engine.firehose_link import DEFAULT_NAME


def connect(
    cloud: Annotated[
        str,
        typer.Option(metavar="URL", help="https://webexapis.com, or where an Offhook cloud is."),
    ],
    target: Annotated[
        str,
        typer.Option(metavar="URL", help="Where the cloud reaches the backend: its /webhook."),
    ],
    token: Annotated[
        str,
        typer.Option(
            envvar="OFFHOOK_ADMIN_TOKEN",
            metavar="TOKEN",
            help="An administrator's access token; others see what is on a command line.",
        ),
    ] = "",
    who: Annotated[
        str,
        typer.Option("--as", metavar="PERSON", help="Instead of a token, with `offhook up`: ada."),
    ] = "",
    secret: Annotated[
        str,
        typer.Option(
            envvar="OFFHOOK_WEBHOOK_SECRET",
            metavar="SECRET",
            help="What the events are signed with.",
        ),
    ] = "",
    secret_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where the secret is; made with a new one if missing."),
    ] = None,
    name: Annotated[
        str, typer.Option(metavar="NAME", help="The webhook's name, by which it is found again.")
    ] = DEFAULT_NAME,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Take over or remove the other webhooks for calls."),
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Only say what is there and what would be done.")
    ] = False,
    ca: Annotated[
        Path | None,
        typer.Option(
            envvar="OFFHOOK_CA", metavar="FILE", help="The authority of the cloud's certificate."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line, for programs.")
    ] = False,
) -> None:
    """Tell the cloud to post incoming calls to a push backend.

    Exit codes: 0 connected, 1 not connected or refused, 8 no such cloud, 9 not signed in.
    With --check: 0 if nothing has to be done, 1 if something has.
    """
    from offhook.cli.connecting import Options, connect_push
    from offhook.cli.report import report_for

    options = Options(
        cloud=cloud,
        target=target,
        token=token.strip(),
        who=who,
        secret=secret.strip(),
        secret_file=secret_file,
        name=name,
        replace=replace,
        check=check,
        ca=ca,
    )
    raise typer.Exit(int(connect_push(options, report_for(as_json=as_json))))
