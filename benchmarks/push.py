"""Pushes to Apple: what one costs, and how long it takes until Apple has it.

Each way of pushing runs in a process of its own on one core, the server on the other one, in turns.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvloop

from benchmarks.push_clients import CLIENTS, Client

RATES = (200, 1000)
SECONDS = 3.0
#: Under way at once, to find the highest rate.
DEPTH = 100
ROUNDS = 3


async def paced(client: Client, rate: float, seconds: float) -> tuple[list[float], float]:
    """Send at `rate`; the delays until the answers, and the processor time of one push."""
    delays: list[float] = []
    total = int(rate * seconds)
    finished = asyncio.Event()

    def send() -> None:
        began = time.perf_counter()

        def done() -> None:
            delays.append(time.perf_counter() - began)
            if len(delays) == total:
                finished.set()

        client.send(done)

    cpu, start = time.process_time(), time.perf_counter()
    for index in range(total):
        wait = start + index / rate - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        send()
    async with asyncio.timeout(30):
        await finished.wait()
    return delays, (time.process_time() - cpu) / total


async def flat_out(client: Client, seconds: float) -> tuple[float, float]:
    """Keep `DEPTH` under way: pushes a second, and the processor time of one."""
    count, under_way = 0, 0
    finished = asyncio.Event()
    cpu, start = time.process_time(), time.perf_counter()
    end = start + seconds

    def done() -> None:
        nonlocal count, under_way
        count += 1
        under_way -= 1
        if time.perf_counter() < end:
            send()
        elif not under_way:
            finished.set()

    def send() -> None:
        nonlocal under_way
        under_way += 1
        client.send(done)

    for _ in range(DEPTH):
        send()
    async with asyncio.timeout(seconds + 30):
        await finished.wait()
    return count / (time.perf_counter() - start), (time.process_time() - cpu) / count


async def measure(
    name: str, server: dict[str, Any], rates: tuple[int, ...] = RATES
) -> dict[str, Any]:
    client = CLIENTS[name](server)
    await client.start()
    await paced(client, 500, 0.5)
    found: dict[str, Any] = {}
    for rate in rates:
        delays, cpu = await paced(client, rate, SECONDS)
        found[str(rate)] = {"delays": delays, "cpu": cpu}
    most, cpu = await flat_out(client, SECONDS)
    await client.stop()
    return {**found, "most": most, "cpu": cpu}


@contextmanager
def server() -> Iterator[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            ["taskset", "-c", "1", sys.executable, "-m", "benchmarks.push_server", folder],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()
            process.wait(10)


def main() -> int:
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in CLIENTS}
    with server() as address:
        for _ in range(ROUNDS):
            for name in CLIENTS:
                done = subprocess.run(
                    ["taskset", "-c", "0", sys.executable, "-m", "benchmarks.push", name],
                    input=json.dumps(address),
                    capture_output=True,
                    text=True,
                    timeout=120,
                    check=False,
                    env=os.environ | {"OFFHOOK_LOG": "ERROR"},
                )
                if done.returncode:
                    print(done.stderr, file=sys.stderr)
                    return 1
                found[name].append(json.loads(done.stdout))
    report(found)
    return 0


def report(found: dict[str, list[dict[str, Any]]]) -> None:
    def cpu(name: str) -> float:
        return statistics.median(each["cpu"] for each in found[name])

    bare = cpu("bare h2, tuned")
    print(
        f"One connection with TLS, a payload of about 750 bytes; from `send` until the answer is\n"
        f"there. Median of {ROUNDS} rounds; delays in ms.\n"
    )
    heads = "".join(f" p50 / p99 at {rate}/s |" for rate in RATES)
    print(f"| | µs of processor a push | pushes a CPU second | to bare h2 | most a second |{heads}")
    print("|---|---|---|---|---|" + "---|" * len(RATES))
    for name, rounds in found.items():
        own = cpu(name)
        most = statistics.median(each["most"] for each in rounds)
        row = f"| {name} | {own * 1e6:.0f} | {1 / own:.0f} | {bare / own:.2f} | {most:.0f} |"
        for rate in RATES:
            delays = [sorted(each[str(rate)]["delays"]) for each in rounds]
            middle = statistics.median(each[len(each) // 2] for each in delays)
            late = statistics.median(each[int(len(each) * 0.99)] for each in delays)
            row += f" {middle * 1e3:.2f} / {late * 1e3:.2f} |"
        print(row)
    print("\nTargets: 0.8 of the bare h2 client's pushes a CPU second; p99 under 5 ms at 1000/s.")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(uvloop.run(measure(sys.argv[1], json.load(sys.stdin)))))
    else:
        sys.exit(main())
