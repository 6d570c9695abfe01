"""The phone on a terminal: draws it when there is something new, and gives it the keys."""

import asyncio
import logging
import signal
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console, Group
from rich.live import Live

from offhook.cli.desk.drawing import Note, draw
from offhook.cli.desk.key_names import keys_in
from offhook.cli.desk.keypad import Mode, Resting, press
from offhook.cli.desk.phone import DeskPhone
from offhook.cli.desk.standard_input import HAS_SINGLE_KEYS, arriving

#: Seconds between two pictures while only clocks and meters change, and at most otherwise.
_TICK, _SOONEST = 0.5, 0.05
_KEPT_NOTES = 100
_TROUBLE = frozenset({"failed", "refused", "audio_failed", "missed"})
# What is seen in the picture anyway.
_UNSAID = frozenset({"ready", "asleep", "hearing", "speaker"})

# Digits come one by one, and are read as one number.
_DIGITS = {"dtmf": "digit", "dtmf_sent": "digits"}


class Notes:
    """What was said last. It is the `Report` of a phone on a screen."""

    def __init__(self) -> None:
        self.kept: deque[Note] = deque(maxlen=_KEPT_NOTES)
        self.changed = asyncio.Event()
        self._digits: tuple[Any, ...] = ()  # whose the digits of the last note are

    def event(self, name: str, text: str, **fields: Any) -> None:
        """Something happened."""
        if not text or name in _UNSAID:
            return
        digits = fields.get(_DIGITS.get(name, ""), "")
        same = (name, fields.get("slot"), text.removesuffix(digits)) if digits else ()
        if digits and same == self._digits:
            text = self.kept.pop().text + digits
        self.say(text, is_trouble=name in _TROUBLE)
        self._digits = same

    def say(self, text: str, *, is_trouble: bool = False) -> None:
        """Say this below what was said before."""
        self._digits = ()
        if self.kept and self.kept[-1].text == text and is_trouble:
            self.kept.pop()  # Said again, it does not get longer.
        self.kept.append(Note(time.strftime("%H:%M:%S"), text, is_trouble))
        self.changed.set()

    def status(self, text: str) -> None:
        """The picture has its own."""

    def close(self) -> None:
        """The screen closes by itself."""


def can_have_a_screen(console: Console) -> bool:
    """Whether there is a terminal at both ends, on which a picture can stand still."""
    return (
        HAS_SINGLE_KEYS
        and console.is_terminal
        and not console.is_dumb_terminal
        and sys.stdin.isatty()
    )


async def show(phone: DeskPhone, notes: Notes, console: Console) -> None:
    """Show the phone and do what the keys say, until this is cancelled."""
    mode: Mode = Resting()
    new = notes.changed
    phone.on_change = new.set
    with (
        arriving(single_keys=True) as input_,
        _warnings_as(notes),
        Live(console=console, screen=True, auto_refresh=False) as live,
        _window(phone, new),
    ):
        painter = _Painter(live, console)
        typing = asyncio.create_task(input_.get(), name="desk-input")
        try:
            while True:
                painter.paint(phone, mode, notes)
                waiting = asyncio.create_task(new.wait(), name="desk-news")
                await asyncio.wait(
                    {typing, waiting}, timeout=_TICK, return_when=asyncio.FIRST_COMPLETED
                )
                waiting.cancel()
                new.clear()
                if not typing.done():
                    await asyncio.wait({typing}, timeout=_SOONEST)
                if typing.done():
                    text = typing.result()
                    if not text:
                        return  # The terminal is gone.
                    mode = _pressed(phone, mode, notes, text)
                    typing = asyncio.create_task(input_.get(), name="desk-input")
        finally:
            typing.cancel()
            phone.on_change = lambda: None


def _pressed(phone: DeskPhone, mode: Mode, notes: Notes, text: str) -> Mode:
    for key in keys_in(text):
        came = press(mode, phone.view, key)
        mode = came.mode
        if came.said:
            notes.event("refused", came.said)
        if came.command is not None:
            phone.obey(came.command)
    return mode


class _Painter:
    """Writes a picture only if it is another one, so that nothing flickers."""

    def __init__(self, live: Live, console: Console) -> None:
        self._live = live
        self._console = console
        self._before: object = None

    def paint(self, phone: DeskPhone, mode: Mode, notes: Notes) -> None:
        size = self._console.size
        lines = draw(phone.view, mode, notes.kept, width=size.width, height=size.height)
        if lines != self._before:
            self._before = lines
            self._live.update(Group(*lines), refresh=True)


@contextmanager
def _window(phone: DeskPhone, new: asyncio.Event) -> Iterator[None]:
    """Draw anew when the window has another size; end the calls when it is closed."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGWINCH, new.set)
    loop.add_signal_handler(signal.SIGHUP, phone.leave)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGWINCH)
        loop.remove_signal_handler(signal.SIGHUP)


@contextmanager
def _warnings_as(notes: Notes) -> Iterator[None]:
    """Show what is logged as a warning or worse, which would otherwise tear the picture."""

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            notes.say(record.getMessage(), is_trouble=record.levelno >= logging.ERROR)

    handler = Handler(logging.WARNING)
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
