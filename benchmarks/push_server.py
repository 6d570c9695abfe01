"""What a push service costs least: HTTP/2 over TLS that answers 200 to every request.

As a program it prints one line of JSON when it is ready: port, authority and signing key.
"""

import asyncio
import json
import socket
import ssl
import sys
import time
from collections.abc import Callable
from pathlib import Path

import h2.config
import h2.connection
import h2.events
import h2.settings
import uvloop
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from offhook.serving.tls import local_tls


class PushServer(asyncio.Protocol):
    """One connection. `arrived` is given each body and when its last bytes came, in Unix seconds.

    `answer` is the body of every answer, empty as Apple's.
    """

    def __init__(
        self, arrived: Callable[[bytes, float], None] = lambda *_: None, answer: bytes = b""
    ) -> None:
        self._arrived = arrived
        self._answer = answer
        self._h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(
                client_side=False,
                header_encoding=None,
                validate_inbound_headers=False,
                validate_outbound_headers=False,
                normalize_outbound_headers=False,
            )
        )
        self._h2.local_settings = h2.settings.Settings(
            client=False,
            initial_values={h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 1000},
        )
        self._ids: dict[int, bytes] = {}
        self._bodies: dict[int, bytes] = {}
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._h2.initiate_connection()
        # The bare client does not wait for room.
        self._h2.increment_flow_control_window(2**24)
        self._transport.write(self._h2.data_to_send())

    def data_received(self, data: bytes) -> None:
        now = time.time()
        for event in self._h2.receive_data(data):
            match event:
                case h2.events.RequestReceived(stream_id=int(stream), headers=list(headers)):
                    self._ids[stream] = next((v for k, v in headers if k == b"apns-id"), b"-")
                    self._bodies[stream] = b""
                case h2.events.DataReceived(stream_id=int(stream), data=bytes(body)):
                    self._bodies[stream] += body
                    size = event.flow_controlled_length or 0
                    self._h2.acknowledge_received_data(size, stream)
                case h2.events.StreamEnded(stream_id=int(stream)):
                    self._reply(stream)
                    self._arrived(self._bodies.pop(stream), now)
                case _:
                    pass
        self._transport.write(self._h2.data_to_send())

    def _reply(self, stream: int) -> None:
        headers = [(b":status", b"200"), (b"apns-id", self._ids.pop(stream))]
        self._h2.send_headers(stream, headers, end_stream=not self._answer)
        if self._answer:
            self._h2.send_data(stream, self._answer, end_stream=True)


def tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS for a server that speaks HTTP/2."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    tls.set_alpn_protocols(["h2"])
    return tls


async def serve(folder: Path) -> None:
    files = local_tls(folder, [])
    key = folder / "AuthKey.p8"
    key.write_bytes(
        ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    tls = tls_context(files.certificate, files.key)
    server = await asyncio.get_running_loop().create_server(PushServer, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    print(json.dumps({"port": port, "ca": str(files.ca), "key": str(key)}), flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(Path(sys.argv[1])))
