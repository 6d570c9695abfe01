"""The command line as somebody types it: real processes."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from dataclasses import dataclass
from typing import Any

OFFHOOK = [sys.executable, "-m", "offhook.cli"]
PATIENCE = 30.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Shell:
    """Runs commands with a home of their own."""

    environment: dict[str, str]
    cloud: str = ""
    ready: dict[str, Any] | None = None

    def command(self, *arguments: str) -> list[str]:
        """The words of a command at this cloud."""
        return [*OFFHOOK, *arguments, "--cloud", self.cloud]

    async def start(self, *arguments: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *OFFHOOK,
            *arguments,
            env=self.environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def run(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, output and errors of a command that ends by itself."""
        process = await self.start(*arguments)
        async with asyncio.timeout(PATIENCE):
            out, err = await process.communicate()
        return process.returncode or 0, out.decode(), err.decode()

    def token(self, name: str) -> str:
        assert self.ready is not None
        token: str = next(each["token"] for each in self.ready["people"] if each["name"] == name)
        return token

    def test_number(self, name: str) -> str:
        assert self.ready is not None
        number: str = self.ready["test_numbers"][name]
        return number

    async def call(self, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
        """Exit code and events of `offhook call --json` as alice."""
        code, out, _ = await self.run(
            "call", *arguments, "--as", "alice", "--cloud", self.cloud, "--json"
        )
        return code, [json.loads(line) for line in out.splitlines()]
