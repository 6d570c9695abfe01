"""Posting webhooks with next to no work of one's own: raw HTTP/1.1 on connections that are kept."""

import asyncio
from collections import deque
from urllib.parse import urlsplit

CONNECTIONS = 64


class _Connection(asyncio.Protocol):
    """One request at a time."""

    def __init__(self, load: "WebhookLoad") -> None:
        self._load = load
        self._answer = b""
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, found, body = self._answer.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(body) >= length:
            self._answer = b""
            self._load.answered(self, int(head[9:12]))


class WebhookLoad:
    """Posts to `url`, each webhook as soon as a connection is free. Use as a context manager."""

    def __init__(self, url: str) -> None:
        self._url = urlsplit(url)
        self._free: deque[_Connection] = deque()
        self._all: list[_Connection] = []
        self._waiting: deque[bytes] = deque()
        self.answers = 0
        self.refusals = 0

    async def __aenter__(self) -> "WebhookLoad":
        loop = asyncio.get_running_loop()
        for _ in range(CONNECTIONS):
            _, connection = await loop.create_connection(
                lambda: _Connection(self), self._url.hostname, self._url.port
            )
            self._all.append(connection)
        self._free.extend(self._all)
        return self

    async def __aexit__(self, *_: object) -> None:
        for connection in self._all:
            connection.transport.close()

    def post(self, body: bytes, signature: str) -> None:
        """Send one now, or when a connection is free."""
        request = (
            f"POST {self._url.path} HTTP/1.1\r\nhost: {self._url.netloc}\r\n"
            f"content-type: application/json\r\nx-spark-signature: {signature}\r\n"
            f"content-length: {len(body)}\r\n\r\n"
        ).encode() + body
        if self._free:
            # The one that was used last: its connection is warm at both ends.
            self._free.pop().transport.write(request)
        else:
            self._waiting.append(request)

    def answered(self, connection: _Connection, status: int) -> None:
        """What a connection calls when its answer has come."""
        self.answers += 1
        self.refusals += status >= 300
        if self._waiting:
            connection.transport.write(self._waiting.popleft())
        else:
            self._free.append(connection)
