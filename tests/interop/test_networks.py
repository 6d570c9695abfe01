"""Calls across networks: two hosts of the test's own, and a host that has nothing but loopback.

Network namespaces joined by a virtual cable. Needs root, as in CI.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PATIENCE = 60.0
OFFHOOK = (sys.executable, "-m", "offhook.cli")
HERE, THERE = "10.98.76.1", "10.98.76.2"


async def ip(*arguments: str) -> None:
    process = await asyncio.create_subprocess_exec("ip", *arguments)
    assert await process.wait() == 0, f"ip {' '.join(arguments)}"


@dataclass
class Host:
    """A network namespace with a home of its own."""

    name: str
    home: Path

    async def start(self, *arguments: str, **environment: str) -> asyncio.subprocess.Process:
        state = {"XDG_STATE_HOME": str(self.home), "XDG_DATA_HOME": str(self.home)}
        return await asyncio.create_subprocess_exec(
            *("ip", "netns", "exec", self.name, *OFFHOOK, *arguments),
            env={**os.environ, **state, **environment},
            stdout=asyncio.subprocess.PIPE,
        )

    async def up(self, *arguments: str) -> tuple[asyncio.subprocess.Process, dict[str, Any]]:
        process = await self.start("up", "--json", "--data", str(self.home / "data"), *arguments)
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            return process, json.loads(await process.stdout.readline())

    async def call(self, number: str, cloud: str, **environment: str) -> list[dict[str, Any]]:
        process = await self.start(
            *("call", number, "--as", "alice", "--cloud", cloud, "--json"),
            *("--play", "tone:440", "--for", "2"),
            **environment,
        )
        async with asyncio.timeout(PATIENCE):
            out, _ = await process.communicate()
        return [json.loads(line) for line in out.splitlines()]


@pytest.fixture
async def hosts(tmp_path: Path) -> AsyncIterator[tuple[Host, Host]]:
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("network namespaces need root and iproute2")
    names = [f"offhook{side}{os.getpid()}" for side in "ab"]
    for name in names:
        await ip("netns", "add", name)
    try:
        cables = [f"oh{side}{os.getpid()}" for side in "ab"]
        await ip("link", "add", cables[0], "type", "veth", "peer", "name", cables[1])
        for name, cable, address in zip(names, cables, (HERE, THERE), strict=True):
            await ip("link", "set", cable, "netns", name)
            await ip("-n", name, "addr", "add", f"{address}/24", "dev", cable)
            await ip("-n", name, "link", "set", "lo", "up")
            await ip("-n", name, "link", "set", cable, "up")
        yield Host(names[0], tmp_path), Host(names[1], tmp_path)
    finally:
        for name in names:
            await ip("netns", "del", name)


@pytest.fixture
async def lonely(tmp_path: Path) -> AsyncIterator[Host]:
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("network namespaces need root and iproute2")
    name = f"offhookl{os.getpid()}"
    await ip("netns", "add", name)
    try:
        await ip("-n", name, "link", "set", "lo", "up")
        yield Host(name, tmp_path)
    finally:
        await ip("netns", "del", name)


def heard(events: list[dict[str, Any]]) -> set[int]:
    return {round(event["frequency"], -1) for event in events if event["event"] == "hearing"}


async def test_somebody_on_another_host_calls_over_tls(hosts: tuple[Host, Host]) -> None:
    here, there = hosts
    cloud, ready = await here.up("--http", "127.0.0.1:8008", "--https", "0.0.0.0:8443")
    try:
        token = ready["people"][0]["token"]
        echo = ready["test_numbers"]["echo"]
        events = await there.call(
            echo, f"https://{HERE}:8443", OFFHOOK_TOKEN=token, OFFHOOK_CA=ready["ca"]
        )
        assert heard(events) == {440}, events
        refused = await there.call(echo, f"https://{HERE}:8443", OFFHOOK_TOKEN=token)
        assert "not trusted" in refused[-1]["text"]
    finally:
        cloud.terminate()
        await cloud.communicate()


async def test_a_machine_without_any_network_calls_itself(lonely: Host) -> None:
    cloud, ready = await lonely.up("--http", "127.0.0.1:8008", "--https", "127.0.0.1:8443")
    try:
        events = await lonely.call(ready["test_numbers"]["echo"], ready["http"])
        assert heard(events) == {440}, events
    finally:
        cloud.terminate()
        await cloud.communicate()
