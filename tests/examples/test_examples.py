"""The examples do what they say, as programs of their own."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from offhook import Call, MediaOption, TokenAuthenticator, Webex
from offhook.media.spectrum import has_tone

EXAMPLES = Path(__file__).parents[2] / "examples"
PATIENCE = 90.0


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[dict[str, Any]]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "offhook.cli", "up", "--json"),
        *("--http", "127.0.0.1:0", "--https", "127.0.0.1:0", "--data", str(tmp_path / "data")),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        yield json.loads(await process.stdout.readline())
    process.terminate()
    await process.communicate()


def token(cloud: dict[str, Any], name: str) -> str:
    found: str = next(p["token"] for p in cloud["people"] if p["name"].lower().startswith(name))
    return found


async def example(name: str, folder: Path, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, str(EXAMPLES / name), *arguments),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
    )


async def printed(process: asyncio.subprocess.Process) -> str:
    async with asyncio.timeout(PATIENCE):
        out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode()


async def test_dial_calls_and_keeps_what_was_said(cloud: dict[str, Any], tmp_path: Path) -> None:
    arguments = (token(cloud, "alice"), cloud["test_numbers"]["echo"], cloud["http"])
    out = await printed(await example("dial.py", tmp_path, *arguments))
    assert "Talking to Echo" in out
    assert (tmp_path / "heard.wav").stat().st_size > 100_000


async def test_the_observer_tells_the_call(cloud: dict[str, Any], tmp_path: Path) -> None:
    arguments = (token(cloud, "alice"), cloud["test_numbers"]["announcement"], cloud["http"])
    out = await printed(await example("observer.py", tmp_path, *arguments))
    assert "Phone services: Connected" in out
    assert "Connected to Announcement" in out
    assert "Tracking id OFFHOOK_" in out
    assert "Over: remote_hangup" in out


async def test_the_parrot_says_back_what_it_hears(cloud: dict[str, Any], tmp_path: Path) -> None:
    parrot = await example("parrot.py", tmp_path, token(cloud, "bob"), cloud["http"])
    assert parrot.stdout is not None
    async with asyncio.timeout(PATIENCE):
        assert b"waits" in await parrot.stdout.readline()
    calling = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "offhook.cli", "call", "1002", "--as", "alice", "--json"),
        *("--cloud", cloud["http"], "--play", "tone:440", "--for", "4"),
        stdout=asyncio.subprocess.PIPE,
    )
    out = await printed(calling)
    parrot.terminate()
    await parrot.communicate()
    heard = [json.loads(line) for line in out.splitlines()]
    assert any(e["event"] == "hearing" and abs(e["frequency"] - 440) < 10 for e in heard)


async def hears(call: Call, frequency: float) -> None:
    """Wait until this tone is plainly heard."""
    async with asyncio.timeout(PATIENCE):
        async for block in call.audio.frames(8_000, block_ms=200):
            if has_tone(block, 8_000, frequency, share=0.4):
                return


async def test_the_receptionist_connects_callers_as_they_choose(
    cloud: dict[str, Any], tmp_path: Path
) -> None:
    arguments = (token(cloud, "bob"), "1003", "1004", cloud["http"])
    receptionist = await example("receptionist.py", tmp_path, *arguments)
    assert receptionist.stdout is not None
    async with AsyncExitStack() as stack, asyncio.timeout(PATIENCE):
        alice, carol, dave = [
            await stack.enter_async_context(
                Webex(TokenAuthenticator(token(cloud, name)), cloud=cloud["http"])
            )
            for name in ("alice", "carol", "dave")
        ]
        await asyncio.gather(*(each.phone.ready() for each in (alice, carol, dave)))
        assert b"waits" in await receptionist.stdout.readline()

        async with await alice.phone.dial_phone_number("1002") as call:
            await hears(call, 660)
            await call.send_dtmf("1")
            await (await anext(carol.phone.incoming_calls())).reject()
            assert (
                b"Not connected: The call was not transferred: the number declined."
                in await receptionist.stdout.readline()
            )
            await hears(call, 660)
            await call.send_dtmf("1")
            at_carol = await anext(carol.phone.incoming_calls())
            await at_carol.answer(MediaOption.audio_only(source="tone:1300"))
            await hears(call, 1300)
            assert b"Over: transferred" in await receptionist.stdout.readline()

        async with await alice.phone.dial_phone_number("1002") as call:
            await hears(call, 660)
            await call.send_dtmf("2")
            at_dave = await anext(dave.phone.incoming_calls())
            await at_dave.answer(MediaOption.audio_only(source="tone:1700"))
            await hears(call, 1700)
            await hears(at_dave, 520)
            assert call.is_group_call
            while call.is_group_call:
                await asyncio.sleep(0.02)
            await hears(call, 1700)
            assert b"Over: merged" in await receptionist.stdout.readline()
    receptionist.terminate()
    await receptionist.communicate()


@pytest.mark.parametrize(
    ("name", "passed"), [("test_my_app.py", "1 passed"), ("test_my_backend.py", "4 passed")]
)
async def test_the_test_of_an_app_passes(tmp_path: Path, name: str, passed: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *(
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "--import-mode=importlib",
        ),
        *("-o", "asyncio_mode=auto", "--rootdir", str(tmp_path), str(EXAMPLES / name)),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
    )
    assert passed in await printed(process)
