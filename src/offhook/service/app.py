"""The phone service: all of its parts, put together, started and stopped."""

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from litestar import Litestar, Request
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.handlers import BaseRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.types import ASGIApp

from offhook.engine.exchange import Exchange
from offhook.engine.exchange.inputs import LineGone
from offhook.service import call_history, catalog, telemetry, wdm
from offhook.service.calls import routes as call_routes
from offhook.service.calls.shell import ExchangeShell
from offhook.service.clock import steady_clock
from offhook.service.config import ServiceConfig
from offhook.service.directory import Directory, group_routes, locations, settings_routes
from offhook.service.directory import routes as directory_routes
from offhook.service.firehose import routes as firehose_routes
from offhook.service.firehose.call_events import CallEvents
from offhook.service.firehose.firehose import Firehose
from offhook.service.firehose.outbox import Outbox
from offhook.service.firehose.post import Poster
from offhook.service.firehose.targets import Targets
from offhook.service.firehose.webhooks import Webhooks
from offhook.service.identity import Identity, Principal
from offhook.service.identity import routes as identity_routes
from offhook.service.identity.tokens import InvalidTokenError, Tokens
from offhook.service.lines import LineRegistry
from offhook.service.lines import routes as line_routes
from offhook.service.media import MediaPlane
from offhook.service.mercury import MercuryHub, SocketRules, Sockets, mercury_route
from offhook.service.organization import found_organization
from offhook.service.records import Records
from offhook.service.store import MIGRATIONS
from offhook.service.telephony import call_routes as control_routes
from offhook.service.telephony import conference_routes, history
from offhook.service.telephony.control import CallControl
from offhook.service.wakeup import routes as wakeup_routes
from offhook.service.wakeup.shell import WakeupShell
from offhook.serving import errors, metrics
from offhook.serving.address import ConfigError, address_of
from offhook.serving.cors import Cors
from offhook.serving.errors import ApiError
from offhook.serving.listener import Certificate, Listener, bind
from offhook.serving.origin import Origins
from offhook.serving.rate import RateLimit
from offhook.serving.tls import local_tls
from offhook.store import Database, open_database
from offhook.wire.body import MalformedBodyError

logger = logging.getLogger(__name__)

#: Seconds that each part gets to stop. Requests under way get two more; all of it is within 5 s.
_CALLS_SECONDS = 1.0
_CLIENTS_SECONDS = 0.5
_MEDIA_SECONDS = 1.0


