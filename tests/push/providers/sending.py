"""Pushes through a Dispatcher, and what came of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import uuid4

from offhook.engine.dispatch.model import Device, Environment, Outcome, Provider, Push
from offhook.push.dispatcher import Dispatcher
from offhook.push.providers.settings import ApnsApp, ProviderSettings
from offhook.testing.apns import ApnsServer

APP = "org.example.phone"
#: As JSON libraries do not write it: whoever reads and writes it again is found out.
PAYLOAD = '{ "name":"Zoë \\u0026 Bob" ,"n": 1.0,\n"pushId":"p"}'.encode()


class Sending:
    """A dispatcher with a ledger."""

    def __init__(self, settings: ProviderSettings, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.told: dict[str, list[Outcome]] = {}
        self._told = asyncio.Event()
        self.dispatcher = Dispatcher(settings, self._tell, clock)

    def _tell(self, outcome: Outcome) -> None:
        self.told.setdefault(outcome.push.push_id, []).append(outcome)
        self._told.set()

    def push(
        self,
        token: str = "ab" * 32,
        *,
        provider: Provider = Provider.APNS,
        app: str = APP,
        environment: Environment = Environment.PRODUCTION,
        lasts: float = 30.0,
        payload: bytes = PAYLOAD,
    ) -> Push:
        now = self.clock()
        device = Device(token, "person", provider, app, environment, token, now)
        return Push(str(uuid4()), device, payload, now + lasts, now)

    def send(self, push: Push | None = None) -> Push:
        push = push or self.push()
        self.dispatcher.send(push)
        return push

    async def outcome(self, push: Push, timeout: float = 5.0) -> Outcome:
        """What came of it; it must be one thing."""
        async with asyncio.timeout(timeout):
            while push.push_id not in self.told:
                self._told.clear()
                await self._told.wait()
        (outcome,) = self.told[push.push_id]
        return outcome

    async def sent(self, push: Push | None = None) -> Outcome:
        return await self.outcome(self.send(push))


def apns_settings(server: ApnsServer, **changes: str) -> ProviderSettings:
    keys = {
        "team_id": server.key.team_id,
        "key_id": server.key.key_id,
        "key_file": str(server.key.file),
        **changes,
    }
    app = ApnsApp(app=APP, host=server.host, port=server.port, ca=str(server.ca_path), **keys)
    return ProviderSettings(apns=[app])


@asynccontextmanager
async def sending(
    settings: ProviderSettings, clock: Callable[[], float] = time.time
) -> AsyncIterator[Sending]:
    """A dispatcher that is started; at its end every push has exactly one outcome."""
    it = Sending(settings, clock)
    await it.dispatcher.start()
    try:
        yield it
    finally:
        await it.dispatcher.stop()
    assert all(len(outcomes) == 1 for outcomes in it.told.values())
