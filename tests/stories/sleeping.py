"""A phone in a pocket: its app does not run, until a push for its token arrives."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp

from offhook import Call, PushNotificationResult, TokenAuthenticator, Webex
from offhook.testing import LocalCloud
from offhook.testing.apns import ReceivedPush
from offhook.testing.push import DESK_APP, LocalPush

PATIENCE = 15.0


class SleepingPhone:
    """`pushes` are those that reached it, in order. `woken` is its app, once it was started."""

    def __init__(self, cloud: LocalCloud, push: LocalPush, who: str) -> None:
        self._cloud = cloud
        self._push = push
        self.person = cloud.person(who)
        self.token = secrets.token_hex(32)
        self.installation = secrets.token_hex(8)
        self.pushes: asyncio.Queue[ReceivedPush] = asyncio.Queue()
        self.apps: list[Webex] = []
        push.observers.append(self._take)

    def _take(self, push: ReceivedPush) -> None:
        if push.token == self.token:
            self.pushes.put_nowait(push)

    async def register(self, **changes: Any) -> None:
        """Tell the backend its token."""
        body = {
            "provider": "apns",
            "token": self.token,
            "app": DESK_APP,
            "environment": "sandbox",
            **changes,
        }
        headers = {"authorization": f"Bearer {self.person.token}"}
        url = f"{self._push.url}/v1/devices/{self.installation}"
        async with (
            aiohttp.ClientSession() as http,
            http.put(url, json=body, headers=headers) as answer,
        ):
            assert answer.status in (200, 201, 204), await answer.text()

    async def pushed(self) -> ReceivedPush:
        """The next push for it."""
        return await asyncio.wait_for(self.pushes.get(), PATIENCE)

    def start(self) -> Webex:
        """Start the app, which knows who is signed in and nothing else."""
        app = Webex(TokenAuthenticator(self.person.token), cloud=self._cloud.http)
        self.apps.append(app)
        return app

    async def wake(self, push: ReceivedPush) -> Call:
        """Start the app because of this push; the call that rings. Raises CallEndedError."""
        app = self.start()
        calls = app.phone.incoming_calls()
        async with asyncio.timeout(PATIENCE):
            result = await app.phone.process_push_notification(push.body)
            assert result is PushNotificationResult.NO_ERROR
            return await anext(calls)

    async def close(self) -> None:
        for app in self.apps:
            await app.close()


Sleeper = Callable[[str], Awaitable[SleepingPhone]]


@asynccontextmanager
async def sleepers(cloud: LocalCloud, push: LocalPush) -> AsyncIterator[Sleeper]:
    """``await sleeper("bob")``: a phone of that person which is registered, and sleeps."""
    async with AsyncExitStack() as stack:

        async def make(who: str) -> SleepingPhone:
            phone = SleepingPhone(cloud, push, who)
            stack.push_async_callback(phone.close)
            await phone.register()
            return phone

        yield make
