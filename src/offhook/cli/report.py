"""What is shown while a call goes on: a live line to people, a JSON object a line to programs."""

import sys
import time
from typing import Any, Protocol, TextIO

import msgspec
from rich.console import Console
from rich.status import Status


class Report(Protocol):
    """Where the commands say what happens."""

    def event(self, name: str, text: str, **fields: Any) -> None:
        """Something happened: `name` and `fields` for programs, `text` for people, if any."""

    def status(self, text: str) -> None:
        """What goes on right now; shown live to people, not to programs."""

    def close(self) -> None:
        """Nothing more will be said."""


class JsonReport:
    """One JSON object a line on `stream`: ``{"event": ..., "at": <Unix seconds>, ...}``."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout

    def event(self, name: str, text: str, **fields: Any) -> None:
        line = {"event": name, "at": round(time.time(), 3), "text": text, **fields}
        self._stream.write(msgspec.json.encode(line).decode() + "\n")
        self._stream.flush()

    def status(self, text: str) -> None:
        """Programs get events only."""

    def close(self) -> None:
        self._stream.flush()


class TerminalReport:
    """A line for each event, below them one that lives; plain lines where there is no terminal."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        self._live: Status | None = None

    def event(self, name: str, text: str, **fields: Any) -> None:  # noqa: ARG002 - for programs
        # Names come from outside; square brackets in them are no markup.
        if text:
            self._console.print(text, soft_wrap=True, markup=False)

    def status(self, text: str) -> None:
        if not self._console.is_terminal:
            return
        if self._live is None:
            self._live = self._console.status(text)
            self._live.start()
        else:
            self._live.update(text)

    def close(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None


def report_for(*, as_json: bool) -> Report:
    """The report that the command line asked for."""
    return JsonReport() if as_json else TerminalReport()
