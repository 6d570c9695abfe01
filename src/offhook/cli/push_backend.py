"""What `offhook push` does: start the backend, say where it is, run until a signal."""

import asyncio
import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec
import uvloop
from rich.console import Console

from offhook.cli.pauses import keep_pauses_short
from offhook.cli.signals import until_signal
from offhook.push.app import PushBackend
from offhook.push.config import PushConfig, load, with_environment
from offhook.push.logs import JsonLines
from offhook.serving.address import ConfigError
from offhook.serving.listener import ListenError
from offhook.store import StoreError

__all__ = ["ConfigError", "run", "settings"]


class ReadyLine(msgspec.Struct):
    """The first line of `offhook push --json`. `secret_file` is where webhooks' secret was made."""

    ready: bool
    http: str
    https: str
    ca: str
    webhook: str
    secret_file: str
    page: str


def settings(
    path: Path | None, changes: Mapping[str, object], environment: Mapping[str, str]
) -> PushConfig:
    """The configuration at `path`, or a default one, with `changes`. Raises ConfigError."""
    if path is not None:
        config = load(path, environment)
        return msgspec.structs.replace(config, **changes) if changes else config
    home = environment.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    defaults = {"data": str(Path(home) / "offhook" / "push")}
    return with_environment(msgspec.convert({**defaults, **changes}, PushConfig), environment)


def run(config: PushConfig, *, as_json: bool) -> int:
    """Run the backend until a signal. The exit code."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    level = os.environ.get("OFFHOOK_LOG", "INFO").upper()
    logging.basicConfig(level=level, handlers=[handler])
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_run(config, as_json=as_json))
    except (ConfigError, ListenError, StoreError) as error:
        Console(stderr=True, highlight=False).print(f"offhook: {error}", soft_wrap=True)
        return 1


async def _run(config: PushConfig, *, as_json: bool) -> int:
    with until_signal() as stopped:
        backend = PushBackend(config)
        await backend.start()
        keep_pauses_short()
        try:
            line = _ready(backend)
            if as_json:
                sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
                sys.stdout.flush()
            else:
                _welcome(line, backend)
            await stopped.wait()
        finally:
            await backend.stop()
    return 0


def _ready(backend: PushBackend) -> ReadyLine:
    config = backend.config
    base = backend.https_url or backend.url
    return ReadyLine(
        ready=True,
        http=backend.url,
        https=backend.https_url,
        ca=str(backend.ca_path or ""),
        webhook=f"{base}/webhook",
        secret_file="" if config.secrets else str(config.secret_file),
        page=f"{base}/admin" if config.admin_token else "",
    )


def _welcome(line: ReadyLine, backend: PushBackend) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"\n  [bold green]Offhook push is up[/]  {line.http}   {line.https}\n")
    console.print(f"  Calls come in at   {line.webhook}")
    if line.secret_file:
        console.print(f"  signed with        the secret in {line.secret_file}")
    console.print(f"  The page is at     {line.page or 'set admin_token to have one'}")
    apps = backend.config.providers
    names = [*(each.app for each in apps.apns), *(each.app for each in apps.fcm)]
    console.print(f"  Apps               {', '.join(names) or 'none yet; add one to providers'}")
    secret = f" --secret-file {line.secret_file}" if line.secret_file else ""
    console.print(
        "\n  Next: make the cloud post its calls here, as its administrator:", style="dim"
    )
    console.print(
        f"  [bold]offhook push connect --cloud {backend.config.cloud} "
        f"--target https://YOUR-NAME/webhook{secret}[/]\n"
    )
