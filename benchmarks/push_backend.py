"""From the webhook to the push: our backend beside one written in the obvious way with aioapns.

Each backend is a process of its own on the first core; this one, on the last, posts webhooks at a
steady rate and is Apple, too. A delay is from the begin of the POST to the push that has come in
whole, so it holds both ways through the kernel and the work of both ends.

Ours writes every call to disk, synced, before it answers, and encrypts what it keeps. The other
keeps nothing: killed between webhook and push, it loses the call.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import aiohttp
import msgspec
import uvloop
from aiohttp import web

from benchmarks.push_faults import (
    APP,
    SECRET,
    Phone,
    World,
    configuration,
    free_port,
    people_me,
    person_id,
    register,
)
from offhook.testing.apns import ApnsServer
from offhook.wire.ids import ResourceKind, encode_id
from offhook.wire.voip_push import ApnsNewCall
from offhook.wire.webhook_signature import spark_signature
from offhook.wire.webhooks import TelephonyPushData, WebhookEnvelope

PEOPLE = 100
PATIENCE = 20.0


@dataclass
class Round:
    """What one rate gave: delays in ms, and processor time of the backend a push."""

    rate: float
    delays: list[float]
    reached: float
    micros: float

    @property
    def p50(self) -> float:
        return statistics.median(self.delays)

    @property
    def p99(self) -> float:
        return sorted(self.delays)[int(len(self.delays) * 0.99)]


@dataclass
class Meter:
    """Webhooks that were posted, and when their pushes came."""

    apns: ApnsServer
    began: dict[str, float] = field(default_factory=dict)
    came: dict[str, float] = field(default_factory=dict)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def watch(self) -> None:
        while True:
            push = await self.apns.next_push(None)
            self.came[msgspec.json.decode(push.body)["callId"]] = push.at
            self.news.set()


def cpu_seconds(process: int) -> float:
    threads = Path(f"/proc/{process}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


def event(person: int) -> tuple[str, bytes]:
    """A call's id and its webhook."""
    call = str(uuid4())
    until = int((time.time() + 30) * 1000)
    payload = msgspec.Raw(
        msgspec.json.encode(ApnsNewCall(str(uuid4()), call, f"BENCH_{uuid4()}", until, "A", "1"))
    )
    data = msgspec.json.encode(TelephonyPushData(payload, payload))
    actor = encode_id(ResourceKind.PEOPLE, person_id(person))
    envelope = WebhookEnvelope("h", "b", "telephony_push", "updated", msgspec.Raw(data), actor)
    return call, msgspec.json.encode(envelope)


async def measure(
    http: aiohttp.ClientSession, meter: Meter, url: str, process: int, rate: float, seconds: float
) -> Round:
    """Post at `rate` for so long; every push has to come."""
    meter.began.clear()
    meter.came.clear()
    count = int(rate * seconds)
    events = [event(number % PEOPLE) for number in range(count)]

    async def post(call: str, body: bytes) -> None:
        headers = {
            "content-type": "application/json",
            "x-spark-signature": spark_signature(SECRET, body),
        }
        meter.began[call] = time.time()
        async with http.post(url, data=body, headers=headers) as answer:
            await answer.read()
            assert answer.status < 300, answer.status

    used, began = cpu_seconds(process), time.time()
    posts = []
    for number, (call, body) in enumerate(events):
        if (wait := began + number / rate - time.time()) > 0:
            await asyncio.sleep(wait)
        posts.append(asyncio.create_task(post(call, body)))
    await asyncio.gather(*posts)
    async with asyncio.timeout(PATIENCE):
        while len(meter.came) < count:
            meter.news.clear()
            await meter.news.wait()
    ended = max(meter.came.values())
    used = cpu_seconds(process) - used
    delays = [1000 * (meter.came[call] - meter.began[call]) for call, _ in events]
    return Round(rate, delays, count / (ended - began), 1e6 * used / count)


async def started(*command: str, core: int) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        *command,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )
    assert process.stdout is not None
    async with asyncio.timeout(30):
        json.loads(await process.stdout.readline())
    return process


async def ours(world: World, folder: Path, cloud: str, port: int) -> list[str]:
    config = await asyncio.to_thread(configuration, folder, port, cloud, world.apns)
    return ["offhook.cli", "push", "--config", str(config), "--json"]


async def obvious(world: World, folder: Path, cloud: str, port: int) -> list[str]:  # noqa: ARG001
    key = world.apns.key
    settings = {
        "listen": port,
        "secret": SECRET,
        "ca": str(world.apns.ca_path),
        "host": world.apns.host,
        "port": world.apns.port,
        "key_file": str(key.file),
        "key_id": key.key_id,
        "team_id": key.team_id,
        "topic": f"{APP}.voip",
        "devices": {
            encode_id(ResourceKind.PEOPLE, person_id(phone.person)): [phone.token]
            for phone in world.phones
        },
    }
    path = folder / "obvious.json"
    await asyncio.to_thread(path.write_text, json.dumps(settings))
    return ["benchmarks.obvious_backend", str(path)]


async def run(options: argparse.Namespace) -> None:
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[-1]})
    app = web.Application()
    app.router.add_get("/v1/people/me", people_me)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    cloud = f"http://127.0.0.1:{runner.addresses[0][1]}"
    print(
        "| backend | µs of processor a push | p50 / p99 ms at 200/s | p50 / p99 ms at 1000/s | "
        "most a second |\n|---|---|---|---|---|"
    )
    kinds: dict[str, Callable[..., object]] = {
        "Offhook, durable": ours,
        "aiohttp and aioapns, nothing kept": obvious,
    }
    for name, kind in kinds.items():
        print(await row(name, kind, cloud, cores[0], options.seconds), flush=True)
    await runner.cleanup()
    print("\nTarget: p99 under 5 ms at 1000/s.")


async def row(name: str, kind: Callable[..., object], cloud: str, core: int, seconds: float) -> str:
    phones = [Phone(person, f"phone-{person}") for person in range(PEOPLE)]
    connector = aiohttp.TCPConnector(limit=0)
    with tempfile.TemporaryDirectory() as folder:
        async with (
            ApnsServer(apps=[APP], refresh_seconds=0) as apns,
            aiohttp.ClientSession(connector=connector) as http,
        ):
            port = free_port()
            world = World(apns, phones, f"http://127.0.0.1:{port}")
            command = await kind(world, Path(folder), cloud, port)  # type: ignore[misc]
            process = await started(*command, core=core)
            meter = Meter(apns)
            watching = asyncio.create_task(meter.watch())
            try:
                if kind is ours:
                    for phone in phones:
                        await register(http, world, phone)
                url = f"{world.backend}/webhook"
                at = [
                    await measure(http, meter, url, process.pid, rate, seconds)
                    for rate in (200.0, 200.0, 1000.0)
                ][1:]
                most = at[-1].reached
                for rate in range(1400, 6000, 400):
                    last = await measure(http, meter, url, process.pid, rate, 2.0)
                    if last.reached < 0.95 * rate or last.p99 > 250:
                        break
                    most = last.reached
            finally:
                watching.cancel()
                process.terminate()
                await process.wait()
    cells = [f"{each.p50:.1f} / {each.p99:.1f}" for each in at]
    return f"| {name} | {at[-1].micros:.0f} | {cells[0]} | {cells[1]} | {most:.0f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    uvloop.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
