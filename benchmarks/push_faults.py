"""Faults on purpose: is every call pushed, in time, though everything around it breaks?

A backend of its own process takes the webhooks of thousands of calls, as the cloud sends them (five
attempts within the ring window), and is killed ten times with SIGKILL. Apple's stand-in answers
errors at random, sends GOAWAY, is down for moments, and says of tokens that they are dead. Each
person has two phones; a phone whose token dies registers a new one.

What is counted: calls of which no phone was told within the ring window (lost), pushes that came
after it (late), and pushes of a call to a phone that had it already. Those are the price of losing
none: Apple took the push, and the backend was killed or cut off before it knew. They have to be the
very push that came before, id and payload, by which a phone knows that it rings already (tests hold
the SDK to that); a second one that is not would ring twice.
"""

import argparse
import asyncio
import contextlib
import json
import random
import secrets
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import aiohttp
import msgspec
import uvloop
from aiohttp import web

from offhook.testing.apns import ApnsServer, ReceivedPush
from offhook.wire.ids import ResourceKind, encode_id
from offhook.wire.voip_push import ApnsNewCall, NewCall
from offhook.wire.webhook_signature import spark_signature, standard_signature
from offhook.wire.webhooks import TelephonyPushData, WebhookEnvelope

APP = "org.example.phone"
SECRET = secrets.token_hex(16)
RING = 30.0
ATTEMPTS = (0.0, 1.0, 2.0, 4.0, 8.0)
PEOPLE = 200


@dataclass
class Phone:
    """One of somebody's phones, and the calls that it was told of."""

    person: int
    name: str
    token: str = field(default_factory=lambda: secrets.token_hex(32))
    calls: dict[str, tuple[str, bytes]] = field(default_factory=dict)


@dataclass
class World:
    """Everything that there is besides the backend."""

    apns: ApnsServer
    phones: list[Phone]
    backend: str = ""
    rung: dict[str, float] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    by_token: dict[str, Phone] = field(default_factory=dict)

    def take(self, push: ReceivedPush) -> None:
        """A push reaches a phone."""
        phone = self.by_token[push.token]
        call = msgspec.json.decode(push.body, type=NewCall)
        this = push.headers["apns-id"], push.body
        self.rung.setdefault(call.callId, push.at)
        if call.callId in phone.calls:
            same = phone.calls[call.callId] == this
            self.counts["pushed twice" if same else "rung twice"] += 1
        phone.calls[call.callId] = this
        if push.at * 1000 > call.ringUntil:
            self.counts["late"] += 1


def person_id(number: int) -> str:
    return str(UUID(int=number + 1))


async def people_me(request: web.Request) -> web.Response:
    """The cloud's ``people/me``: a token is the number of its person."""
    number = int(request.headers["authorization"].split()[1].removeprefix("token-"))
    body = {"id": encode_id(ResourceKind.PEOPLE, person_id(number)), "emails": []}
    return web.json_response(body)


async def start_backend(config: Path) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "offhook.cli", "push", "--config", str(config), "--json"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    async with asyncio.timeout(30):
        json.loads(await process.stdout.readline())
    return process


async def register(http: aiohttp.ClientSession, world: World, phone: Phone) -> None:
    """Tell the backend the phone's token, until it takes it."""
    world.by_token[phone.token] = phone
    body = {"provider": "apns", "token": phone.token, "app": APP, "environment": "production"}
    headers = {"authorization": f"Bearer token-{phone.person}"}
    while True:
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            url = f"{world.backend}/v1/devices/{phone.name}"
            async with http.put(url, json=body, headers=headers) as answer:
                if answer.status < 300:
                    return
        await asyncio.sleep(0.1)


async def call(http: aiohttp.ClientSession, world: World, person: int) -> str | None:
    """One call, told to the backend as the cloud tells it; its id if the backend took it."""
    now = time.time()
    new = {
        "pushId": str(uuid4()),
        "callId": str(uuid4()),
        "externalTrackingId": f"FAULTS_{uuid4()}",
        "ringUntil": int((now + RING) * 1000),
    }
    payload = msgspec.Raw(msgspec.json.encode(msgspec.convert(new, ApnsNewCall)))
    data = msgspec.json.encode(TelephonyPushData(payload, payload))
    actor = encode_id(ResourceKind.PEOPLE, person_id(person))
    body = msgspec.json.encode(
        WebhookEnvelope("hook", "faults", "telephony_push", "updated", msgspec.Raw(data), actor)
    )
    event_id = str(uuid4())
    for offset in ATTEMPTS:
        await asyncio.sleep(max(now + offset - time.time(), 0))
        stamp = int(time.time())
        headers = {
            "content-type": "application/json",
            "x-spark-signature": spark_signature(SECRET, body),
            "webhook-id": event_id,
            "webhook-timestamp": str(stamp),
            "webhook-signature": standard_signature(SECRET, event_id, stamp, body),
        }
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            url = f"{world.backend}/webhook"
            async with http.post(url, data=body, headers=headers) as answer:
                if answer.status < 300:
                    return str(new["callId"])
    return None


