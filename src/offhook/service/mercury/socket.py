"""One Mercury WebSocket: authorization first, then events out and pings in (wire document, 2.2)."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import uuid4

import msgspec
from litestar import WebSocket, websocket
from litestar.exceptions import WebSocketDisconnect
from litestar.handlers import WebsocketRouteHandler
from litestar.params import FromPath

from offhook.service.identity.principal import Principal
from offhook.service.identity.tokens import InvalidTokenError
from offhook.service.mercury.hub import MercuryHub
from offhook.service.mercury.outbox import Outbox
from offhook.wire.body import MalformedBodyError, read_body
from offhook.wire.mercury import (
    BUFFER_STATE,
    ClientFrame,
    CloseCode,
    EventType,
    FrameType,
    Pong,
)

logger = logging.getLogger(__name__)

RawSocket = WebSocket[Any, Any, Any]
End = tuple[CloseCode, str]


class _GoneError(Exception):
    """The client is not there any more."""


class Authenticator(Protocol):
    """Says whose an access token is."""

    async def authenticate(self, token: str) -> Principal:
        """Raises InvalidTokenError."""


@dataclass(frozen=True, slots=True)
class SocketRules:
    """`queue` frames may wait for a slow client. The rest in seconds.

    How long a client may take to say who it is, how long to take a frame, and how often its token
    is looked at again, since one that was revoked must not bring events.
    """

    queue: int = 512
    authorization: float = 10.0
    write: float = 10.0
    recheck: float = 60.0


class MercurySocket:
    """One connection, from its acceptance to its close."""

    def __init__(
        self,
        socket: RawSocket,
        device_id: str,
        hub: MercuryHub,
        authenticator: Authenticator,
        rules: SocketRules,
    ) -> None:
        self._socket = socket
        self._device_id = device_id
        self._hub = hub
        self._authenticator = authenticator
        self._rules = rules
        self._end: asyncio.Future[End] = asyncio.get_running_loop().create_future()
        self._outbox = Outbox(
            rules.queue,
            on_full=lambda: self.end(CloseCode.INTERNAL_ERROR, "Too slow"),
            on_replaced=lambda: self.end(CloseCode.REPLACED, "Replaced"),
        )
        self._token = ""
        self._person_id = ""

    def end(self, code: CloseCode, reason: str) -> None:
        """Close it soon. The first reason counts."""
        if not self._end.done():
            self._end.set_result((code, reason))

    async def run(self) -> None:
        """Serve the client for as long as it stays."""
        try:
            await self._sent(self._socket.accept())
            await self._until_end(self._authorize())
            if not self._end.done():
                await self._serve((self._person_id, self._device_id))
        except _GoneError:
            logger.debug("a client left")
        except Exception:
            logger.exception("a client was sent away by an error of the service")
            self.end(CloseCode.INTERNAL_ERROR, "Try again")
        if self._end.done():
            await self._close(*self._end.result())

    async def _authorize(self) -> None:
        try:
            async with asyncio.timeout(self._rules.authorization):
                frame = read_body(await self._receive(), ClientFrame)
                if frame.type == FrameType.AUTHORIZATION and frame.data is not None:
                    self._token = frame.data.token.removeprefix("Bearer ").strip()
                    principal = await self._authenticator.authenticate(self._token)
                    self._person_id = principal.person_id
                else:
                    self.end(CloseCode.BAD_REQUEST, "Authorization must come first")
        except MalformedBodyError:
            self.end(CloseCode.BAD_REQUEST, "Not a frame")
        except (TimeoutError, InvalidTokenError):
            self.end(CloseCode.UNAUTHORIZED, "Unauthorized")

    async def _serve(self, address: tuple[str, str]) -> None:
        # Nothing may come before this frame: official clients would wait for it in vain.
        self._outbox.put_first(self._hub.event(EventType(BUFFER_STATE), f"OFFHOOK_{uuid4()}"))
        self._hub.attach(address, self._outbox)
        try:
            await self._until_end(self._read(), self._write(), self._recheck())
        finally:
            self._hub.detach(address, self._outbox)

    async def _until_end(self, *work: Coroutine[None, None, None]) -> None:
        """Work until one of them is done, or `end`. Raises what went wrong."""
        tasks = [asyncio.create_task(each, name="mercury") for each in work]
        pending: list[asyncio.Future[Any]] = [*tasks, self._end]
        try:
            await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        errors = [each for each in outcomes if isinstance(each, Exception)]
        # That the client left explains nothing if there is another error.
        errors.sort(key=lambda error: isinstance(error, _GoneError))
        if errors:
            raise errors[0]

    async def _read(self) -> None:
        while not self._end.done():
            try:
                frame = read_body(await self._receive(), ClientFrame)
            except MalformedBodyError:
                self.end(CloseCode.UNACCEPTABLE, "Not a frame")
                return
            if frame.type == FrameType.PING and frame.id:
                now = int(time.time() * 1000)
                self._outbox.put(msgspec.json.encode(Pong(frame.id, wsWriteTimestamp=now)))
            elif frame.type == FrameType.ACK and frame.messageId:
                self._outbox.acknowledge(frame.messageId)

    async def _write(self) -> None:
        try:
            while True:
                text = await self._outbox.next()
                async with asyncio.timeout(self._rules.write):
                    await self._sent(self._socket.send_text(text))
                self._outbox.written()
        except TimeoutError:
            self.end(CloseCode.INTERNAL_ERROR, "Too slow")

    async def _recheck(self) -> None:
        try:
            while True:
                await asyncio.sleep(self._rules.recheck)
                await self._authenticator.authenticate(self._token)
        except InvalidTokenError:
            # It comes back, is told 4401 in the handshake, and knows what to do about that.
            self.end(CloseCode.GOING_AWAY, "Sign in again")

    async def _close(self, code: CloseCode, reason: str) -> None:
        try:
            async with asyncio.timeout(self._rules.write):
                await self._sent(self._socket.close(code, reason))
        except (_GoneError, TimeoutError):
            logger.debug("the client was gone already")

    async def _receive(self) -> str:
        try:
            return await self._socket.receive_text()
        except WebSocketDisconnect as error:
            raise _GoneError from error

    @staticmethod
    async def _sent(sending: Awaitable[None]) -> None:
        try:
            await sending
        except (WebSocketDisconnect, OSError, RuntimeError) as error:
            # Litestar, uvicorn and a connection that closed meanwhile each say so in their way.
            raise _GoneError from error


class Sockets:
    """The sockets that are open, so that a service that stops can send them away."""

    def __init__(self) -> None:
        self._open: set[MercurySocket] = set()
        self._leaving = False
        self._empty = asyncio.Event()

    async def run(self, socket: MercurySocket) -> None:
        """Serve it, unless the service stops."""
        self._open.add(socket)
        self._empty.clear()
        if self._leaving:
            self._send_away(socket)
        try:
            await socket.run()
        finally:
            self._open.discard(socket)
            if not self._open:
                self._empty.set()

    async def stop(self) -> None:
        """Send all of them away, and wait until they have been told; they come back later.

        Whoever is cut off by the server's own 1012 instead stays away for good.
        """
        self._leaving = True
        for socket in self._open:
            self._send_away(socket)
        if self._open:
            await self._empty.wait()

    def _send_away(self, socket: MercurySocket) -> None:
        socket.end(CloseCode.GOING_AWAY, "Restarting")


def mercury_route(
    hub: MercuryHub, authenticator: Authenticator, sockets: Sockets, rules: SocketRules
) -> WebsocketRouteHandler:
    """``/mercury/{device_id}``."""

    @websocket("/mercury/{device_id:str}", opt={"public": True})
    async def mercury(socket: RawSocket, device_id: FromPath[str]) -> None:
        await sockets.run(MercurySocket(socket, device_id, hub, authenticator, rules))

    return mercury
