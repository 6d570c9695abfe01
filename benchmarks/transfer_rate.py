"""Transfers a second through HTTP and Mercury, on one core of the service.

Alice talks to bob and transfers him to carol. Blind: bob is sent on, carol's phone rings and
answers, so it is a call of its own but for the caller. Consult: alice talks to carol before, and
one request connects the two. What the calls themselves cost is measured in the same run, and taken
off. The peer is the same number of HTTP requests with nothing behind them.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import uvloop

from benchmarks.bare_client import (
    BareClient,
    bare_client,
    one_call,
    rung,
    session_descriptions,
    set_up,
)
from benchmarks.call_rate import requests
from benchmarks.cloud import Cloud, cloud

WARM_UP, ROUNDS = 10, 400


@dataclass
class Office:
    """Three registered lines."""

    alice: BareClient
    bob: BareClient
    carol: BareClient
    numbers: dict[str, str]
    sdp: tuple[str, str]

    async def call(self) -> float:
        """A call, for what it costs; nothing is transferred."""
        await one_call(self.alice, self.bob, self.numbers["Bob"], self.sdp)
        return 0.0

    async def blind(self) -> float:
        """Seconds from the transfer to carol's answer: four requests."""
        call, bobs = await set_up(self.alice, self.bob, self.numbers["Bob"], self.sdp)
        started = time.perf_counter()
        await call.transfer(number=self.numbers["Carol"])
        carols = await rung(self.carol)
        await carols.answer(self.sdp[1])
        await self.alice.event("mobius.calldisconnected", call.call_id)
        took = time.perf_counter() - started
        await bobs.end()
        await self.carol.event("mobius.calldisconnected", carols.call_id)
        return took

    async def consult(self) -> float:
        """Seconds from the transfer until alice is out of both calls: one request."""
        call, bobs = await set_up(self.alice, self.bob, self.numbers["Bob"], self.sdp)
        second, carols = await set_up(self.alice, self.carol, self.numbers["Carol"], self.sdp)
        started = time.perf_counter()
        await call.transfer(to=second.call_id)
        await self.alice.event("mobius.calldisconnected", second.call_id)
        took = time.perf_counter() - started
        await bobs.end()
        await self.carol.event("mobius.calldisconnected", carols.call_id)
        return took


@dataclass(frozen=True)
class Cost:
    """Of one story: processor time of the service, and the median of what the story timed."""

    cpu: float
    seconds: float


async def _costs(service: Cloud) -> dict[str, Cost]:
    people = {each["name"].split()[0]: each for each in service.people}
    async with AsyncExitStack() as stack:
        lines = [
            await stack.enter_async_context(bare_client(service.http, people[name]["token"]))
            for name in ("Alice", "Bob", "Carol")
        ]
        numbers = {name: each["extension"] for name, each in people.items()}
        office = Office(*lines, numbers, await session_descriptions())
        stories: list[Callable[[], Awaitable[float]]] = [office.call, office.blind, office.consult]
        for story in stories:
            for _ in range(WARM_UP):
                await story()
        times: dict[str, list[float]] = {}
        cpu: dict[str, float] = {}
        for _ in range(4):  # in turns, so that noise of the machine hits all alike
            for story in stories:
                name = story.__name__
                before = service.cpu_seconds()
                for _ in range(ROUNDS // 4):
                    times.setdefault(name, []).append(await story())
                # What the last one left to do belongs to it.
                await asyncio.sleep(0.05)
                cpu[name] = cpu.get(name, 0.0) + service.cpu_seconds() - before
    return {name: Cost(cpu[name] / ROUNDS, sorted(times[name])[ROUNDS // 2]) for name in cpu}


def main() -> int:
    with cloud(core=0) as service:
        costs = uvloop.run(_costs(service))
        before = service.cpu_seconds()
        uvloop.run(requests(service, 1000))
        request = (service.cpu_seconds() - before) / 1000
    call = costs["call"].cpu
    print(f"A call alone takes {call * 1000:.2f} ms of the service's processor time.\n")
    print(
        "| transfer | processor time, beyond its calls | **a second on one core** "
        "| the same number of empty requests | ratio | median time |"
    )
    print("|---|---|---|---|---|---|")
    for name, calls, count in (("blind", 1, 4), ("consult", 2, 1)):
        cost, bare = costs[name].cpu - calls * call, count * request
        print(
            f"| {name} | {cost * 1000:.2f} ms | **{1 / cost:.0f}** | {bare * 1000:.2f} ms "
            f"| {cost / bare:.1f} | {costs[name].seconds * 1000:.1f} ms |"
        )
    print(
        "\nThe blind one includes the ringing and answering of carol's phone, with its leg; "
        "its time\nis to her answer. That of the consult one is until alice is out of both calls."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
