"""What a person types while the phone rings: one key at a time, without Enter on a terminal."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Iterator

try:
    import termios
    import tty
except ImportError:  # Not on Windows: there, lines have to do.
    _SINGLE_KEYS = False
else:
    _SINGLE_KEYS = True


class Keys:
    """The keys as they come. A program may write them to standard input, with or without lines.

    At the end of the input no more come; whoever waits goes on waiting for the call instead.
    """

    def __init__(self) -> None:
        self._queue: asyncio.Queue[str] = asyncio.Queue()

    async def next(self) -> str:
        """The next key, in lower case."""
        return await self._queue.get()

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator["Keys"]:
        """Read standard input for as long as this lasts."""
        loop = asyncio.get_running_loop()
        try:
            descriptor = sys.stdin.fileno()
        except (OSError, ValueError):
            yield self  # There is no input at all.
            return

        def read() -> None:
            try:
                data = os.read(descriptor, 1024)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                loop.remove_reader(descriptor)
                return
            for character in data.decode(errors="ignore").lower():
                if not character.isspace() or character == " ":
                    self._queue.put_nowait(character)

        with _one_at_a_time(descriptor):
            try:
                loop.add_reader(descriptor, read)
            except (OSError, NotImplementedError):
                yield self  # A plain file or /dev/null cannot be waited for.
                return
            try:
                yield self
            finally:
                loop.remove_reader(descriptor)


@contextlib.contextmanager
def _one_at_a_time(descriptor: int) -> Iterator[None]:
    """A terminal that gives each key at once, as it was afterwards."""
    if not _SINGLE_KEYS or not os.isatty(descriptor):
        yield
        return
    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