class PhoneService:
    """The whole cloud in one process.

    `start` raises ConfigError, ListenError or StoreError with a sentence that says what to do.
    After it, `http_url`, `https_url` and `ca_path` say where the service is.
    """

    def __init__(self, config: ServiceConfig) -> None:
        self.config = config
        self.http_url = ""
        self.https_url = ""
        self.ca_path: Path | None = None
        self.identity: Identity
        self.directory: Directory
        self.records: Records
        self.firehose: Firehose
        self.wakeup: WakeupShell
        self.shell: ExchangeShell
        self.lines: LineRegistry
        self.app: ASGIApp
        self._listeners: list[Listener] = []
        self._stack = contextlib.AsyncExitStack()

    async def start(self) -> None:
        """Bind the addresses, open the database, take requests."""
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise

    async def stop(self) -> None:
        """End all calls, send the clients away, and let go of everything; within 5 s."""
        await self._stack.aclose()

    async def _start(self) -> None:
        config = self.config
        data = Path(config.data)
        try:
            await asyncio.to_thread(data.mkdir, 0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"data = {config.data!r} cannot be written: {error.strerror}.") from (
                error
            )
        http_socket = self._bound(*address_of("http", config.http))
        https_socket = self._bound(*address_of("https", config.https)) if config.https else None
        database = await open_database(config.database_url, MIGRATIONS)
        self._stack.push_async_callback(database.close)
        origins = Origins(config.public_url)
        handlers = self._assemble(database, origins)
        if config.organization is not None:
            await found_organization(config.organization, self.directory, self.identity)
        # Building the application takes a while; the loop may have other things to do.
        self.app = await asyncio.to_thread(
            application, handlers, self.identity, config.limits.request_bytes
        )
        await self._stack.enter_async_context(self._poster)
        await self.firehose.start()
        self._stack.push_async_callback(self.firehose.stop)
        self._stack.push_async_callback(self._leave)
        await self._listen(self.app, http_socket, https_socket, origins)
        sweeping = asyncio.create_task(self.lines.sweep(), name="offhook-line-expiry")
        self._stack.push_async_callback(_cancelled, sweeping)

    def _bound(self, host: str, port: int) -> socket.socket:
        listener = bind(host, port)
        self._stack.callback(listener.close)
        return listener

    async def _listen(
        self,
        app: ASGIApp,
        http_socket: socket.socket,
        https_socket: socket.socket | None,
        origins: Origins,
    ) -> None:
        proxies = self.config.proxies
        listeners = [Listener(app, http_socket, proxies=proxies)]
        self.http_url = _url("http", listeners[0])
        if https_socket is not None:
            certificate = await asyncio.to_thread(self._certificate)
            listeners.append(Listener(app, https_socket, certificate=certificate, proxies=proxies))
            origins.https_port = listeners[1].address[1]
            self.https_url = _url("https", listeners[1])
        for listener in listeners:
            self._listeners.append(listener)
            await listener.start()

    def _certificate(self) -> Certificate:
        config = self.config
        if config.tls is not None:
            certificate = Certificate(Path(config.tls.certificate), Path(config.tls.key))
        else:
            files = local_tls(Path(config.data) / "tls", config.host_names())
            certificate, self.ca_path = Certificate(files.certificate, files.key), files.ca
        certificate.check()
        return certificate

    async def _leave(self) -> None:
        """Calls end first; then nobody comes in any more, and who is in is sent away."""
        await _within(_CALLS_SECONDS, self.shell.stop(), "the records of the last calls")
        # Official clients come back at once: to a closed door, not to a service about to end.
        for listener in self._listeners:
            listener.refuse()
        await _within(_CLIENTS_SECONDS, self._sockets.stop(), "clients that were sent away")
        await asyncio.gather(*(listener.stop() for listener in self._listeners))

    def _assemble(self, database: Database, origins: Origins) -> list[Any]:
        config, clock, steady = self.config, time.time, steady_clock()
        limits, timing = config.limits, config.timing
        self.directory = Directory(database, clock, config.country)
        tokens = Tokens(
            database,
            clock=clock,
            access_seconds=timing.access_token,
            refresh_seconds=timing.refresh_token,
        )
        self.identity = Identity(database, self.directory, tokens, clock)
        self.records = Records(database)
        self._sockets = Sockets()
        hub = MercuryHub()
        # Official clients keep a call alive every 600 s, whatever they are told.
        patience = 2.0 * max(timing.call_keepalive, 600) + 60
        exchange = Exchange(
            new_id=lambda: str(uuid4()), ring_seconds=timing.ring, keepalive_seconds=patience
        )
        targets = Targets(allow_private=config.webhooks.allow_private_targets)
        webhooks = Webhooks(database, clock)
        self._poster = Poster(targets, steady)
        self.firehose = Firehose(
            webhooks, Outbox(database), self._poster, self.directory.organization_of, steady
        )
        self.wakeup = WakeupShell(self.firehose, steady)
        self.shell = shell = ExchangeShell(
            exchange, hub, self.records, steady, self.wakeup.on_window
        )
        shell.observe(CallEvents(self.firehose.publish).observe)
        self._stack.callback(self.wakeup.stop)
        plane = MediaPlane(config.media_config(), shell.on_media)
        self._stack.push_async_callback(lambda: _within(_MEDIA_SECONDS, plane.close(), "media"))
        self.lines = LineRegistry(
            clock=steady,
            keepalive=timing.keepalive,
            grace=timing.keepalive_grace,
            most=limits.lines,
            most_per_person=limits.lines_per_person,
            on_gone=lambda line_id: shell.submit(LineGone(line_id)),
        )
        shell.attach(plane, self.lines)
        places = locations.Locations(self.directory, config.country)
        clients = wdm.RunningClients(steady, limits.clients_per_person)
        sign_ins = RateLimit(limits.sign_ins, limits.sign_in_seconds)
        calls = RateLimit(limits.calls, limits.call_seconds)
        commands = RateLimit(limits.calls, limits.call_seconds)
        control = CallControl(shell, self.directory, calls, commands)
        rules = SocketRules(
            queue=limits.mercury_queue,
            authorization=timing.socket_authorization,
            recheck=timing.token_recheck,
        )
        figures: list[metrics.Figure] = [
            ("gauge", "lines", "Registered lines.", lambda: len(self.lines)),
            ("gauge", "calls", "Calls there are now.", lambda: len(exchange.calls())),
            ("gauge", "sessions", "Sessions there are now.", lambda: len(exchange.sessions())),
            ("gauge", "mercury_sockets", "Connected clients.", lambda: hub.sockets),
            ("counter", "mercury_events", "Events for clients.", lambda: hub.delivered),
            ("gauge", "media_legs", "Open legs.", lambda: plane.legs_open),
            ("counter", "media_legs_opened", "Legs ever opened.", lambda: plane.legs_opened),
            ("counter", "media_legs_failed", "Legs that failed.", lambda: plane.legs_failed),
            ("gauge", "media_mixes", "Conferences that are mixed.", lambda: plane.mixes_open),
            ("gauge", "media_legs_mixed", "Legs in a mix.", lambda: plane.legs_mixed),
            (
                "counter",
                "media_mix_frames",
                "Frames that were mixed.",
                lambda: plane.mix_lateness.steps,
            ),
            (
                "counter",
                "media_mix_frames_late",
                "Frames that were mixed more than 5 ms late.",
                lambda: plane.mix_lateness.late,
            ),
            (
                "counter",
                "media_mix_frames_skipped",
                "Frames that were left out, since the mixer was too far behind.",
                lambda: plane.mix_lateness.skipped,
            ),
            (
                "counter",
                "media_packets",
                "RTP and RTCP packets relayed or sent.",
                lambda: plane.traffic.packets_sent,
            ),
            *self.wakeup.figures(),
            *self.firehose.figures(),
        ]
        return [
            *metrics.routes(figures, database),
            *identity_routes.routes(self.identity, self.directory, origins, sign_ins),
            *directory_routes.routes(self.directory, origins),
            *settings_routes.routes(self.directory, timing.ring),
            *group_routes.routes(self.directory, origins, places),
            *locations.routes(self.directory, places),
            *call_history.routes(self.records, self.directory, origins),
            *catalog.routes(origins, config.region, config.country),
            *telemetry.routes(origins),
            *wdm.routes(clients, origins),
            *line_routes.routes(config, origins, self.lines, shell, self.directory),
            *wakeup_routes.routes(self.wakeup),
            *firehose_routes.routes(webhooks, self.firehose, self.directory, targets, origins),
            *call_routes.routes(shell, self.lines, self.directory, calls),
            *control_routes.routes(control),
            *conference_routes.routes(control, exchange),
            *history.routes(self.records),
            mercury_route(hub, self.identity, self._sockets, rules),
        ]


