"""An HTTP/2 client (RFC 9113) for one host: many small requests at once, no task for any of them.

What is asked for in one turn of the event loop is written at once.
"""

import asyncio
import contextlib
import socket
import ssl
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

from offhook.push.providers.header_block import SteadyEncoder

#: Seconds for TCP and TLS together, and until a ping has to be answered.
CONNECT_SECONDS = 5.0
PING_SECONDS = 5.0
#: Seconds without a frame after which the connection is asked whether it still stands; the same
#: while an answer is due, when nobody has that much time.
IDLE_SECONDS = 30.0
DUE_SECONDS = 2.0
#: Seconds for which answers are awaited on a connection that takes no more requests.
DRAIN_SECONDS = 5.0
_LARGEST_ANSWER = 16_384
_MOST_STREAMS = 1000

Headers = Sequence[tuple[bytes, bytes]]


class ConnectionLostError(ConnectionError):
    """The connection is gone; what was asked for on it may or may not have been done."""


@dataclass(slots=True)
class Http2Answer:
    """An answer as it came. Header names are in lower case."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)


#: Told of the answer, or None if none came: the stream was reset, or the connection lost.
OnAnswer = Callable[[Http2Answer | None], None]


@dataclass(slots=True)
class _Stream:
    on_answer: OnAnswer
    answer: Http2Answer = field(default_factory=Http2Answer)


async def connect(
    host: str, port: int, tls: ssl.SSLContext, *, on_change: Callable[[], None]
) -> "Http2Connection":
    """Connect within 5 s. `on_change` is called when its capacity changes or it is lost.

    Raises OSError (which TimeoutError and ssl.SSLError are).
    """
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(CONNECT_SECONDS):
        transport, connection = await loop.create_connection(
            lambda: Http2Connection(on_change), host, port, ssl=tls
        )
        try:
            chosen = transport.get_extra_info("ssl_object").selected_alpn_protocol()
            if chosen != "h2":
                raise ConnectionError(f"{host} does not speak HTTP/2.")
            await connection.ready()
        except BaseException:
            transport.abort()
            raise
    return connection


class Http2Connection(asyncio.Protocol):
    """See the module. Made by `connect`."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._on_change = on_change
        self._h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(
                client_side=True,
                header_encoding=None,
                validate_outbound_headers=False,
                normalize_outbound_headers=False,
                validate_inbound_headers=False,
            )
        )
        self._h2.encoder = SteadyEncoder()
        self._transport: asyncio.Transport | None = None
        self._streams: dict[int, _Stream] = {}
        self._unsent: deque[tuple[int, bytes]] = deque()
        self._loop = asyncio.get_running_loop()
        self._flushing = False
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._closed: asyncio.Future[None] = self._loop.create_future()
        self._watch: asyncio.TimerHandle | None = None
        self._drain: asyncio.TimerHandle | None = None
        self._heard = self._loop.time()
        self._asked = False
        self._leaving = False
        self.lost = False
        self.requests = 0

    @property
    def usable(self) -> bool:
        """Whether it takes requests."""
        return not (self.lost or self._leaving)

    @property
    def capacity(self) -> int:
        """Requests that may be under way at once; 0 once it takes none."""
        if not self.usable:
            return 0
        return min(self._h2.remote_settings.max_concurrent_streams, _MOST_STREAMS)

    async def ready(self) -> None:
        """Wait for the server's settings. Raises ConnectionLostError."""
        await asyncio.shield(self._ready)

    def request(self, headers: Headers, body: bytes, on_answer: OnAnswer) -> int:
        """Ask for something; `on_answer` is called once. The request's number, for `abandon`.

        Raises ConnectionLostError.
        """
        if not self.usable:
            raise ConnectionLostError("The connection is gone; connect anew.")
        try:
            stream = self._h2.get_next_available_stream_id()
            self._h2.send_headers(stream, headers)
        except h2.exceptions.ProtocolError as error:
            self._lose()
            raise ConnectionLostError("The connection takes no more requests.") from error
        self.requests += 1
        self._streams[stream] = _Stream(on_answer)
        if self._unsent or not self._send(stream, body):
            self._unsent.append((stream, body))
        self._flush_soon()
        self._watch_soon(DUE_SECONDS)
        return stream

    def abandon(self, stream: int) -> None:
        """Nobody waits for this answer any more; `on_answer` is not called."""
        if self._streams.pop(stream, None) is None or self.lost:
            return
        self._unsent = deque(each for each in self._unsent if each[0] != stream)
        with contextlib.suppress(h2.exceptions.ProtocolError):
            self._h2.reset_stream(stream, h2.errors.ErrorCodes.CANCEL)
        self._flush_soon()
        self._leave_if_done()

    def retire(self) -> None:
        """Ask for nothing more on it; what is under way has 5 s to be answered."""
        self._on_change = _nothing
        self._leave()

    async def close(self) -> None:
        """Say goodbye at once. What is under way gets no answer."""
        if self._transport is None:
            return
        self._on_change = _nothing
        self._goodbye()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await asyncio.shield(self._closed)
                return
        self._transport.abort()

    # --- asyncio.Protocol ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's is none by its type.
        self._transport = transport = cast(asyncio.Transport, transport)
        with contextlib.suppress(OSError):
            sock = transport.get_extra_info("socket")
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._h2.initiate_connection()
        self._h2.update_settings({h2.settings.SettingCodes.ENABLE_PUSH: 0})
        self._flush()
        self._watch_soon(IDLE_SECONDS)

    def data_received(self, data: bytes) -> None:
        self._heard = self._loop.time()
        self._asked = False
        try:
            events = self._h2.receive_data(data)
        except h2.exceptions.ProtocolError:
            self._flush()
            self._lose()
            return
        for event in events:
            self._take(event)
        self._flush()
        self._leave_if_done()

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002
        self._lose()
        if not self._closed.done():
            self._closed.set_result(None)

    # --- inside ---

    def _take(self, event: h2.events.Event) -> None:
        match event:
            case h2.events.ResponseReceived(stream_id=int(number), headers=list(headers)):
                if (stream := self._streams.get(number)) is not None:
                    _read_headers(stream.answer, headers)
            case h2.events.DataReceived(stream_id=int(number), data=bytes(data)):
                stream = self._streams.get(number)
                if stream is not None and len(stream.answer.body) < _LARGEST_ANSWER:
                    stream.answer.body += data
                with contextlib.suppress(h2.exceptions.ProtocolError):
                    self._h2.acknowledge_received_data(event.flow_controlled_length or 0, number)
            case h2.events.StreamEnded(stream_id=int(number)):
                if (stream := self._streams.pop(number, None)) is not None:
                    stream.on_answer(stream.answer)
            case h2.events.StreamReset(stream_id=int(number)):
                self._unsent = deque(each for each in self._unsent if each[0] != number)
                if (stream := self._streams.pop(number, None)) is not None:
                    stream.on_answer(None)
            case h2.events.WindowUpdated():
                self._send_waiting()
            case h2.events.RemoteSettingsChanged():
                if not self._ready.done():
                    self._ready.set_result(None)
                self._send_waiting()
                self._on_change()
            case h2.events.ConnectionTerminated(last_stream_id=last):
                self._told_to_leave(last or 0)
            case _:
                return

    def _send(self, stream: int, body: bytes) -> bool:
        """Send the body if it fits as a whole: pushes are smaller than any window."""
        window = min(self._h2.local_flow_control_window(stream), self._h2.max_outbound_frame_size)
        if len(body) > window:
            return False
        self._h2.send_data(stream, body, end_stream=True)
        return True

    def _send_waiting(self) -> None:
        try:
            while self._unsent and self._send(*self._unsent[0]):
                self._unsent.popleft()
        except h2.exceptions.ProtocolError:
            self._lose()

    def _flush_soon(self) -> None:
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        data = self._h2.data_to_send()
        if data and self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def _watch_soon(self, seconds: float) -> None:
        """Look after `seconds` at the latest."""
        at = self._loop.time() + seconds
        if self._watch is None or self._watch.when() > at + 0.001:
            if self._watch is not None:
                self._watch.cancel()
            self._watch = self._loop.call_at(at, self._look)

    def _look(self) -> None:
        """Whether the connection still stands, after it was silent for a while."""
        self._watch = None
        patience = DUE_SECONDS if self._streams else IDLE_SECONDS
        silent = self._loop.time() - self._heard
        if self._asked:
            self._lose()
        elif silent < patience:
            self._watch_soon(max(patience - silent, 0.01))
        else:
            self._asked = True
            with contextlib.suppress(h2.exceptions.ProtocolError):
                self._h2.ping(b"offhook!")
                self._flush()
            self._watch_soon(DUE_SECONDS if self._streams else PING_SECONDS)

    # --- the end ---

    def _told_to_leave(self, last: int) -> None:
        """GOAWAY: what is beyond `last` was not looked at; the rest may still be answered."""
        # h2 would take no further frames, but answers follow when a server leaves in good order.
        self._h2.state_machine.state = h2.connection.ConnectionState.CLIENT_OPEN
        refused = [self._streams.pop(each) for each in list(self._streams) if each > last]
        self._unsent = deque(each for each in self._unsent if each[0] <= last)
        self._leave()
        for stream in refused:
            stream.on_answer(None)

    def _leave(self) -> None:
        if not self.usable:
            return
        self._leaving = True
        self._on_change()
        self._drain = self._loop.call_later(DRAIN_SECONDS, self._lose)
        # Not at once: whoever is in the middle of reading events goes on first.
        self._loop.call_soon(self._leave_if_done)

    def _leave_if_done(self) -> None:
        if self._leaving and not self._streams:
            self._goodbye()

    def _goodbye(self) -> None:
        if not self.lost:
            with contextlib.suppress(h2.exceptions.ProtocolError):
                self._h2.close_connection()
                self._flush()
            self._lose()

    def _lose(self) -> None:
        if self.lost:
            return
        self.lost = True
        for timer in (self._watch, self._drain):
            if timer is not None:
                timer.cancel()
        if self._transport is not None:
            self._transport.close()
        if not self._ready.done():
            self._ready.set_exception(ConnectionLostError("The connection was closed at once."))
            self._ready.exception()
        self._unsent.clear()
        streams, self._streams = self._streams, {}
        # Whoever waits is told that it is lost as a whole, before each of its requests.
        self._on_change()
        for stream in streams.values():
            stream.on_answer(None)


def _read_headers(answer: Http2Answer, headers: list[tuple[bytes, bytes]]) -> None:
    for name, value in headers:
        if name == b":status":
            answer.status = int(value)
        else:
            answer.headers[name.decode()] = value.decode("latin-1")


def _nothing() -> None:
    """Nobody wants to know any more."""
