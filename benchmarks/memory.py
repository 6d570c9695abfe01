"""Memory of the service for a registered line and for a call that is up."""

import asyncio
import sys
from contextlib import AsyncExitStack

import uvloop

from benchmarks.bare_client import bare_client, session_descriptions
from benchmarks.cloud import Cloud, cloud

LINES = 200
CALLS = 100


async def _measure(service: Cloud) -> tuple[float, float]:
    offer, _ = await session_descriptions()
    people = service.people
    async with AsyncExitStack() as stack:
        for index in range(20):
            await stack.enter_async_context(bare_client(service.http, people[index % 4]["token"]))
        before = service.memory_kib()
        clients = [
            await stack.enter_async_context(bare_client(service.http, people[index % 4]["token"]))
            for index in range(LINES)
        ]
        await asyncio.sleep(1)
        lines = service.memory_kib()
        for client in clients[:CALLS]:
            # The echo: one leg a call, answered at once, with a socket and its ICE agent open.
            await client.request(
                "POST",
                f"{client.base}/devices/{client.line}/call",
                {
                    "device": client.device(),
                    "localMedia": {"roap": {"seq": 1, "messageType": "OFFER", "sdp": offer}},
                    "callee": {"type": "uri", "address": f"tel:{service.test_numbers['echo']}"},
                },
            )
        await asyncio.sleep(1)
        calls = service.memory_kib()
    return (lines - before) / LINES, (calls - lines) / CALLS


def main() -> int:
    with cloud() as service:
        start = service.memory_kib()
        line, call = uvloop.run(_measure(service))
    print("| | private memory |")
    print("|---|---|")
    print(f"| the service at rest | {start / 1024:.0f} MiB |")
    print(f"| a registered line with its socket | {line:.0f} KiB |")
    print(f"| a call with one leg (before DTLS) | {call:.0f} KiB |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
