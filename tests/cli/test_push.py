"""`offhook push` as somebody types it: a process that starts, says where it is, and ends."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from pathlib import Path

import aiohttp

OFFHOOK = [sys.executable, "-m", "offhook.cli", "push"]


async def start(home: Path, *arguments: str) -> asyncio.subprocess.Process:
    environment = {**os.environ, "XDG_DATA_HOME": str(home)}
    return await asyncio.create_subprocess_exec(
        *OFFHOOK,
        *arguments,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def failed(home: Path, *arguments: str) -> str:
    """What a command that cannot start says."""
    process = await start(home, *arguments)
    async with asyncio.timeout(30):
        out, err = await process.communicate()
    assert process.returncode == 1
    assert out == b""
    assert b"Traceback" not in err
    (line,) = err.decode().splitlines()
    return line


async def test_it_starts_with_defaults_says_where_it_is_and_ends_with_a_signal(
    tmp_path: Path,
) -> None:
    process = await start(tmp_path, "--http", "127.0.0.1:0", "--https", "127.0.0.1:0", "--json")
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            ready = json.loads(await process.stdout.readline())
            assert ready["ready"] is True
            assert ready["webhook"] == f"{ready['https']}/webhook"
            assert Path(ready["secret_file"]).parent == tmp_path / "offhook" / "push"
            assert ready["page"] == ""
            async with (
                aiohttp.ClientSession() as http,
                http.post(f"{ready['http']}/webhook", data=b"{}") as answer,
            ):
                assert answer.status == 401
            process.send_signal(signal.SIGTERM)
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
    assert process.returncode == 0
    assert out == b""
    lines = [json.loads(line) for line in err.splitlines()]
    assert [line["reason"] for line in lines if "reason" in line] == ["unsigned"]


async def test_what_is_wrong_with_a_configuration_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "push.toml"
    path.write_text(f'data = "{tmp_path}"\nhttp = "0.0.0.0:8010"\n')
    assert "insecure_bind" in await failed(tmp_path, "--config", str(path))


async def test_a_configuration_that_is_not_there_and_a_port_in_use_are_told(
    tmp_path: Path,
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        missing, in_use = await asyncio.gather(
            failed(tmp_path, "--config", "none.toml"), failed(tmp_path, "--http", address)
        )
    assert missing == "offhook: none.toml cannot be read: No such file or directory."
    assert "in use" in in_use