def application(handlers: Sequence[Any], identity: Identity, request_bytes: int) -> ASGIApp:
    """The ASGI application: every handler needs a token unless it says ``public``."""

    async def require_token(
        connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
    ) -> None:
        if handler.opt.get("public"):
            return
        scheme, _, token = connection.headers.get("authorization", "").partition(" ")
        try:
            if scheme.casefold() != "bearer":
                raise InvalidTokenError("There is no bearer token.")
            connection.state.principal = await identity.authenticate(token.strip())
        except InvalidTokenError as error:
            raise ApiError(
                401,
                "The request requires a valid access token set in the Authorization request "
                "header.",
            ) from error

    async def principal(request: Request[Any, Any, State]) -> Principal:
        who: Principal = request.state.principal
        return who

    return Cors(
        Litestar(
            handlers,
            guards=[require_token],
            dependencies={"principal": Provide(principal)},
            exception_handlers={
                ApiError: errors.on_api_error,
                MalformedBodyError: errors.on_malformed,
                HTTPException: errors.on_http_error,
                Exception: errors.on_unexpected,
            },
            before_send=[errors.mark_answer],
            request_max_body_size=request_bytes,
            openapi_config=OpenAPIConfig(title="Offhook", version="1", path="/openapi"),
            logging_config=None,
            pdb_on_exception=False,
            debug=False,
        )
    )


def _url(scheme: str, listener: Listener) -> str:
    host, port = listener.address
    if host in ("0.0.0.0", "::"):  # noqa: S104
        host = "127.0.0.1"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


async def _within(seconds: float, work: Coroutine[Any, Any, None], what: str) -> None:
    """Wait for `work`, but not for ever: a service that stops must stop."""
    try:
        async with asyncio.timeout(seconds):
            await work
    except TimeoutError:
        logger.error("%s did not end within %.0f s of stopping", what, seconds)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
