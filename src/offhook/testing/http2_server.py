"""A small HTTP/2 server over TLS (RFC 9113), for the stand-ins of Apple's and Google's services.

One handler answers all requests. Connections can be told to go away in mid-stream, and the whole
server to be down, as real ones are now and then.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

_LARGEST_BODY = 65_536


@dataclass(frozen=True, slots=True)
class Request:
    """A whole request. `peer` tells connections apart; `certificate` is the client's, if any."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    peer: int
    certificate: bytes | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the request gets. None as `status`: the stream is reset instead."""

    status: int | None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


Handler = Callable[[Request], Awaitable[Answer]]


class Http2Server:
    """Serves `handler` at ``https://127.0.0.1:port`` with the PEM files given.

    `streams` is how many requests a connection may have under way. With `client_ca` a client may
    show a certificate of that authority.
    """

    def __init__(
        self,
        handler: Handler,
        *,
        chain: Path,
        key: Path,
        client_ca: Path | None = None,
        streams: int = 1000,
    ) -> None:
        self._handler = handler
        self._streams = streams
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(chain, key)
        self._context.set_alpn_protocols(["h2"])
        if client_ca is not None:
            self._context.load_verify_locations(client_ca)
            self._context.verify_mode = ssl.CERT_OPTIONAL
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()
        self._accepted = 0
        self.host, self.port = "127.0.0.1", 0

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._connections)

    @property
    def accepted(self) -> int:
        """How many connections there ever were."""
        return self._accepted

    async def up(self) -> None:
        """Take connections, on the same port as before."""
        if self._server is None:
            loop = asyncio.get_running_loop()
            self._server = await loop.create_server(
                self._connected, self.host, self.port, ssl=self._context
            )
            self.port = self._server.sockets[0].getsockname()[1]

    async def down(self) -> None:
        """Cut all connections and refuse new ones."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        tasks = [task for each in self._connections for task in each.tasks.values()]
        for connection in list(self._connections):
            connection.abort()
        await asyncio.gather(*tasks, return_exceptions=True)

    def go_away(self) -> None:
        """Send GOAWAY on every connection: what is under way and not answered yet is not done."""
        for connection in list(self._connections):
            connection.go_away()

    def _connected(self) -> "_Connection":
        self._accepted += 1
        connection = _Connection(self._handler, self._streams, self._accepted, self._connections)
        self._connections.add(connection)
        return connection


@dataclass(slots=True)
class _Stream:
    headers: dict[str, str]
    body: bytearray = field(default_factory=bytearray)


class _Connection(asyncio.Protocol):
    def __init__(
        self, handler: Handler, streams: int, number: int, registry: "set[_Connection]"
    ) -> None:
        self._handler = handler
        self._number = number
        self._registry = registry
        self._h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        )
        # What is set later would be told only after the client has begun.
        self._h2.local_settings = h2.settings.Settings(
            client=False,
            initial_values={h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: streams},
        )
        self._transport: asyncio.Transport | None = None
        self._waiting: dict[int, _Stream] = {}
        self._unsent: dict[int, bytes] = {}
        self._certificate: bytes | None = None
        self.tasks: dict[int, asyncio.Task[None]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's is none by its type.
        self._transport = transport = cast(asyncio.Transport, transport)
        sock = transport.get_extra_info("socket")
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        tls = transport.get_extra_info("ssl_object")
        self._certificate = tls.getpeercert(binary_form=True) if tls is not None else None
        self._h2.initiate_connection()
        self._flush()

    def data_received(self, data: bytes) -> None:
        try:
            events = self._h2.receive_data(data)
        except h2.exceptions.ProtocolError:
            self._flush()
            self.abort()
            return
        for event in events:
            self._take(event)
        self._flush()

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002
        self._registry.discard(self)
        for task in self.tasks.values():
            task.cancel()

    def abort(self) -> None:
        """Cut it off."""
        for task in self.tasks.values():
            task.cancel()
        if self._transport is not None:
            self._transport.abort()

    def go_away(self) -> None:
        """GOAWAY: streams that are under way are refused."""
        done = min(self.tasks, default=self._h2.highest_inbound_stream_id + 2) - 2
        for task in self.tasks.values():
            task.cancel()
        self._h2.close_connection(last_stream_id=max(done, 0))
        self._flush()
        if self._transport is not None:
            self._transport.close()

    def _take(self, event: h2.events.Event) -> None:
        match event:
            case h2.events.RequestReceived(stream_id=int(stream), headers=list(headers)):
                self._waiting[stream] = _Stream({str(name): str(value) for name, value in headers})
            case h2.events.DataReceived(stream_id=int(stream), data=bytes(data)):
                known = self._waiting.get(stream)
                if known is not None and len(known.body) <= _LARGEST_BODY:
                    known.body += data
                self._h2.acknowledge_received_data(event.flow_controlled_length or 0, stream)
            case h2.events.StreamEnded(stream_id=int(stream)):
                asked = self._waiting.pop(stream, None)
                if asked is not None:
                    self.tasks[stream] = asyncio.create_task(self._answer(stream, asked))
            case h2.events.StreamReset(stream_id=int(stream)):
                self._waiting.pop(stream, None)
                self._unsent.pop(stream, None)
                task = self.tasks.get(stream)
                if task is not None:
                    task.cancel()
            case h2.events.WindowUpdated():
                for stream in list(self._unsent):
                    self._send_body(stream)
            case h2.events.ConnectionTerminated():
                self.abort()
            case _:
                return

    async def _answer(self, stream: int, asked: _Stream) -> None:
        headers = asked.headers
        request = Request(
            headers.get(":method", ""),
            headers.get(":path", ""),
            headers,
            bytes(asked.body),
            self._number,
            self._certificate,
        )
        try:
            answer = await self._handler(request)
            self._reply(stream, answer)
        except (h2.exceptions.StreamClosedError, h2.exceptions.ProtocolError):
            return  # The client did not wait, or the connection is going away.
        finally:
            self.tasks.pop(stream, None)

    def _reply(self, stream: int, answer: Answer) -> None:
        if answer.status is None:
            self._h2.reset_stream(stream, h2.errors.ErrorCodes.INTERNAL_ERROR)
            self._flush()
            return
        headers = [(":status", str(answer.status)), *answer.headers.items()]
        self._h2.send_headers(stream, headers, end_stream=not answer.body)
        if answer.body:
            self._unsent[stream] = answer.body
            self._send_body(stream)
        self._flush()

    def _send_body(self, stream: int) -> None:
        body = self._unsent.pop(stream)
        while body:
            room = min(self._h2.local_flow_control_window(stream), self._h2.max_outbound_frame_size)
            if room <= 0:
                self._unsent[stream] = body
                return
            piece, body = body[:room], body[room:]
            self._h2.send_data(stream, piece, end_stream=not body)

    def _flush(self) -> None:
        data = self._h2.data_to_send()
        if data and self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)