async def break_apple(world: World, http: aiohttp.ClientSession, chance: random.Random) -> None:
    """Errors at random, GOAWAY, moments of being down, dead tokens."""
    for beat in range(1_000_000):
        await asyncio.sleep(0.1)
        if chance.random() < 0.5:
            status, reason = chance.choice(
                [(500, "InternalServerError"), (503, "ServiceUnavailable"), (503, "Shutdown")]
            )
            world.apns.answer(status, reason)
            world.counts["errors"] += 1
        if beat % 30 == 29:
            world.apns.go_away()
            world.counts["goaway"] += 1
        if beat % 100 == 99:
            await world.apns.down()
            await asyncio.sleep(chance.uniform(0.2, 1.0))
            await world.apns.up()
            world.counts["down"] += 1
        if beat % 5 == 4:
            phone = chance.choice(world.phones)
            now = int(time.time() * 1000)
            world.apns.answer(410, "Unregistered", token=phone.token, timestamp=now)
            phone.token = secrets.token_hex(32)
            await register(http, world, phone)
            world.counts["dead tokens"] += 1


async def kill_backend(world: World, config: Path, pause: float, times: int) -> None:
    """Kill it and start it again; leave it running at the end, to be stopped."""
    process = await start_backend(config)
    try:
        for _ in range(times):
            await asyncio.sleep(pause)
            process.send_signal(signal.SIGKILL)
            await process.wait()
            world.counts["kills"] += 1
            process = await start_backend(config)
        await asyncio.Event().wait()
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def configuration(folder: Path, port: int, cloud: str, apns: ApnsServer) -> Path:
    lines = [
        f'data = "{folder}/push"',
        f'http = "127.0.0.1:{port}"',
        f'cloud = "{cloud}"',
        f'secrets = ["{SECRET}"]',
        "[limits]",
        "registrations = 1000000",
        "[[providers.apns]]",
        f'app = "{APP}"',
        f'team_id = "{apns.key.team_id}"',
        f'key_id = "{apns.key.key_id}"',
        f'key_file = "{apns.key.file}"',
        f'host = "{apns.host}"',
        f"port = {apns.port}",
        f'ca = "{apns.ca_path}"',
    ]
    path = folder / "push.toml"
    path.write_text("\n".join(lines) + "\n")
    return path


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def run(calls: int, rate: float, kills: int, seed: int) -> int:
    chance = random.Random(seed)
    app = web.Application()
    app.router.add_get("/v1/people/me", people_me)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    cloud = f"http://127.0.0.1:{runner.addresses[0][1]}"
    phones = [Phone(person, f"{person}-{name}") for person in range(PEOPLE) for name in "ab"]
    limit = aiohttp.ClientTimeout(total=5)
    connector = aiohttp.TCPConnector(limit=0)
    with tempfile.TemporaryDirectory() as folder:
        async with (
            ApnsServer(apps=[APP], refresh_seconds=0) as apns,
            aiohttp.ClientSession(timeout=limit, connector=connector) as http,
        ):
            port = free_port()
            world = World(apns, phones, f"http://127.0.0.1:{port}")
            config = await asyncio.to_thread(configuration, Path(folder), port, cloud, apns)
            lasts = calls / rate
            helpers = [
                asyncio.create_task(kill_backend(world, config, _pause(lasts, kills), kills)),
                asyncio.create_task(_deliver(world)),
            ]
            try:
                await asyncio.gather(*(register(http, world, phone) for phone in phones))
                helpers.append(asyncio.create_task(break_apple(world, http, chance)))
                began = time.time()
                told = []
                for number in range(calls):
                    await asyncio.sleep(max(began + number / rate - time.time(), 0))
                    told.append(asyncio.create_task(call(http, world, chance.randrange(PEOPLE))))
                taken = [await each for each in told]
                await asyncio.sleep(5.0)
            finally:
                for helper in helpers:
                    helper.cancel()
                await asyncio.gather(*helpers, return_exceptions=True)
    await runner.cleanup()
    lost = sum(each is None or each not in world.rung for each in taken)
    report(world, calls, rate, lost)
    return 1 if lost or world.counts["late"] or world.counts["rung twice"] else 0


def _pause(lasts: float, kills: int) -> float:
    """Seconds between a start and a kill, so that all of them fall into the run."""
    return max(lasts / (kills + 1) - 2.0, 1.0)


async def _deliver(world: World) -> None:
    while True:
        world.take(await world.apns.next_push(None))


def report(world: World, calls: int, rate: float, lost: int) -> None:
    counts = world.counts
    print(
        f"{calls} calls at {rate:g} a second to {PEOPLE} people with two phones each; the backend "
        f"was killed {counts['kills']} times; Apple answered {counts['errors']} errors, "
        f"{counts['goaway']} GOAWAY, was down {counts['down']} times, and called "
        f"{counts['dead tokens']} tokens dead.\n"
    )
    print("| lost | late | rung twice | the same push twice to a phone |\n|---|---|---|---|")
    print(f"| {lost} | {counts['late']} | {counts['rung twice']} | {counts['pushed twice']} |")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--rate", type=float, default=120.0)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    return uvloop.run(run(options.calls, options.rate, options.kills, options.seed))


if __name__ == "__main__":
    sys.exit(main())
