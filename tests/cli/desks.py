"""Phones in processes of their own, driven by lines."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from cli.shell import PATIENCE, Shell

Event = dict[str, Any]


class Desk:
    """A phone, what it is told and what it says."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.events: list[Event] = []

    def do(self, *commands: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("".join(f"{command}\n" for command in commands).encode())

    async def says(self, name: str, when: Callable[[Event], bool] | None = None) -> Event:
        """The next event of this name for which `when` holds; those before it are kept, too."""
        assert self.process.stdout is not None
        try:
            async with asyncio.timeout(PATIENCE):
                while line := await self.process.stdout.readline():
                    event: Event = json.loads(line)
                    self.events.append(event)
                    if event["event"] == name and (when is None or when(event)):
                        return event
        except TimeoutError:
            raise AssertionError(f"it never said {name}") from None
        raise AssertionError(f"it ended without {name}")

    async def hears(self, *frequencies: int) -> Event:
        """Wait until nothing but these tones is heard, in Hz."""

        def same(event: Event) -> bool:
            heard = event["frequencies"]
            return len(heard) == len(frequencies) and all(
                abs(a - b) < 10 for a, b in zip(heard, sorted(frequencies), strict=True)
            )

        return await self.says("hearing", same)

    async def code(self) -> int:
        async with asyncio.timeout(PATIENCE):
            return await self.process.wait()


@asynccontextmanager
async def desk(shell: Shell, who: str, *arguments: str) -> AsyncIterator[Desk]:
    process = await asyncio.create_subprocess_exec(
        *shell.command("phone", "--as", who, "--json", *arguments),
        env=shell.environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    phone = Desk(process)
    try:
        yield phone
    finally:
        if process.returncode is None:
            process.terminate()
        rest, _ = await process.communicate()
        print(who, *phone.events, rest.decode(), sep="\n")  # seen when a test fails
