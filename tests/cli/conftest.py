"""A cloud that `offhook up` started, and a home of its own for each file."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cli.shell import PATIENCE, Shell, free_port


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OFFHOOK_")}
    return {**kept, "XDG_STATE_HOME": str(home / "state"), "XDG_DATA_HOME": str(home / "share")}


@pytest.fixture
async def shell(environment: dict[str, str], home: Path) -> AsyncIterator[Shell]:
    """A cloud that `offhook up` started, and stopped by SIGTERM afterwards."""
    ports = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    shell = Shell(environment)
    process = await shell.start(
        "up", "--http", ports[0], "--https", ports[1], "--data", str(home / "data"), "--json"
    )
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        shell.ready = json.loads(await process.stdout.readline())
    shell.cloud = f"http://{ports[0]}"
    yield shell
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(PATIENCE):
        await process.communicate()
    assert process.returncode == 0
