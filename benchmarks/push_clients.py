"""Three ways to push: Offhook's dispatcher, aioapns in the obvious way, and h2 with nothing else.

Each has `start`, `send(done)` and `stop`; `done` is called when Apple's answer is there.
"""

import asyncio
import json
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol
from uuid import uuid4

import h2.config
import h2.connection
import h2.events
import jwt

from offhook.engine.dispatch.model import (
    Device,
    Environment,
    Outcome,
    OutcomeKind,
    Provider,
    Push,
)
from offhook.push.dispatcher import Dispatcher
from offhook.push.providers.settings import ApnsApp, ProviderSettings

APP, TEAM, KEY = "org.example.phone", "TEAMID1234", "KEYID12345"
TOKEN = "ab" * 32
MESSAGE = {
    "type": "NewCall",
    "pushId": "c8f2a3a4-5d3c-4d3e-9f1b-0a1b2c3d4e5f",
    "name": "Alice Example",
    "number": "+12025550101",
    "externalTrackingId": "OFFHOOK_c8f2a3a4-5d3c-4d3e-9f1b-0a1b2c3d4e5f_1",
    "padding": "x" * 500,
}
PAYLOAD = json.dumps(MESSAGE).encode()

Done = Callable[[], None]


class Client(Protocol):
    """A way to push."""

    async def start(self) -> None:
        """Connect."""

    def send(self, done: Done) -> None:
        """Push once."""

    async def stop(self) -> None:
        """Disconnect."""


class Offhook:
    """The dispatcher, as the push backend uses it."""

    def __init__(self, server: dict[str, Any]) -> None:
        app = ApnsApp(
            app=APP,
            team_id=TEAM,
            key_id=KEY,
            key_file=server["key"],
            host="127.0.0.1",
            port=server["port"],
            ca=server["ca"],
        )
        self._dispatcher = Dispatcher(ProviderSettings(apns=[app]), self._tell)
        self._waiting: dict[str, Done] = {}
        self._device = Device(
            "device", "person", Provider.APNS, APP, Environment.PRODUCTION, TOKEN, 0.0
        )

    async def start(self) -> None:
        await self._dispatcher.start()

    def send(self, done: Done) -> None:
        now = time.time()
        push = Push(str(uuid4()), self._device, PAYLOAD, now + 30, now)
        self._waiting[push.push_id] = done
        self._dispatcher.send(push)

    async def stop(self) -> None:
        await self._dispatcher.stop()

    def _tell(self, outcome: Outcome) -> None:
        if outcome.kind is not OutcomeKind.SENT:
            raise RuntimeError(f"A push was {outcome.kind}: {outcome.reason}")
        self._waiting.pop(outcome.push.push_id)()


class Aioapns:
    """As its documentation shows it: one task a push."""

    def __init__(self, server: dict[str, Any]) -> None:
        from aioapns import APNs
        from aioapns.connection import APNsProductionClientProtocol

        APNsProductionClientProtocol.APNS_SERVER = "127.0.0.1"
        APNsProductionClientProtocol.APNS_PORT = server["port"]
        with open(server["key"]) as file:
            key = file.read()
        tls = ssl.create_default_context(cafile=server["ca"])
        tls.set_alpn_protocols(["h2"])
        self._apns = APNs(key=key, key_id=KEY, team_id=TEAM, topic=f"{APP}.voip", ssl_context=tls)
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        return

    def send(self, done: Done) -> None:
        task = asyncio.create_task(self._send(done))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        self._apns.pool.close()

    async def _send(self, done: Done) -> None:
        from aioapns import NotificationRequest, PushType

        request = NotificationRequest(
            device_token=TOKEN,
            message=MESSAGE,
            time_to_live=30,
            priority=10,
            push_type=PushType.VOIP,
        )
        answer = await self._apns.send_notification(request)
        if not answer.is_successful:
            raise RuntimeError(answer.description)
        done()


class BareH2(asyncio.Protocol):
    """What a push costs in h2 and TLS: no retry, no window, no bookkeeping but the callback.

    `tuned`: as fast as h2 goes, without its checks and with one write for each turn of the loop.
    """

    def __init__(self, server: dict[str, Any], tuned: bool) -> None:
        self._server = server
        self._tuned = tuned
        self._h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(
                header_encoding=None,
                validate_outbound_headers=not tuned,
                normalize_outbound_headers=not tuned,
                validate_inbound_headers=not tuned,
            )
        )
        self._waiting: dict[int, Done] = {}
        self._ready = asyncio.Event()
        self._flushing = False
        self._transport: asyncio.Transport
        with open(server["key"]) as file:
            key = file.read()
        claims = {"iss": TEAM, "iat": int(time.time())}
        self._token = b"bearer " + jwt.encode(claims, key, "ES256", {"kid": KEY}).encode()

    async def start(self) -> None:
        tls = ssl.create_default_context(cafile=self._server["ca"])
        tls.set_alpn_protocols(["h2"])
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: self, "127.0.0.1", self._server["port"], ssl=tls)
        await self._ready.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._h2.initiate_connection()
        self._flush()

    def data_received(self, data: bytes) -> None:
        for event in self._h2.receive_data(data):
            if isinstance(event, h2.events.StreamEnded):
                assert event.stream_id is not None
                self._waiting.pop(event.stream_id)()
            elif isinstance(event, h2.events.RemoteSettingsChanged):
                self._ready.set()
        self._flush()

    def send(self, done: Done) -> None:
        stream = self._h2.get_next_available_stream_id()
        self._h2.send_headers(
            stream,
            [
                (b":method", b"POST"),
                (b":scheme", b"https"),
                (b":path", b"/3/device/" + TOKEN.encode()),
                (b":authority", b"127.0.0.1"),
                (b"apns-topic", b"org.example.phone.voip"),
                (b"apns-push-type", b"voip"),
                (b"apns-priority", b"10"),
                (b"apns-expiration", b"%d" % int(time.time() + 30)),
                (b"apns-id", str(uuid4()).encode()),
                (b"authorization", self._token),
            ],
        )
        self._h2.send_data(stream, PAYLOAD, end_stream=True)
        self._waiting[stream] = done
        if not self._tuned:
            self._flush()
        elif not self._flushing:
            self._flushing = True
            asyncio.get_running_loop().call_soon(self._flush)

    async def stop(self) -> None:
        with suppress(h2.exceptions.ProtocolError):
            self._h2.close_connection()
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        self._flushing = False
        if data := self._h2.data_to_send():
            self._transport.write(data)


CLIENTS: dict[str, Callable[[dict[str, Any]], Client]] = {
    "Offhook": Offhook,
    "aioapns": Aioapns,
    "bare h2, tuned": lambda server: BareH2(server, tuned=True),
    "bare h2, as it comes": lambda server: BareH2(server, tuned=False),
}
