"""The commands and their options."""

import asyncio
import os
import sys
from collections.abc import Coroutine
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from offhook.cli.exit_codes import ExitCode
from offhook.cli.known_clouds import DEFAULT_CLOUD
from offhook.cli.push import push
from offhook.cli.signals import cancelled_by_sigterm

if TYPE_CHECKING:
    from offhook.cli.audio import Audio

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="Calling for Python: a phone service on your machine, and phones that use it.",
)

app.add_typer(push, name="push")

#: Said where something is not installed, with the extra that has it.
_MISSING = "{} not installed; install it with: pip install 'offhook[{}]'"

Cloud = Annotated[
    str, typer.Option("--cloud", metavar="URL", help="The phone service to sign into.")
]
Person = Annotated[
    str, typer.Option("--as", metavar="PERSON", help="Who calls: a name, e-mail or extension.")
]
Play = Annotated[
    str | None,
    typer.Option(
        metavar="FILE|tone:HZ|microphone",
        help="What the other side hears; silence if left out.",
    ),
]
Record = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Where to keep what the other side says.")
]
Speaker = Annotated[
    bool, typer.Option("--speaker", help="Hear the other side on this machine's speaker.")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line, for programs.")]


@app.command()
def up(
    http: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where http answers.")] = (
        "127.0.0.1:8008"
    ),
    https: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where https answers.")] = (
        "127.0.0.1:8443"
    ),
    push: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="Where the push backend answers; 127.0.0.1:8010 beside the usual http.",
        ),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where its data is kept.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Start the whole cloud on this machine, with people and numbers to try it."""
    cloud = _installed("up", "the local cloud is", "all")
    try:
        folder = data or cloud.default_data(os.environ)
        config = cloud.ServiceConfig(data=str(folder), http=http, https=https)
    except cloud.ConfigError as error:
        _fail(str(error))
    raise typer.Exit(cloud.up(config, push=push, as_json=as_json))


@app.command()
def serve(
    config: Annotated[Path, typer.Option(metavar="FILE", help="The configuration, in TOML.")],
) -> None:
    """Run the phone service for real: no demo data, everything from a configuration file."""
    service = _installed("serve", "the phone service is", "service")
    try:
        loaded = service.load(config)
    except service.ConfigError as error:
        _fail(str(error))
    raise typer.Exit(service.serve(loaded))


@app.command()
def call(
    number: Annotated[str, typer.Argument(help="A number, an extension, or an e-mail address.")],
    who: Person,
    cloud: Cloud = DEFAULT_CLOUD,
    play: Play = None,
    record: Record = None,
    speaker: Speaker = False,
    seconds: Annotated[
        float | None, typer.Option("--for", metavar="SECONDS", help="Hang up after so long.")
    ] = None,
    dtmf: Annotated[str, typer.Option(metavar="DIGITS", help="Keys to press once connected.")] = "",
    as_json: Json = False,
) -> None:
    """Call somebody.

    Exit codes: 0 connected, 3 busy, 4 no answer, 5 rejected, 6 no such number, 7 not a number,
    8 no service, 9 not signed in, 10 audio lost, 130 interrupted, 1 anything else.
    """
    from offhook.cli import calling
    from offhook.cli.report import report_for

    report = report_for(as_json=as_json)
    work = calling.call(
        number,
        who=who,
        cloud_url=cloud,
        audio=_audio(play, record, speaker=speaker),
        seconds=seconds,
        dtmf=dtmf,
        report=report,
    )
    raise typer.Exit(_outcome(calling.guarded(work, report), ExitCode.INTERRUPTED))


@app.command()
def answer(
    who: Person,
    cloud: Cloud = DEFAULT_CLOUD,
    play: Play = None,
    record: Record = None,
    speaker: Speaker = False,
    once: Annotated[bool, typer.Option(help="Stop after the first call.")] = False,
    as_json: Json = False,
) -> None:
    """Wait for calls and answer them."""
    from offhook.cli import calling
    from offhook.cli.report import report_for

    report = report_for(as_json=as_json)
    work = calling.answer(
        who=who,
        cloud_url=cloud,
        audio=_audio(play, record, speaker=speaker),
        once=once,
        report=report,
    )
    raise typer.Exit(_outcome(calling.guarded(work, report)))


@app.command()
def phone(
    who: Person,
    cloud: Cloud = DEFAULT_CLOUD,
    asleep: Annotated[
        bool, typer.Option("--asleep", help="Sleep, and be woken by a push only.")
    ] = False,
    play: Play = None,
    record: Record = None,
    speaker: Speaker = False,
    answer_at_once: Annotated[
        bool, typer.Option("--answer", help="Answer by itself while nobody is talked with.")
    ] = False,
    remote_answer: Annotated[
        bool, typer.Option("--remote-answer", help="Let calls be answered over REST.")
    ] = False,
    once: Annotated[bool, typer.Option(help="Stop when the first calls are over.")] = False,
    as_json: Json = False,
) -> None:
    """A phone in the terminal: two calls in view, and a key for everything.

    With --asleep it does not run at all until a push wakes it, as a phone in a pocket.
    Without a terminal, or with --json, it takes a command a line: help, dial 1002, answer, hold.
    """
    from offhook.cli import phone as desk

    settings = desk.Desk(
        who=who,
        cloud_url=cloud,
        audio=_audio(play, record, speaker=speaker),
        answers=answer_at_once,
        remote_answer=remote_answer,
        once=once,
        asleep=asleep,
    )
    raise typer.Exit(_outcome(desk.phone(settings, as_json=as_json)))


@app.command()
def demo(
    push: Annotated[
        bool, typer.Option("--push", help="Bob's phone sleeps, and a push has to wake it.")
    ] = False,
    conference: Annotated[
        bool, typer.Option("--conference", help="Alice adds carol, and leaves the two.")
    ] = False,
    transfer: Annotated[
        bool, typer.Option("--transfer", help="Alice asks carol, and hands bob over.")
    ] = False,
) -> None:
    """Let alice call bob, here and now, and draw the call as a ladder."""
    if push + conference + transfer > 1:
        _fail("One demonstration at a time; give one of --push, --conference and --transfer.")
    what, needs = "the local cloud is", "all"
    if push:
        raise typer.Exit(_installed("demo_push", what, needs).demo_push())
    if conference:
        raise typer.Exit(_installed("demo_three", what, needs).demo_conference())
    if transfer:
        raise typer.Exit(_installed("demo_three", what, needs).demo_transfer())
    raise typer.Exit(_installed("demo", what, needs).demo())


def _audio(play: str | None, record: Path | None, *, speaker: bool) -> "Audio":
    from offhook.cli.audio import Audio

    if speaker and record is not None:
        _fail("--speaker and --record exclude each other; give one.")
    return Audio(play, record, speaker)


def _installed(module: str, what: str, extra: str) -> ModuleType:
    """A module of the command line whose libraries may not be here."""
    try:
        return import_module(f"offhook.cli.{module}")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("offhook"):
            raise
        _fail(_MISSING.format(what, extra))


def _outcome(
    work: Coroutine[Any, Any, ExitCode], interrupted: ExitCode = ExitCode.CONNECTED
) -> int:
    """What `work` gives, or `interrupted`; SIGTERM and Ctrl-C both let it hang up first."""
    try:
        return int(asyncio.run(cancelled_by_sigterm(work)))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return int(interrupted)


def _fail(message: str) -> NoReturn:
    sys.stderr.write(f"offhook: {message}\n")
    raise typer.Exit(1)
