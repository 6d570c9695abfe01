"""Receiving calls by webhook, for whoever has a backend: a plain function, and an ASGI application.

::

    event = receive(request.headers, await request.body(), ["the webhook's secret"], seen=seen)

    receiver = WebhookReceiver(["the webhook's secret"])  # mount it where the webhook points
    async for event in receiver:
        ...  # event.person_id, event.apns_payload, event.fcm_payload, event.until

Both need nothing else of the push backend.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any
from uuid import uuid4

import msgspec

from offhook.engine.duplicates import Duplicates
from offhook.push.webhook import CallEvent, Rejection, WebhookRejected, examine
from offhook.wire.rest import ErrorBody

__all__ = ["CallEvent", "Duplicates", "Rejection", "WebhookReceiver", "WebhookRejected", "receive"]

logger = logging.getLogger(__name__)

LARGEST_BODY = 262_144
_BODY_SECONDS = 10.0
_MOST_WAITING = 1000

_Scope = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
_Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

ACCEPTED, DUPLICATE, IGNORED = "accepted", "duplicate", "ignored"


def receive(
    headers: Mapping[str, str],
    body: bytes,
    secrets: Sequence[str],
    *,
    seen: Duplicates | None = None,
    now: float | None = None,
) -> CallEvent | None:
    """The call that a webhook is about, or None if there is nothing to do: answer 2xx to both.

    `body` is the raw body and any of `secrets` may have signed it. With `seen` (keep one for as
    long as the process runs) a delivery that comes twice is given once. Raises WebhookRejected,
    whose `status` is the answer to give. `now` is Unix seconds, for tests.
    """
    now = time.time() if now is None else now
    lowered = {name.lower(): value for name, value in headers.items()}
    event = examine(lowered, body, secrets, now)
    if not isinstance(event, CallEvent):
        return None
    if seen is not None and not seen.is_new(event.keys, now):
        return None
    return event


class WebhookReceiver:
    """An ASGI application that verifies webhooks, drops duplicates, and answers at once.

    With `accept`, each call is handed to it, and the sender is answered 2xx when it returns; a
    call that it raises for is answered 500 and may come again. Without, iterate over the receiver:
    it is answered 2xx before, and if more than 1000 wait, the oldest are dropped.

    `count` is told of every answer: ``accepted``, ``duplicate``, ``ignored`` or a `Rejection`.
    None for `secrets` takes unsigned webhooks from anybody. `secrets` may be set at any time.
    """

    def __init__(
        self,
        secrets: Sequence[str] | None,
        accept: Callable[[CallEvent], Awaitable[None]] | None = None,
        *,
        duplicates: Duplicates | None = None,
        count: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = time.time,
        needs_creator: bool = False,
    ) -> None:
        self.secrets = secrets
        self._accept = accept or self._keep
        self._duplicates = Duplicates() if duplicates is None else duplicates
        self._count = count
        self._clock = clock
        self._needs_creator = needs_creator
        self._waiting: deque[CallEvent] = deque(maxlen=_MOST_WAITING)
        self._arrived = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[CallEvent]:
        """The calls as they come, for one reader; it never ends by itself."""
        while True:
            while self._waiting:
                yield self._waiting.popleft()
            self._arrived.clear()
            await self._arrived.wait()

    async def __call__(self, scope: _Scope, receive: _Receive, send: _Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = _headers(scope)
        try:
            body = await self._body(scope, receive)
            if body is None:
                return  # The sender has gone.
            what = await self._take(headers, body)
        except WebhookRejected as rejected:
            self._count(rejected.reason.value)
            logger.warning(
                "a webhook was rejected",
                extra={"facts": {"reason": rejected.reason.value, "detail": str(rejected)}},
            )
            error = ErrorBody.of(str(rejected), f"OFFHOOK_{uuid4()}")
            await _answer(send, rejected.status, msgspec.json.encode(error))
            return
        self._count(what)
        await _answer(send, 200, b'{"status":"%s"}' % what.encode())

    async def _take(self, headers: Mapping[str, str], body: bytes) -> str:
        now = self._clock()
        event = examine(headers, body, self.secrets, now, needs_creator=self._needs_creator)
        if not isinstance(event, CallEvent):
            return IGNORED
        if not self._duplicates.is_new(event.keys, now):
            return DUPLICATE
        try:
            await self._accept(event)
        except BaseException:
            self._duplicates.forget(event.keys)
            raise
        return ACCEPTED

    async def _keep(self, event: CallEvent) -> None:
        if len(self._waiting) == self._waiting.maxlen:
            logger.error("calls come faster than they are read; the oldest was dropped")
        self._waiting.append(event)
        self._arrived.set()

    async def _body(self, scope: _Scope, receive: _Receive) -> bytes | None:
        """The whole body, None if the sender left before its end. Raises WebhookRejected."""
        if scope["method"] != "POST":
            raise WebhookRejected(Rejection.METHOD, "Webhooks are posted.")
        body = bytearray()
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    body += message.get("body", b"")
                    if len(body) > LARGEST_BODY:
                        raise WebhookRejected(
                            Rejection.TOO_LARGE, f"A webhook has at most {LARGEST_BODY} bytes."
                        )
                    if not message.get("more_body", False):
                        return bytes(body)
        except TimeoutError as error:
            raise WebhookRejected(
                Rejection.TOO_SLOW, f"The body did not come within {_BODY_SECONDS:g} s."
            ) from error


def _headers(scope: _Scope) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


async def _answer(send: _Send, status: int, body: bytes) -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"x-content-type-options", b"nosniff"),
    ]
    if status == 405:
        headers.append((b"allow", b"POST"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def _lifespan(receive: _Receive, send: _Send) -> None:
    """Nothing is to be done at start and end, when this is served by itself."""
    kind = ""
    while kind != "lifespan.shutdown":
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
