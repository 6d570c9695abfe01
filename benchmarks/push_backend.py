"""From the webhook to the push: our backend beside one that is written in the obvious way.

Each backend is a process of its own on the first core; this one, on the last, posts the webhooks
and is Apple and Google, with as little work of its own as can be. A delay is from the begin of the
POST to the last byte of the push, so it holds the way through the kernel and the work of both ends.

Ours writes every call to disk, synced, before it answers, and encrypts what it keeps. The obvious
one keeps nothing: killed between webhook and push, it loses the call.
"""

import argparse
import asyncio
import json
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import msgspec
import uvloop
from aiohttp import web

from benchmarks.push_server import PushServer, tls_context
from benchmarks.webhook_load import WebhookLoad
from offhook.serving.tls import local_tls
from offhook.testing.apns import ApnsServer
from offhook.testing.fcm import FcmServer
from offhook.wire.ids import ResourceKind, encode_id
from offhook.wire.voip_push import ApnsNewCall
from offhook.wire.webhook_signature import spark_signature
from offhook.wire.webhooks import TelephonyPushData, WebhookEnvelope

APP = "org.example.phone"
SECRET = "a secret of this benchmark"
PEOPLE = 100
RATES = (200.0, 1000.0)
#: Webhooks whose pushes have not come, to find the highest rate.
DEPTH = 100
PATIENCE = 20.0
_CALL_ID = re.compile(rb"callId\W+([0-9a-f-]{36})")


@dataclass(frozen=True)
class Backend:
    """One that is measured; `kind` is its provider's."""

    name: str
    ours: bool
    kind: str


BACKENDS = (
    Backend("Offhook to Apple, every call on disk", ours=True, kind="apns"),
    Backend("aiohttp and aioapns, nothing kept", ours=False, kind="apns"),
    Backend("Offhook to Google, every call on disk", ours=True, kind="fcm"),
    Backend("aiohttp and firebase-admin, nothing kept", ours=False, kind="fcm"),
)


@dataclass
class Provider:
    """Apple and Google: what a backend has to be told of them, and the pushes that came."""

    apns: ApnsServer
    fcm: FcmServer
    port: int
    ca: Path
    came: dict[bytes, float] = field(default_factory=dict)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def arrived(self, body: bytes, at: float) -> None:
        found = _CALL_ID.search(body)
        assert found is not None
        self.came[found[1]] = at
        self.news.set()


@asynccontextmanager
async def provider(folder: Path, kind: str) -> AsyncIterator[Provider]:
    """Keys and sign-in are those of our stand-ins; their strictness would cost what is measured."""
    files = await asyncio.to_thread(local_tls, folder / "provider", [])
    answer = b'{"name":"projects/p/messages/1"}' if kind == "fcm" else b""
    async with ApnsServer(apps=[APP]) as apns, FcmServer() as fcm:
        both = folder / "ca.pem"
        both.write_bytes(files.ca.read_bytes() + fcm.ca_path.read_bytes())
        found = Provider(apns, fcm, 0, both)
        server = await asyncio.get_running_loop().create_server(
            lambda: PushServer(found.arrived, answer),
            "127.0.0.1",
            0,
            ssl=tls_context(files.certificate, files.key),
        )
        found.port = server.sockets[0].getsockname()[1]
        yield found
        server.close()


def person_id(number: int) -> str:
    return str(UUID(int=number + 1))


def token(number: int) -> str:
    return f"{number:064x}"


async def people_me(request: web.Request) -> web.Response:
    """The cloud's ``people/me``: a token is the number of its person."""
    number = int(request.headers["authorization"].split()[1].removeprefix("token-"))
    return web.json_response({"id": encode_id(ResourceKind.PEOPLE, person_id(number))})


def webhook(person: int) -> tuple[bytes, bytes, str]:
    """A call's id, its webhook, and the signature."""
    call = str(uuid4())
    until = int((time.time() + 60) * 1000)
    payload = msgspec.Raw(
        msgspec.json.encode(ApnsNewCall(str(uuid4()), call, f"BENCH_{uuid4()}", until, "A", "1"))
    )
    data = msgspec.json.encode(TelephonyPushData(payload, payload))
    actor = encode_id(ResourceKind.PEOPLE, person_id(person))
    body = msgspec.json.encode(
        WebhookEnvelope("h", "b", "telephony_push", "updated", msgspec.Raw(data), actor)
    )
    return call.encode(), body, spark_signature(SECRET, body)


