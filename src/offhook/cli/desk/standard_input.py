"""What comes in on standard input, without a thread, from a terminal, a pipe or a file."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Iterator

try:
    import termios
    import tty
except ImportError:  # Not on Windows: there, lines have to do.
    HAS_SINGLE_KEYS = False
else:
    HAS_SINGLE_KEYS = True

_MOST_BYTES = 4096


@contextlib.contextmanager
def arriving(*, single_keys: bool = False) -> Iterator[asyncio.Queue[str]]:
    """The pieces of text as they come; an empty one at the end of the input.

    With `single_keys` a terminal gives each key at once, and is as it was afterwards.
    """
    queue: asyncio.Queue[str] = asyncio.Queue()
    try:
        descriptor = sys.stdin.fileno()
    except (OSError, ValueError):
        queue.put_nowait("")  # There is no input at all.
        yield queue
        return
    terminal = _one_at_a_time(descriptor) if single_keys else contextlib.nullcontext()
    with terminal, _reading(descriptor, queue):
        yield queue


@contextlib.contextmanager
def _reading(descriptor: int, queue: asyncio.Queue[str]) -> Iterator[None]:
    loop = asyncio.get_running_loop()

    def read() -> None:
        text = _read(descriptor)
        if text is not None:
            queue.put_nowait(text)
        if text == "":
            loop.remove_reader(descriptor)

    try:
        loop.add_reader(descriptor, read)
    except OSError:
        # A plain file cannot be waited for, and need not be.
        while text := _read(descriptor):
            queue.put_nowait(text)
        queue.put_nowait("")
        yield
        return
    try:
        yield
    finally:
        loop.remove_reader(descriptor)


def _read(descriptor: int) -> str | None:
    try:
        return os.read(descriptor, _MOST_BYTES).decode(errors="ignore")
    except BlockingIOError:
        return None
    except OSError:
        return ""


@contextlib.contextmanager
def _one_at_a_time(descriptor: int) -> Iterator[None]:
    if not HAS_SINGLE_KEYS:
        yield
        return
    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
