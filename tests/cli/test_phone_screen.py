"""`offhook phone` on a real terminal: what somebody sees, the keys, and what is left behind."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import re
import struct
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cli.desks import desk
from cli.shell import PATIENCE, Shell
from offhook.cli.exit_codes import ExitCode

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_ENTER_SCREEN, _LEAVE_SCREEN = "\x1b[?1049h", "\x1b[?1049l"


class Terminal:
    """A terminal of 80 columns and 24 rows, with a phone on it."""

    def __init__(self, process: asyncio.subprocess.Process, descriptor: int) -> None:
        self.process = process
        self.written = ""
        self._descriptor = descriptor
        self._changed = asyncio.Event()
        asyncio.get_running_loop().add_reader(descriptor, self._read)

    def _read(self) -> None:
        try:
            data = os.read(self._descriptor, 65536)
        except OSError:
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(self._descriptor)
        self.written += data.decode(errors="replace")
        self._changed.set()

    @property
    def picture(self) -> str:
        """The last picture that was drawn."""
        return _ESCAPES.sub("", self.written.rpartition("\x1b[H")[2]).replace("\r", "")

    def type(self, keys: str) -> None:
        os.write(self._descriptor, keys.encode())

    async def shows(self, *texts: str) -> str:
        """Wait until all of these are in the picture."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not all(text in self.picture for text in texts):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"it never showed {texts}:\n{self.picture}") from None
        return self.picture

    async def code(self) -> int:
        async with asyncio.timeout(PATIENCE):
            return await self.process.wait()


@asynccontextmanager
async def terminal(shell: Shell, *arguments: str) -> AsyncIterator[Terminal]:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    before = termios.tcgetattr(theirs)
    process = await asyncio.create_subprocess_exec(
        *shell.command("phone", *arguments),
        env=shell.environment | {"TERM": "xterm-256color"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    screen = Terminal(process, ours)
    try:
        yield screen
        assert termios.tcgetattr(theirs) == before, "the terminal is not as it was"
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        print(screen.picture)  # seen when a test fails
        asyncio.get_running_loop().remove_reader(ours)
        os.close(ours)
        os.close(theirs)


async def test_two_calls_are_made_and_swapped_with_keys(shell: Shell) -> None:
    async with terminal(shell, "--as", "alice", "--play", "tone:440") as screen:
        await screen.shows("Alice Adams  1001", "● ready", "1  free", "2  free", "d dial")
        screen.type("d80x")
        await screen.shows("Dial: 80x▏")
        screen.type("\r")
        await screen.shows("This is not a phone number.", "Dial: 80x▏")
        screen.type("\x7f01\r")
        await screen.shows("▌1  Echo", "connected", "440 Hz", "h hang up   p hold   m mute")
        screen.type("d8005\r")
        first = await screen.shows("on hold", "▌2  ", "connected", "s swap")
        assert first.index("on hold") < first.index("connected")
        screen.type("s")
        await screen.shows("▌1  Echo")
        screen.type("m")
        await screen.shows("   muted")
        screen.type("q")
        await screen.shows("2 calls would end. Quit?")
        screen.type("qqqq")
        assert await screen.code() == ExitCode.CONNECTED
        assert screen.written.count(_ENTER_SCREEN) == screen.written.count(_LEAVE_SCREEN) == 1
        assert "Traceback" not in screen.written


async def test_a_call_that_comes_in_is_answered_and_its_digits_are_seen(shell: Shell) -> None:
    async with terminal(shell, "--as", "bob") as screen, desk(shell, "carol") as carol:
        await screen.shows("● ready")
        await carol.says("ready")
        carol.do("dial 1002")
        await screen.shows("▌1  Carol Clark", "ringing here", "a answer   r decline")
        screen.type("a")
        await screen.shows("connected", "Connected with Carol Clark")
        await carol.says("connected")
        carol.do("tones 12#")
        await screen.shows("Carol Clark pressed 12#")
        screen.type("1")
        await carol.says("dtmf", lambda event: event["digit"] == "1")
        carol.do("hold")
        await screen.shows("you are on hold")
        carol.do("hangup")
        await screen.shows("Carol Clark: hung up", "1  free")
        screen.type("q")
        assert await screen.code() == ExitCode.CONNECTED


async def test_what_goes_wrong_at_the_start_is_left_on_the_terminal(shell: Shell) -> None:
    async with terminal(shell, "--as", "mallory") as screen:
        assert await screen.code() == ExitCode.NOT_SIGNED_IN
        left = screen.written.rpartition(_LEAVE_SCREEN)[2]
        assert "offhook: mallory is not a person of" in left