def cpu_seconds(process: int) -> float:
    threads = Path(f"/proc/{process}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


async def paced(
    load: WebhookLoad, provider: Provider, rate: float, seconds: float
) -> tuple[float, float]:
    """Post at `rate` for so long; p50 and p99 of the delays in ms. Every push has to come."""
    provider.came.clear()
    events = [webhook(number % PEOPLE) for number in range(int(rate * seconds))]
    posted: dict[bytes, float] = {}
    began = time.time()
    for number, (call, body, signature) in enumerate(events):
        if (wait := began + number / rate - time.time()) > 0:
            await asyncio.sleep(wait)
        posted[call] = time.time()
        load.post(body, signature)
    async with asyncio.timeout(PATIENCE):
        while len(provider.came) < len(events):
            provider.news.clear()
            await provider.news.wait()
    delays = sorted(1000 * (provider.came[call] - at) for call, at in posted.items())
    return statistics.median(delays), delays[int(len(delays) * 0.99)]


async def flat_out(
    load: WebhookLoad, provider: Provider, process: int, seconds: float
) -> tuple[float, float]:
    """Keep `DEPTH` under way; pushes a second, and the backend's processor time of one in µs."""
    provider.came.clear()
    # Made beforehand, more than will be needed: this core has enough to do.
    events = iter([webhook(number % PEOPLE) for number in range(int(6000 * seconds))])
    began, used, sent = time.time(), cpu_seconds(process), 0
    async with asyncio.timeout(seconds + PATIENCE):
        while time.time() < began + seconds or len(provider.came) < sent:
            while time.time() < began + seconds and sent - len(provider.came) < DEPTH:
                _, body, signature = next(events)
                load.post(body, signature)
                sent += 1
            provider.news.clear()
            await provider.news.wait()
    took = max(provider.came.values()) - began
    return sent / took, 1e6 * (cpu_seconds(process) - used) / sent


async def started(*command: str, core: int, ca: Path) -> asyncio.subprocess.Process:
    trust = {"SSL_CERT_FILE": str(ca), "REQUESTS_CA_BUNDLE": str(ca)}
    process = await asyncio.create_subprocess_exec(
        *("taskset", "-c", str(core), sys.executable, "-m", *command),
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | trust | {"OFFHOOK_LOG": "ERROR"},
    )
    assert process.stdout is not None
    async with asyncio.timeout(30):
        json.loads(await process.stdout.readline())
    return process


def our_configuration(folder: Path, port: int, cloud: str, provider: Provider) -> Path:
    key = provider.apns.key
    where = [f'app = "{APP}"', 'host = "127.0.0.1"', f"port = {provider.port}"]
    where.append(f'ca = "{provider.ca}"')
    lines = [
        f'data = "{folder}/push"',
        f'http = "127.0.0.1:{port}"',
        f'cloud = "{cloud}"',
        f'secrets = ["{SECRET}"]',
        "[limits]",
        "registrations = 1000000",
        "[[providers.apns]]",
        f'team_id = "{key.team_id}"',
        f'key_id = "{key.key_id}"',
        f'key_file = "{key.file}"',
        *where,
        "[[providers.fcm]]",
        f'project = "{provider.fcm.project}"',
        f'credentials = "{provider.fcm.credentials}"',
        *where,
    ]
    path = folder / "push.toml"
    path.write_text("\n".join(lines) + "\n")
    return path


def obvious_configuration(folder: Path, port: int, provider: Provider, kind: str) -> Path:
    key = provider.apns.key
    settings = {
        "listen": port,
        "secret": SECRET,
        "provider": kind,
        "host": "127.0.0.1",
        "port": provider.port,
        "ca": str(provider.ca),
        "key": key.file.read_text(),
        "key_id": key.key_id,
        "team_id": key.team_id,
        "topic": f"{APP}.voip",
        "credentials": str(provider.fcm.credentials),
        "devices": {
            encode_id(ResourceKind.PEOPLE, person_id(number)): token(number)
            for number in range(PEOPLE)
        },
    }
    path = folder / "obvious.json"
    path.write_text(json.dumps(settings))
    return path


async def register(backend: str, kind: str) -> None:
    async with aiohttp.ClientSession(raise_for_status=True) as http:
        for number in range(PEOPLE):
            body = {"provider": kind, "token": token(number), "app": APP}
            headers = {"authorization": f"Bearer token-{number}"}
            url = f"{backend}/v1/devices/phone-{number}"
            async with http.put(url, json=body, headers=headers):
                pass


async def row(backend: Backend, cloud: str, core: int, seconds: float, bare: float) -> str:
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        url = f"http://127.0.0.1:{port}"
        async with provider(folder, backend.kind) as far:
            if backend.ours:
                config = our_configuration(folder, port, cloud, far)
                command = ["offhook.cli", "push", "--config", str(config), "--json"]
            else:
                config = obvious_configuration(folder, port, far, backend.kind)
                command = ["benchmarks.obvious_backend", str(config)]
            process = await started(*command, core=core, ca=far.ca)
            try:
                if backend.ours:
                    await register(url, backend.kind)
                async with WebhookLoad(f"{url}/webhook") as load:
                    await paced(load, far, 100.0, 1.0)  # It warms everything up.
                    cells = []
                    for rate in RATES:
                        try:
                            p50, p99 = await paced(load, far, rate, seconds)
                            cells.append(f"{p50:.1f} / {p99:.1f}")
                        except TimeoutError:
                            cells.append("not reached")
                            break
                    else:
                        most, micros = await flat_out(load, far, process.pid, 2.0)
                        cells += [f"{most:.0f}", f"{micros:.0f}", f"{bare / micros:.2f}"]
                    assert not load.refusals
            finally:
                process.terminate()
                await process.wait()
    cells += ["-"] * (5 - len(cells))
    return f"| {backend.name} | {' | '.join(cells)} |"


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def bare_h2(core: int, which: str) -> tuple[float, float]:
    """What the bare client needs of a processor for a push, in µs, and its pushes a second."""
    code = (
        "import json, sys, uvloop; from benchmarks.push import measure; "
        f"print(json.dumps(uvloop.run(measure({which!r}, json.load(sys.stdin), ()))))"
    )
    with tempfile.TemporaryDirectory() as name:
        async with provider(Path(name), "apns") as far:
            # What it sends is no call.
            far.arrived = lambda *_: None  # type: ignore[method-assign]
            process = await asyncio.create_subprocess_exec(
                *("taskset", "-c", str(core), sys.executable, "-c", code),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
            server = {"port": far.port, "ca": str(far.ca), "key": str(far.apns.key.file)}
            out, _ = await process.communicate(json.dumps(server).encode())
    found: dict[str, Any] = json.loads(out)
    return 1e6 * found["cpu"], found["most"]


async def run(options: argparse.Namespace) -> None:
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[-1]})
    app = web.Application()
    app.router.add_get("/v1/people/me", people_me)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    cloud = f"http://127.0.0.1:{runner.addresses[0][1]}"
    bare, most = await bare_h2(cores[0], "bare h2, as it comes")
    print(
        f"One core for the backend. `to h2`: pushes a CPU second of the whole job to those of the\n"
        f"bare h2 client, as it comes, which does nothing but push ({bare:.0f} µs each). Delays "
        "in ms, from\nPOST to push.\n\n"
        "| backend | p50 / p99 at 200/s | p50 / p99 at 1000/s | most a second | µs of processor a "
        "push | to h2 |\n|---|---|---|---|---|---|\n"
        f"| bare h2: no webhook, no disk | | | {most:.0f} | {bare:.0f} | 1.00 |",
        flush=True,
    )
    for backend in BACKENDS:
        if options.only in backend.name:
            print(await row(backend, cloud, cores[0], options.seconds, bare), flush=True)
    await runner.cleanup()
    print("\nTarget: p99 under 5 ms at 1000/s.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--only", default="", help="backends whose name has this in it")
    uvloop.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
