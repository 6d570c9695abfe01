"""Carries out what `MercurySession` decides: sockets, frames, renewals."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import assert_never
from urllib.parse import urlencode
from uuid import uuid4

import aiohttp
import msgspec

from offhook.engine.client import MercurySession
from offhook.engine.client import mercury_io as io
from offhook.errors import ServiceError, WebexError
from offhook.sdk.driver import Driver
from offhook.sdk.http import Http
from offhook.sdk.supervisor import Supervisor
from offhook.wire.body import MalformedBodyError, read_body
from offhook.wire.mercury import AuthorizationData, ClientFrame, FrameType, ServerFrame

_NO_CODE, _NO_HANDSHAKE = 1005, 1006
_SEND_TIMEOUT = 5.0


@dataclass(frozen=True, slots=True)
class MercuryEvents:
    """Whom the connection tells, and whom it asks.

    `renew_credentials` and `renew_device` return whether they succeeded.
    """

    on_event: Callable[[msgspec.Raw, str], None]
    on_online: Callable[[bool], None]
    on_offline: Callable[[], None]
    on_gave_up: Callable[[io.GiveUpReason], None]
    token: Callable[[], Awaitable[str]]
    renew_credentials: Callable[[], Awaitable[bool]]
    renew_device: Callable[[], Awaitable[bool]]


class MercuryConnection:
    """Keeps the event connection of one client. `url` gives the socket's address at each try."""

    def __init__(
        self, http: Http, url: Callable[[], str], events: MercuryEvents, supervisor: Supervisor
    ) -> None:
        self._http = http
        self._url = url
        self._events = events
        self._supervisor = supervisor
        self._session = MercurySession(new_id=lambda: str(uuid4()))
        self._driver: Driver[io.Input, io.Effect] = Driver(
            self._session, self._carry_out, io.Tick()
        )
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._sockets: dict[int, aiohttp.ClientWebSocketResponse] = {}
        self._outgoing: dict[int, asyncio.Queue[bytes | None]] = {}
        self._close_reasons: dict[int, tuple[int, str]] = {}

    @property
    def online(self) -> bool:
        """Whether events come."""
        return self._session.online

    def start(self) -> None:
        """Connect, and stay connected."""
        self._driver.feed(io.Start())

    def hurry(self) -> None:
        """An event is due: see whether it can come, and connect again soon if not."""
        self._driver.feed(io.Hurry())

    async def stop(self) -> None:
        """Disconnect, and wait until the sockets are closed."""
        self._driver.feed(io.Stop())
        self._driver.close()
        tasks = list(self._tasks.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=_SEND_TIMEOUT)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)

    # --- effects ---

    def _carry_out(self, effect: io.Effect) -> None:
        match effect:
            case io.OpenSocket(socket=socket):
                self._outgoing[socket] = asyncio.Queue()
                self._tasks[socket] = self._supervisor.spawn(
                    self._run(socket), f"offhook-mercury-{socket}"
                )
            case io.Authorize(socket=socket, id=frame_id):
                self._supervisor.spawn(self._authorize(socket, frame_id), "offhook-authorize")
            case io.SendFrame(socket=socket, frame=frame):
                self._send(socket, frame)
            case io.CloseSocket(socket=socket, code=code, reason=reason):
                self._close(socket, code, reason)
            case io.Deliver(data=data, tracking_id=tracking_id):
                self._events.on_event(data, tracking_id)
            case io.WentOnline(again=again):
                self._events.on_online(again)
            case io.WentOffline():
                self._events.on_offline()
            case io.RenewCredentials():
                self._renew(self._events.renew_credentials)
            case io.RenewDevice():
                self._renew(self._events.renew_device)
            case io.GaveUp(reason=give_up_reason):
                self._events.on_gave_up(give_up_reason)
            case _:
                assert_never(effect)

    def _send(self, socket: int, frame: ClientFrame) -> None:
        queue = self._outgoing.get(socket)
        if queue is not None:
            queue.put_nowait(msgspec.json.encode(frame))

    def _close(self, socket: int, code: int, reason: str) -> None:
        self._close_reasons[socket] = (code, reason)
        queue = self._outgoing.get(socket)
        if queue is not None:
            queue.put_nowait(None)
        if socket not in self._sockets and socket in self._tasks:
            self._tasks[socket].cancel()  # it is still being opened

    def _renew(self, renew: Callable[[], Awaitable[bool]]) -> None:
        async def renewed() -> None:
            self._driver.feed(io.Renewed(await renew()))

        self._supervisor.spawn(renewed(), "offhook-renew")

    async def _authorize(self, socket: int, frame_id: str) -> None:
        try:
            token = await self._events.token()
        except WebexError:
            self._driver.feed(io.Closed(socket, 4401))
            self._close(socket, 1000, "Done")
            return
        frame = ClientFrame(
            FrameType.AUTHORIZATION,
            id=frame_id,
            data=AuthorizationData(f"Bearer {token}"),
            trackingId=self._http.new_tracking_id(),
        )
        self._send(socket, frame)

    # --- one socket ---

    async def _run(self, socket: int) -> None:
        closed = io.Closed(socket, _NO_HANDSHAKE)
        try:
            async with self._http.websocket(self._address()) as connection:
                self._sockets[socket] = connection
                self._driver.feed(io.Opened(socket))
                closed = await self._exchange(socket, connection)
        except ServiceError as error:
            closed = io.Closed(socket, _NO_HANDSHAKE, status=error.status)
        except WebexError:
            pass  # it could not be opened: the session waits and tries again
        finally:
            self._tasks.pop(socket, None)
            self._sockets.pop(socket, None)
            self._outgoing.pop(socket, None)
            self._close_reasons.pop(socket, None)
        self._driver.feed(closed)

    def _address(self) -> str:
        query = {
            "outboundWireFormat": "text",
            "bufferStates": "true",
            "aliasHttpStatus": "true",
            "clientTimestamp": str(int(time.time() * 1000)),
            "multipleConnections": "true",
        }
        url = self._url()
        return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"

    async def _exchange(
        self, socket: int, connection: aiohttp.ClientWebSocketResponse
    ) -> io.Closed:
        writing = asyncio.create_task(
            self._write(socket, connection), name=f"offhook-mercury-write-{socket}"
        )
        try:
            return await self._receive(socket, connection)
        finally:
            writing.cancel()
            await asyncio.wait([writing])

    async def _receive(self, socket: int, connection: aiohttp.ClientWebSocketResponse) -> io.Closed:
        while True:
            message = await connection.receive()
            match message.type:
                case aiohttp.WSMsgType.TEXT | aiohttp.WSMsgType.BINARY:
                    try:
                        frame = read_body(message.data, ServerFrame)
                    except MalformedBodyError:
                        continue  # not for us; the connection is no worse for it
                    self._driver.feed(io.FrameCame(socket, frame))
                case aiohttp.WSMsgType.CLOSE:
                    return io.Closed(socket, message.data or _NO_CODE, message.extra or "")
                case _:
                    code = connection.close_code or _NO_HANDSHAKE
                    return io.Closed(socket, code)

    async def _write(self, socket: int, connection: aiohttp.ClientWebSocketResponse) -> None:
        queue = self._outgoing[socket]
        try:
            while True:
                frame = await queue.get()
                if frame is None:
                    code, reason = self._close_reasons.get(socket, (1000, "Done"))
                    await connection.close(code=code, message=reason.encode())
                    return
                async with asyncio.timeout(_SEND_TIMEOUT):
                    await connection.send_str(frame.decode())
        except (aiohttp.ClientError, OSError, TimeoutError):
            await connection.close()  # the reader reports it
