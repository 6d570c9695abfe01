"""One Mercury WebSocket: authorization first, then events out and pings in (wire document, 2.2)."""

import asyncio
import logging
import time
from typing import Any, Protocol

import msgspec
from litestar import WebSocket, websocket
from litestar.exceptions import WebSocketDisconnect
from litestar.handlers import WebsocketRouteHandler
from litestar.params import FromPath

from offhook.service.identity.principal import Principal
from offhook.service.identity.tokens import InvalidTokenError
from offhook.service.mercury.hub import MercuryHub, Outbox
from offhook.wire.body import MalformedBodyError, read_body
from offhook.wire.mercury import BUFFER_STATE, ClientFrame, CloseCode, FrameType, Pong

logger = logging.getLogger(__name__)

_AUTHORIZATION_SECONDS = 10.0
_SEND_SECONDS = 10.0

Socket = WebSocket[Any, Any, Any]


class Authenticator(Protocol):
    """Says whose an access token is."""

    async def authenticate(self, token: str) -> Principal:
        """Raises InvalidTokenError."""


class Sockets:
    """The sockets that are open, so that a service that stops can send them away."""

    def __init__(self) -> None:
        self._stops: set[asyncio.Event] = set()
        self._leaving = False
        self._empty = asyncio.Event()

    def opened(self) -> asyncio.Event:
        """An event that is set when the service stops; already set while it does."""
        stop = asyncio.Event()
        if self._leaving:
            stop.set()
        self._stops.add(stop)
        self._empty.clear()
        return stop

    def closed(self, stop: asyncio.Event) -> None:
        """This one is gone."""
        self._stops.discard(stop)
        if not self._stops:
            self._empty.set()

    async def stop(self) -> None:
        """Send all of them away, and wait until they have been told; they come back later.

        Whoever is cut off by the server's own 1012 instead stays away for good.
        """
        self._leaving = True
        for stop in self._stops:
            stop.set()
        if self._stops:
            await self._empty.wait()


def mercury_route(
    hub: MercuryHub, authenticator: Authenticator, sockets: Sockets, queue: int
) -> WebsocketRouteHandler:
    """``/mercury/{device_id}``. `queue` frames may wait for a slow client before it is dropped."""

    @websocket("/mercury/{device_id:str}", opt={"public": True})
    async def mercury(socket: Socket, device_id: FromPath[str]) -> None:
        await socket.accept()
        principal = await _authorized(socket, authenticator)
        if principal is not None:
            await _serve(socket, (principal.person_id, device_id), hub, sockets, queue)

    return mercury


async def _authorized(socket: Socket, authenticator: Authenticator) -> Principal | None:
    try:
        async with asyncio.timeout(_AUTHORIZATION_SECONDS):
            frame = read_body(await socket.receive_text(), ClientFrame)
        if frame.type is FrameType.AUTHORIZATION and frame.data is not None:
            return await authenticator.authenticate(frame.data.token.removeprefix("Bearer "))
        await _close(socket, CloseCode.BAD_REQUEST, "Authorization must come first")
    except (TimeoutError, InvalidTokenError):
        await _close(socket, CloseCode.UNAUTHORIZED, "Unauthorized")
    except MalformedBodyError:
        await _close(socket, CloseCode.BAD_REQUEST, "Not a frame")
    except WebSocketDisconnect:
        logger.debug("a socket was closed before its authorization")
    return None


async def _serve(
    socket: Socket, address: tuple[str, str], hub: MercuryHub, sockets: Sockets, queue: int
) -> None:
    over: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()

    def end(code: int, reason: str) -> None:
        if not over.done():
            over.set_result((code, reason))

    outbox = Outbox(
        queue,
        on_full=lambda: end(1011, "Too slow"),
        on_replaced=lambda: end(CloseCode.REPLACED, "Replaced"),
    )
    stop = sockets.opened()
    outbox.greet(msgspec.json.encode({"eventType": BUFFER_STATE}))
    hub.attach(address, outbox)
    reading = asyncio.create_task(_read(socket, outbox, end), name="mercury-read")
    writing = asyncio.create_task(_write(socket, outbox), name="mercury-write")
    stopping = asyncio.create_task(stop.wait(), name="mercury-stop")
    try:
        pending: set[asyncio.Future[Any]] = {reading, writing, stopping, over}
        await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        if stopping.done():
            end(CloseCode.GOING_AWAY, "Restarting")
    finally:
        hub.detach(address, outbox)
        for task in (reading, writing, stopping):
            task.cancel()
        await asyncio.gather(reading, writing, stopping, return_exceptions=True)
        try:
            if over.done():
                await _close(socket, *over.result())
        finally:
            sockets.closed(stop)


async def _read(socket: Socket, outbox: Outbox, end: Any) -> None:
    try:
        while True:
            text = await socket.receive_text()
            frame = read_body(text, ClientFrame)
            if frame.type is FrameType.PING and frame.id:
                now = int(time.time() * 1000)
                outbox.put(msgspec.json.encode(Pong(frame.id, wsWriteTimestamp=now)))
            elif frame.type is FrameType.ACK and frame.messageId:
                outbox.confirm(frame.messageId)
    except MalformedBodyError:
        end(1003, "Not a frame")
    except WebSocketDisconnect:
        logger.debug("a client closed its socket")


async def _write(socket: Socket, outbox: Outbox) -> None:
    try:
        while True:
            await outbox.ready.wait()
            while outbox.frames:
                async with asyncio.timeout(_SEND_SECONDS):
                    await socket.send_text(outbox.frames[0].decode())
                outbox.frames.popleft()
            outbox.ready.clear()
    except (WebSocketDisconnect, TimeoutError, RuntimeError):
        logger.debug("a client does not read its socket any more")


async def _close(socket: Socket, code: int, reason: str) -> None:
    try:
        async with asyncio.timeout(_SEND_SECONDS):
            await socket.close(code, reason)
    except (WebSocketDisconnect, TimeoutError, RuntimeError):
        logger.debug("the socket was gone already")
