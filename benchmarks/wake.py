"""Waking a phone: from dialling to its ringing, beside a phone that is awake.

The whole chain is there: service, webhook, backend, a stand-in for Apple over HTTP/2 and TLS, and
an app that starts from nothing (its process apart): signs in, connects, registers a line, rings.
All of it shares one process and one core, which is what makes it slower than it would be.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import uvloop

from offhook import TokenAuthenticator, Webex
from offhook.service.config import Limits, ServiceConfig
from offhook.testing import LocalCloud, local_cloud
from offhook.testing.apns import ReceivedPush
from offhook.testing.push import DESK_APP, LocalPush, local_push

PATIENCE = 15.0
TOKEN = "ab" * 32


@asynccontextmanager
async def running() -> AsyncIterator[tuple[LocalCloud, LocalPush]]:
    limits = Limits(calls=100_000, registrations=100_000, lines_per_person=1000)
    with tempfile.TemporaryDirectory() as folder:
        config = ServiceConfig(
            data=str(Path(folder) / "cloud"), http="127.0.0.1:0", https="127.0.0.1:0", limits=limits
        )
        async with local_cloud(config) as cloud, local_push(cloud) as push:
            yield cloud, push


async def register(cloud: LocalCloud, push: LocalPush) -> None:
    body = {"provider": "apns", "token": TOKEN, "app": DESK_APP, "environment": "sandbox"}
    headers = {"authorization": f"Bearer {cloud.person('bob').token}"}
    async with (
        aiohttp.ClientSession(raise_for_status=True) as http,
        http.put(f"{push.url}/v1/devices/bench", json=body, headers=headers),
    ):
        return


async def woken(cloud: LocalCloud, push: LocalPush, alice: Webex) -> tuple[float, float]:
    """Seconds from dialling to the push at Apple, and to the ringing of the woken phone."""
    arrived: asyncio.Queue[ReceivedPush] = asyncio.Queue()
    push.observers[:] = [arrived.put_nowait]
    began = time.perf_counter()
    dialling = asyncio.create_task(alice.phone.dial_phone_number(cloud.person("bob").extension))
    received = await asyncio.wait_for(arrived.get(), PATIENCE)
    pushed = time.perf_counter() - began
    app = Webex(TokenAuthenticator(cloud.person("bob").token), cloud=cloud.http)
    try:
        calls = app.phone.incoming_calls()
        async with asyncio.timeout(PATIENCE):
            await app.phone.process_push_notification(received.body)
            call = await anext(calls)
            rings = time.perf_counter() - began
            outgoing = await dialling
            await outgoing.hangup()
            await call.ended()
    finally:
        await app.close()
    return pushed, rings


async def awake(cloud: LocalCloud, alice: Webex, bob: Webex) -> float:
    """Seconds from dialling to the ringing of a phone that is connected."""
    calls = bob.phone.incoming_calls()
    began = time.perf_counter()
    dialling = asyncio.create_task(alice.phone.dial_phone_number(cloud.person("bob").extension))
    async with asyncio.timeout(PATIENCE):
        call = await anext(calls)
        rings = time.perf_counter() - began
        outgoing = await dialling
        await outgoing.hangup()
        await call.ended()
    return rings


def row(name: str, seconds: list[float]) -> str:
    ordered = sorted(1000 * each for each in seconds)
    p99 = ordered[min(int(len(ordered) * 0.99), len(ordered) - 1)]
    p90 = ordered[int(len(ordered) * 0.9)]
    return f"| {name} | {statistics.median(ordered):.1f} | {p90:.1f} | {p99:.1f} |"


async def run(rounds: int) -> None:
    async with (
        running() as (cloud, push),
        Webex(TokenAuthenticator(cloud.person("alice").token), cloud=cloud.http) as alice,
    ):
        await alice.phone.ready()
        await register(cloud, push)
        await woken(cloud, push, alice)  # It warms everything up.
        chain = [await woken(cloud, push, alice) for _ in range(rounds)]
        token = TokenAuthenticator(cloud.person("bob").token)
        async with Webex(token, cloud=cloud.http) as bob:
            await bob.phone.ready()
            at_once = [await awake(cloud, alice, bob) for _ in range(rounds)]
    pushed, rings = ([each[index] for each in chain] for index in (0, 1))
    print(f"{rounds} calls each, one after the other; milliseconds from dialling.\n")
    print("| until | median | p90 | p99 |\n|---|---|---|---|")
    print(row("the push is at the provider", pushed))
    print(row("a killed phone rings (target: p99 under 150)", rings))
    print(row("a phone that is awake rings", at_once))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    uvloop.run(run(parser.parse_args().rounds))


if __name__ == "__main__":
    main()
