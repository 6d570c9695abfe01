"""`offhook phone`: a phone on the desk, awake or asleep, and `offhook demo --push`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from cli.shell import OFFHOOK, PATIENCE, Shell
from offhook.cli.exit_codes import ExitCode


class Desk:
    """A phone in a process of its own, its keys and what it says."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.events: list[dict[str, Any]] = []

    def press(self, keys: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(keys.encode())

    async def says(self, name: str) -> dict[str, Any]:
        """The next event of this name; those before it are kept, too."""
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            while line := await self.process.stdout.readline():
                self.events.append(json.loads(line))
                if self.events[-1]["event"] == name:
                    return self.events[-1]
        raise AssertionError(f"it ended without {name}: {self.events}")

    async def code(self) -> int:
        async with asyncio.timeout(PATIENCE):
            return await self.process.wait()


@asynccontextmanager
async def desk(shell: Shell, *arguments: str) -> AsyncIterator[Desk]:
    process = await asyncio.create_subprocess_exec(
        *(*OFFHOOK, "phone", "--json", "--cloud", shell.cloud, *arguments),
        env=shell.environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Desk(process)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


async def test_a_phone_that_sleeps_is_woken_by_a_push_and_answered_with_a_key(
    shell: Shell,
) -> None:
    async with desk(shell, "--as", "bob", "--asleep", "--once", "--play", "tone:880") as bob:
        await bob.says("asleep")
        calling = asyncio.create_task(shell.call("1002", "--play", "tone:440", "--for", "2"))
        woken = await bob.says("woken")
        rings = await bob.says("incoming")
        assert woken["caller"] == rings["caller"] == "Alice Adams"
        assert woken["tracking_id"] == rings["tracking_id"] != ""
        bob.press("a")
        connected = await bob.says("connected")
        assert connected["tracking_id"] == woken["tracking_id"]
        bob.press("p")
        assert (await bob.says("hold"))["text"] == "On hold"
        bob.press("p")
        assert (await bob.says("hold"))["text"] == "Resumed"
        code, events = await calling
        assert code == ExitCode.CONNECTED
        assert 880 in {each["frequency"] for each in events if each["event"] == "hearing"}
        assert (await bob.says("ended"))["reason"] == "remote_hangup"
        assert await bob.code() == ExitCode.CONNECTED


async def test_a_call_that_is_declined_on_the_sleeping_phone_is_declined(shell: Shell) -> None:
    async with desk(shell, "--as", "carol", "--asleep", "--once") as carol:
        await carol.says("asleep")
        calling = asyncio.create_task(shell.call("1003"))
        await carol.says("incoming")
        carol.press("r")
        assert (await carol.says("ended"))["reason"] == "local_reject"
        code, _ = await calling
        assert code == ExitCode.REJECTED


async def test_a_phone_that_is_awake_rings_and_hangs_up(shell: Shell) -> None:
    async with desk(shell, "--as", "dave", "--once") as dave:
        await dave.says("ready")
        calling = asyncio.create_task(shell.call("1004"))
        await dave.says("incoming")
        dave.press("xa")  # A key that means nothing does no harm.
        assert "a answer" in (await dave.says("help"))["text"]
        await dave.says("connected")
        dave.press("m")
        assert (await dave.says("mute"))["text"] == "Muted"
        dave.press("h")
        await dave.says("ended")
        assert (await calling)[0] == ExitCode.CONNECTED


async def test_whose_phone_it_is_must_be_known(shell: Shell) -> None:
    for more in ([], ["--asleep"]):
        code, out, _ = await shell.run("phone", "--as", "mallory", "--cloud", shell.cloud, *more)
        assert code == ExitCode.NOT_SIGNED_IN
        assert "mallory" in out


async def test_the_demo_of_a_push_ends_well_and_every_claim_is_true(
    environment: dict[str, str],
) -> None:
    code, out, err = await Shell(environment | {"COLUMNS": "100"}).run("demo", "--push")
    assert code == 0, out + err
    assert "✗" not in out
    ladder = out.split("✓")[0]
    for step in ("webhook 1", "VoIP push", "ring window: woken, ringing", "hears 440 Hz"):
        assert step in ladder
    assert "one tracking id through webhook, push and call" in out
