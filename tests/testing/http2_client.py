"""An HTTP/2 client that owes nothing to the project: one connection, one request at a time."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h2.config
import h2.connection
import h2.events


@dataclass
class Response:
    """`refused`: the stream was reset, or the connection ended before the answer."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    refused: bool = False

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Http2Client:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    host: str
    went_away: bool = False

    def __post_init__(self) -> None:
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.h2.initiate_connection()

    async def post(
        self, path: str, headers: Mapping[str, str], body: bytes, method: str = "POST"
    ) -> Response:
        stream = self.h2.get_next_available_stream_id()
        first = {":method": method, ":scheme": "https", ":path": path, ":authority": self.host}
        self.h2.send_headers(stream, [*first.items(), *headers.items()], end_stream=not body)
        for start in range(0, len(body), 16_000):
            last = start + 16_000 >= len(body)
            self.h2.send_data(stream, body[start : start + 16_000], end_stream=last)
        self.writer.write(self.h2.data_to_send())
        response = Response()
        while data := await asyncio.wait_for(self.reader.read(65_536), 5):
            for event in self.h2.receive_data(data):
                if isinstance(event, h2.events.ConnectionTerminated):
                    self.went_away = response.refused = True
                    return response
                if getattr(event, "stream_id", None) != stream:
                    continue
                if isinstance(event, h2.events.ResponseReceived):
                    response.headers = {str(n): str(v) for n, v in event.headers or []}
                    response.status = int(response.headers.pop(":status"))
                elif isinstance(event, h2.events.DataReceived):
                    response.body += event.data or b""
                elif isinstance(event, h2.events.StreamReset):
                    response.refused = True
                    return response
                elif isinstance(event, h2.events.StreamEnded):
                    return response
            self.writer.write(self.h2.data_to_send())
        response.refused = True
        return response


@asynccontextmanager
async def connected(host: str, port: int, ca: Path) -> AsyncIterator[Http2Client]:
    tls = ssl.create_default_context(cafile=ca)
    tls.set_alpn_protocols(["h2"])
    reader, writer = await asyncio.open_connection(host, port, ssl=tls)
    try:
        yield Http2Client(reader, writer, host)
    finally:
        writer.close()
        await asyncio.wait([asyncio.ensure_future(_closed(writer))], timeout=2)


async def _closed(writer: asyncio.StreamWriter) -> None:
    try:
        await writer.wait_closed()
    except OSError:
        return  # It was cut off.
