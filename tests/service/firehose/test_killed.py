"""A service that is killed in the middle: what it had accepted for delivery is delivered."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import aiohttp

from service.firehose.receiver import Receiver
from service.signalling import Wire, leg

PATIENCE = 60.0


async def cloud(data: Path) -> tuple[asyncio.subprocess.Process, dict[str, Any]]:
    """`offhook up` in a process of its own, and what it says when it is ready."""
    environment = {**os.environ, "XDG_STATE_HOME": str(data.parent / "state")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "offhook.cli", "up", "--json", "--data", str(data)),
        *("--http", "127.0.0.1:0", "--https", "127.0.0.1:0"),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        return process, json.loads(await process.stdout.readline())


def token(ready: dict[str, Any], name: str) -> str:
    found: str = next(each["token"] for each in ready["people"] if each["name"].startswith(name))
    return found


async def test_an_event_survives_the_kill_of_its_service_and_comes_under_the_same_id(
    demo_data: Path, receiver: Receiver
) -> None:
    process, ready = await cloud(demo_data)
    try:
        async with aiohttp.ClientSession() as http:
            hook = {
                "name": "calls",
                "targetUrl": receiver.url,
                "resource": "telephony_push",
                "event": "updated",
            }
            admin = {"authorization": f"Bearer {token(ready, 'Ada')}"}
            url = f"{ready['http']}/v1/webhooks"
            async with http.post(url, json=hook, headers=admin) as answer:
                assert answer.status == 200
            receiver.gate = asyncio.Event()
            alice = Wire(http, ready["http"], token(ready, "Alice"))
            await alice.register()
            async with leg() as audio:
                await alice.dial("1002", await audio.create_offer())
            (first,) = await receiver.count(1)
            process.kill()
            await process.wait()
            await alice.close()
        receiver.gate.set()
        process, _ = await cloud(demo_data)
        again = (await receiver.count(2))[1]
        assert again.headers["webhook-id"] == first.headers["webhook-id"]
        assert again.body == first.body
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
