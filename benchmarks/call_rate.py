"""Calls set up and torn down a second through HTTP and Mercury, on one core of the service.

Each call: create, alerting, connect, answer and end over HTTP, and all their events over Mercury;
the service opens, answers and closes two media legs for it. The peer is the same number of HTTP
requests and events with nothing behind them (uvicorn and Litestar alone, ``/healthz``): how much of
the time is call control and media, and how much the web server.
"""

import asyncio
import statistics
import sys
import time

import aiohttp
import uvloop

from benchmarks.bare_client import bare_client, one_call, session_descriptions
from benchmarks.cloud import Cloud, cloud

#: Requests of one call.
REQUESTS = 5
WARM_UP = 20


async def _calls(service: Cloud, pairs: int, each: int) -> list[float]:
    sdp = await session_descriptions()
    times: list[float] = []

    async def pair(index: int) -> None:
        token = service.people[index % 2]["token"]
        target = service.people[2 + index % 2]
        async with (
            bare_client(service.http, token) as caller,
            bare_client(service.http, target["token"]) as callee,
        ):
            for _ in range(each):
                started = time.perf_counter()
                await one_call(caller, callee, target["extension"], sdp)
                times.append(time.perf_counter() - started)

    await asyncio.gather(*(pair(index) for index in range(pairs)))
    return times


async def requests(service: Cloud, count: int) -> None:
    """So many requests that ask for nothing, one after the other."""
    async with aiohttp.ClientSession() as session:
        for _ in range(count):
            async with session.get(f"{service.http}/healthz") as response:
                await response.read()


def main() -> int:
    with cloud(core=0) as service:
        uvloop.run(_calls(service, 2, WARM_UP))
        before, clock = service.cpu_seconds(), time.perf_counter()
        times = uvloop.run(_calls(service, 2, 200))
        cpu, wall = service.cpu_seconds() - before, time.perf_counter() - clock
        before = service.cpu_seconds()
        uvloop.run(requests(service, REQUESTS * 200))
        bare = (service.cpu_seconds() - before) / 200
    per_call = cpu / len(times)
    times.sort()
    print("| | |")
    print("|---|---|")
    print(f"| calls | {len(times)} in {wall:.1f} s, two at a time |")
    print(f"| CPU of the service a call | {per_call * 1000:.2f} ms |")
    print(f"| **calls a second on one core** | **{1 / per_call:.0f}** |")
    print(
        f"| set-up and tear-down, median / p99 | {statistics.median(times) * 1000:.1f} / "
        f"{times[int(len(times) * 0.99) - 1] * 1000:.1f} ms |"
    )
    print(f"| {REQUESTS} empty requests to the same server | {bare * 1000:.2f} ms |")
    print(f"| ratio | {per_call / bare:.1f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
