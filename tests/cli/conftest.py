"""A cloud that `offhook up` started, and a home of its own for each file."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import offhook
from cli.shell import OFFHOOK, PATIENCE, Shell, free_port


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def environment(home: Path) -> dict[str, str]:
    """The processes have nothing of ours but the code under test."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OFFHOOK_")}
    code = str(Path(offhook.__file__).parents[1])
    state, share = str(home / "state"), str(home / "share")
    return {**kept, "PYTHONPATH": code, "XDG_STATE_HOME": state, "XDG_DATA_HOME": share}


@pytest.fixture(scope="module")
def shell(environment: dict[str, str], home: Path) -> Iterator[Shell]:
    """A cloud that `offhook up` started, and stopped by SIGTERM after the last test of the file."""
    http, https = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    up = ["up", "--http", http, "--https", https, "--data", str(home / "data"), "--json"]
    with (home / "up.log").open("w") as log:
        process = subprocess.Popen(
            [*OFFHOOK, *up], env=environment, stdout=subprocess.PIPE, stderr=log
        )
    assert process.stdout is not None
    try:
        readable, _, _ = select.select([process.stdout], [], [], PATIENCE)
        line = process.stdout.readline() if readable else b""
        assert line, f"the cloud is not up: {(home / 'up.log').read_text()}"
        yield Shell(environment, cloud=f"http://{http}", ready=json.loads(line))
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
