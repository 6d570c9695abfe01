"""The service in a process of its own, pinned to one core, with its CPU time and memory."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cloud:
    """A running ``offhook serve`` with demo people."""

    pid: int
    http: str
    people: list[dict[str, Any]]
    test_numbers: dict[str, str]

    def cpu_seconds(self) -> float:
        """Processor time so far, user and system."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def memory_kib(self) -> int:
        """Private and resident memory."""
        total = 0
        for line in Path(f"/proc/{self.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith(("Private_Clean:", "Private_Dirty:")):
                total += int(line.split()[1])
        return total


@contextmanager
def cloud(*, core: int = 0, environment: dict[str, str] | None = None) -> Iterator[Cloud]:
    """Start the service on `core`, and stop it."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            "taskset", "-c", str(core), sys.executable, "-m", "benchmarks.unlimited_cloud", folder,
        ]  # fmt: skip
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"OFFHOOK_LOG": "ERROR"} | (environment or {}),
        )
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            ready = msgspec.json.decode(line)
            yield Cloud(process.pid, ready["http"], ready["people"], ready["test_numbers"])
        finally:
            process.terminate()
            process.wait(10)
