"""The last mile of a push: what a phone's own connection to Apple or Google is in the real world.

A phone on this machine waits at ``ws://HOST:PORT/courier/<its token>`` and gets each push for that
token as a text frame, a `CourierPush`. A push for a phone that is away waits until it expires; only
the latest one is kept, as Apple does it. Knowing the token is what lets a phone listen.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from offhook.serving.listener import Listener, bind

_PREFIX = "/courier/"
_QUEUE = 16


class CourierPush(msgspec.Struct):
    """A push as the phone gets it: the app's payload, as text, and until when it is of use."""

    payload: str
    expires: float = 0.0


@dataclass(slots=True)
class _Mailbox:
    latest: CourierPush | None = None
    phones: set[asyncio.Queue[CourierPush]] = field(default_factory=set)


class Courier:
    """Hands pushes to the phones that wait for them. `clock` gives Unix seconds."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._mailboxes: dict[str, _Mailbox] = {}
        self._listener: Listener | None = None

    @property
    def url(self) -> str:
        """``ws://HOST:PORT``, once started."""
        assert self._listener is not None
        host, port = self._listener.address
        return f"ws://{host}:{port}"

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Wait for phones. Raises ListenError."""
        self._listener = Listener(self, bind(host, port))
        await self._listener.start()

    async def stop(self) -> None:
        """Send the phones away."""
        if self._listener is not None:
            await self._listener.stop()

    def deliver(self, token: str, payload: bytes, expires: float) -> None:
        """Take a push for the phone with this token, of use until `expires` (Unix seconds)."""
        push = CourierPush(payload.decode(), expires)
        mailbox = self._mailboxes.setdefault(token, _Mailbox())
        if not mailbox.phones:
            mailbox.latest = push
        for queue in mailbox.phones:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(push)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """The ASGI application."""
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 404, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        token = scope["path"].removeprefix(_PREFIX)
        await receive()
        if not scope["path"].startswith(_PREFIX) or len(token) < 16:
            await send({"type": "websocket.close", "code": 4404, "reason": "No such mailbox"})
            return
        await send({"type": "websocket.accept"})
        mailbox = self._mailboxes.setdefault(token, _Mailbox())
        queue: asyncio.Queue[CourierPush] = asyncio.Queue(_QUEUE)
        kept, mailbox.latest = mailbox.latest, None
        if kept is not None and kept.expires > self._clock():
            queue.put_nowait(kept)
        mailbox.phones.add(queue)
        leaving = asyncio.ensure_future(_left(receive))
        try:
            while not leaving.done():
                coming = asyncio.ensure_future(queue.get())
                await asyncio.wait({coming, leaving}, return_when=asyncio.FIRST_COMPLETED)
                if not coming.done():
                    coming.cancel()
                    break
                text = msgspec.json.encode(coming.result()).decode()
                await send({"type": "websocket.send", "text": text})
        finally:
            leaving.cancel()
            mailbox.phones.discard(queue)


async def _left(receive: Any) -> None:
    while (await receive())["type"] != "websocket.disconnect":
        continue
