"""A receiver of webhooks that really runs: keeps what comes, answers as it is told."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web

PATIENCE = 8.0


@dataclass(frozen=True, slots=True)
class Received:
    """One request. `headers` by lower-case name."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Receiver:
    """`answers` are given in turn, then 200: a status, or a URL to be sent on to with 307."""

    def __init__(self) -> None:
        self.url = ""
        self.received: list[Received] = []
        self.answers: deque[int | str] = deque()
        self.always: int | None = None
        self.gate: asyncio.Event | None = None
        self._news = asyncio.Condition()

    async def take(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.received.append(Received(request.path, headers, await request.read()))
        async with self._news:
            self._news.notify_all()
        if self.gate is not None:
            await self.gate.wait()
        answer = self.always or (self.answers.popleft() if self.answers else 200)
        if isinstance(answer, str):
            return web.Response(status=307, headers={"location": answer})
        return web.Response(status=answer, text="thanks")

    async def until(self, fits: Callable[[list[Received]], bool]) -> list[Received]:
        """Wait until what has come fits."""
        async with asyncio.timeout(PATIENCE), self._news:
            await self._news.wait_for(lambda: fits(self.received))
        return self.received

    async def count(self, number: int) -> list[Received]:
        """Wait for so many requests."""
        return await self.until(lambda received: len(received) >= number)


@asynccontextmanager
async def receiving(port: int = 0) -> AsyncIterator[Receiver]:
    """A receiver on loopback."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/{path:.*}", receiver.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield receiver
    finally:
        if receiver.gate is not None:
            receiver.gate.set()
        await runner.cleanup()
