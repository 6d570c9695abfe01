"""The HTTP/2 client against a server that does what servers do when they leave."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import h2.config
import h2.connection
import h2.events
import pytest

from offhook.push.providers.http2 import ConnectionLostError, Http2Answer, Http2Connection, connect
from offhook.serving.tls import local_tls

HEADERS = [
    (b":method", b"POST"),
    (b":scheme", b"https"),
    (b":path", b"/"),
    (b":authority", b"localhost"),
]


class Server(asyncio.Protocol):
    """Answers when it is told to."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        config = h2.config.H2Configuration(client_side=False)
        self.h2 = h2.connection.H2Connection(config)
        self.asked: list[int] = []
        self.came = asyncio.Event()
        self.gone = asyncio.Event()
        self.h2.initiate_connection()
        self.flush()

    def data_received(self, data: bytes) -> None:
        for event in self.h2.receive_data(data):
            if isinstance(event, h2.events.StreamEnded):
                assert event.stream_id is not None
                self.asked.append(event.stream_id)
                self.came.set()
        self.flush()

    def connection_lost(self, error: Exception | None) -> None:
        self.gone.set()

    def flush(self) -> None:
        self.transport.write(self.h2.data_to_send())

    def answer(self, stream: int) -> None:
        self.h2.send_headers(stream, [(":status", "200")], end_stream=True)
        self.flush()

    def leave(self, last: int) -> None:
        """GOAWAY in good order: it goes on answering up to `last`."""
        frames = b"\x00\x00\x08\x07\x00" + bytes(4) + last.to_bytes(4, "big") + bytes(4)
        self.transport.write(frames)


@dataclass
class Line:
    client: Http2Connection
    server: Server
    changes: list[bool]


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    files = await asyncio.to_thread(local_tls, tmp_path, [])
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(files.certificate, files.key)
    tls.set_alpn_protocols(["h2"])
    ends: list[Server] = []

    def accept() -> Server:
        ends.append(Server())
        return ends[-1]

    listener = await asyncio.get_running_loop().create_server(accept, "127.0.0.1", 0, ssl=tls)
    ours = ssl.create_default_context(cafile=str(files.ca))
    ours.set_alpn_protocols(["h2"])
    changes: list[bool] = []
    port = listener.sockets[0].getsockname()[1]
    client = await connect("127.0.0.1", port, ours, on_change=lambda: changes.append(True))
    changes.clear()
    yield Line(client, ends[0], changes)
    await client.close()
    ends[0].transport.abort()
    listener.close()
    await listener.wait_closed()


async def test_what_a_leaving_server_has_taken_is_answered_and_the_rest_is_free_at_once(
    line: Line,
) -> None:
    answers: dict[int, asyncio.Future[Http2Answer | None]] = {}
    for _ in range(2):
        answer = asyncio.get_running_loop().create_future()
        answers[line.client.request(HEADERS, b"{}", answer.set_result)] = answer
    first, second = answers
    async with asyncio.timeout(5):
        while len(line.server.asked) < 2:
            line.server.came.clear()
            await line.server.came.wait()
        line.server.leave(first)
        assert await answers[second] is None
        assert line.changes == [True]
        assert not line.client.usable
        with pytest.raises(ConnectionLostError):
            line.client.request(HEADERS, b"{}", lambda answer: None)
        assert not answers[first].done()
        line.server.answer(first)
        taken = await answers[first]
        assert taken is not None
        assert taken.status == 200
        # Nothing is left to wait for.
        await line.server.gone.wait()


async def test_a_body_that_does_not_fit_the_window_waits_for_room(line: Line) -> None:
    loop = asyncio.get_running_loop()
    answers = [loop.create_future() for _ in range(20)]
    for answer in answers:
        line.client.request(HEADERS, b"x" * 4000, answer.set_result)
    async with asyncio.timeout(5):
        while len(line.server.asked) < 16:
            line.server.came.clear()
            await line.server.came.wait()
        assert len(line.server.asked) == 16
        line.server.h2.increment_flow_control_window(65_535)
        line.server.flush()
        while len(line.server.asked) < 20:
            line.server.came.clear()
            await line.server.came.wait()
        for stream in line.server.asked:
            line.server.answer(stream)
        assert {(await answer).status for answer in answers} == {200}
