"""The push backend: all of its parts, put together, started and stopped."""

import asyncio
import contextlib
import logging
import secrets
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from litestar import Litestar
from litestar.exceptions import HTTPException
from litestar.types import ASGIApp, Receive, Scope, Send

from offhook.engine.dispatch.model import Outcome
from offhook.engine.duplicates import Duplicates
from offhook.push import compat, devices, operations
from offhook.push.admin import AdminDoor
from offhook.push.cipher import Cipher, kept_keys, secret_file
from offhook.push.cloud_address import cloud_base
from offhook.push.config import PushConfig
from offhook.push.delivery import Delivery, PushSender
from offhook.push.dispatcher import Dispatcher
from offhook.push.figures import Figures
from offhook.push.history import History
from offhook.push.identity import PeopleOfCloud
from offhook.push.inbox import Inbox
from offhook.push.last_seen import LastSeen
from offhook.push.receiver import WebhookReceiver
from offhook.push.registry import DeviceRegistry
from offhook.push.sole_owner import sole_owner
from offhook.push.store import MIGRATIONS
from offhook.push.watcher import WebhookWatcher
from offhook.serving import errors
from offhook.serving.address import ConfigError, address_of
from offhook.serving.errors import ApiError
from offhook.serving.listener import Certificate, Listener, bind
from offhook.serving.rate import RateLimit
from offhook.serving.tls import local_tls
from offhook.store import open_database
from offhook.wire.body import MalformedBodyError

logger = logging.getLogger(__name__)

#: Seconds that each part gets to stop.
_DELIVERY_SECONDS = 1.0
_SENDER_SECONDS = 3.0

#: Makes what sends, given whom to tell of each outcome.
SenderFactory = Callable[[Callable[[Outcome], None]], PushSender]


class PushBackend:
    """The whole backend in one process. `sender` sends in place of the dispatcher of `config`.

    `start` raises ConfigError, ListenError or StoreError with a sentence that says what to do.
    After it, `url` and `https_url` say where the backend is, and `secrets` what webhooks are
    signed with.
    """

    def __init__(self, config: PushConfig, sender: SenderFactory | None = None) -> None:
        self.config = config
        self.url = ""
        self.https_url = ""
        self.ca_path: Path | None = None
        self.secrets: list[str] = list(config.secrets)
        self.registry: DeviceRegistry
        self.figures = Figures()
        self.history = History()
        self._sender_factory = sender or self._dispatcher
        self._watcher: WebhookWatcher | None = None
        self._stack = contextlib.AsyncExitStack()

    async def start(self) -> None:
        """Bind the addresses, open the database, take up what is unfinished, take requests."""
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise

    async def stop(self) -> None:
        """Take no more requests, finish what is under way as far as that is soon; within 10 s."""
        await self._stack.aclose()

    @property
    def warnings(self) -> list[str]:
        """What an operator should put right, a sentence each."""
        found = []
        if self.registry.unreadable:
            found.append(
                f"{self.registry.unreadable} devices cannot be reached: the key that encrypted "
                "their tokens is missing. Restore it, or let their apps register again."
            )
        if self._watcher is not None and self._watcher.condition in ("inactive", "missing"):
            found.append(f"The cloud's webhook is {self._watcher.condition}: no calls come in.")
        if self._watcher is not None and self._watcher.problem:
            found.append(self._watcher.problem)
        if self.config.compat:
            found.append(
                "Compatible routes are on: whoever reaches this server can register a phone for "
                "anybody."
            )
            if not self.config.secrets:
                found.append("No secret is configured, so /handleWebhook believes anybody.")
        return found

    async def _start(self) -> None:
        config = self.config
        data = Path(config.data)
        try:
            await asyncio.to_thread(data.mkdir, 0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"data = {config.data!r} cannot be written: {error.strerror}.") from (
                error
            )
        if not self.secrets:
            self.secrets = await asyncio.to_thread(_kept_secrets, config.secret_file)
        keys = config.encryption_keys or await asyncio.to_thread(kept_keys, data)
        cipher = Cipher(keys)
        http_socket = self._bound(*address_of("http", config.http))
        https_socket = self._bound(*address_of("https", config.https)) if config.https else None
        exclusive = config.database_file is not None
        if config.database_file is not None:
            self._stack.enter_context(sole_owner(config.database_file))
        database = await open_database(config.database_url, MIGRATIONS)
        self._stack.push_async_callback(database.close)
        self.registry = DeviceRegistry(
            database,
            cipher,
            time.time,
            exclusive=exclusive,
            most_per_person=config.limits.devices_per_person,
        )
        await self.registry.start()
        self.figures.unreadable.set(self.registry.unreadable)
        inbox = Inbox(database, cipher, time.time, config.timing.duplicates)
        duplicates = Duplicates(config.timing.duplicates)
        for key, came in await inbox.keys():
            duplicates.is_new([key], came)
        await inbox.start()
        self._stack.push_async_callback(inbox.stop)
        delivery = Delivery(
            inbox, self.registry, self.figures, self.history, time.time, exclusive=exclusive
        )
        sender = self._sender_factory(delivery.on_outcome)
        delivery.attach(sender)
        await sender.start()
        self._stack.push_async_callback(_within, _SENDER_SECONDS, sender.stop, "pushes")
        self._stack.push_async_callback(delivery.stop, _DELIVERY_SECONDS)
        await delivery.resume()
        tls = await asyncio.to_thread(_trusted, config.cloud_ca) if config.cloud_ca else None
        cloud = cloud_base("cloud", config.cloud)
        people = await self._stack.enter_async_context(
            PeopleOfCloud(cloud, config.timing.identity, tls=tls)
        )
        receivers = self._receivers(delivery, duplicates)
        limits = config.limits
        handlers = [
            *operations.routes(
                database,
                self.registry,
                self.figures,
                self.history,
                AdminDoor(config.admin_token, RateLimit(limits.refused, limits.refused_seconds)),
                lambda: self.warnings,
            ),
            *devices.routes(
                self.registry,
                devices.Bearer(people, RateLimit(limits.refused, limits.refused_seconds)),
                RateLimit(limits.registrations, limits.registration_seconds),
            ),
        ]
        if config.compat:
            limit = RateLimit(limits.registrations, limits.registration_seconds)
            handlers += compat.routes(self.registry, config.providers, limit)
        # Building the application takes a while; the loop may have other things to do.
        rest = await asyncio.to_thread(_application, handlers, limits.request_bytes)
        await self._listen(_Front(receivers, rest), http_socket, https_socket)
        if config.watch.is_given:
            await self._watch(cloud, tls)
        for warning in self.warnings:
            logger.warning(warning)

    def _receivers(self, delivery: Delivery, duplicates: Duplicates) -> dict[str, ASGIApp]:
        """The webhooks' paths. Both know what the other has had."""
        count = self.figures.on_answer
        receivers: dict[str, Any] = {
            "/webhook": WebhookReceiver(
                self.secrets, delivery.accept, duplicates=duplicates, count=count
            )
        }
        if self.config.compat:
            receivers["/handleWebhook"] = WebhookReceiver(
                self.config.secrets or None,
                delivery.accept,
                duplicates=duplicates,
                count=count,
                needs_creator=True,
            )
        return receivers

    def _dispatcher(self, tell: Callable[[Outcome], None]) -> PushSender:
        return Dispatcher(self.config.providers, tell)

    async def _watch(self, cloud: str, tls: ssl.SSLContext | None) -> None:
        data = Path(self.config.data)
        self._watcher = watcher = WebhookWatcher(
            cloud,
            self.config.watch.kept_below(data),
            secret=self.secrets[0],
            tls=tls,
            last_seen=LastSeen(data / "webhook-seen-active"),
        )
        self.figures.add(watcher.figures)
        await watcher.start()
        self._stack.push_async_callback(watcher.stop)

    def _bound(self, host: str, port: int) -> socket.socket:
        listener = bind(host, port)
        self._stack.callback(listener.close)
        return listener

    async def _listen(
        self, app: ASGIApp, http_socket: socket.socket, https_socket: socket.socket | None
    ) -> None:
        proxies = self.config.proxies
        listeners = [Listener(app, http_socket, proxies=proxies)]
        self.url = _url("http", listeners[0])
        if https_socket is not None:
            certificate = await asyncio.to_thread(self._certificate)
            listeners.append(Listener(app, https_socket, certificate=certificate, proxies=proxies))
            self.https_url = _url("https", listeners[1])
        for listener in listeners:
            await listener.start()
            self._stack.push_async_callback(listener.stop)

    def _certificate(self) -> Certificate:
        config = self.config
        if config.tls is not None:
            certificate = Certificate(Path(config.tls.certificate), Path(config.tls.key))
        else:
            files = local_tls(Path(config.data) / "tls", config.host_names())
            certificate, self.ca_path = Certificate(files.certificate, files.key), files.ca
        certificate.check()
        return certificate


class _Front:
    """Webhooks go straight to their receivers, everything else to the application behind."""

    def __init__(self, receivers: Mapping[str, ASGIApp], rest: ASGIApp) -> None:
        self._receivers = receivers
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._receivers.get(scope.get("path", ""), self._rest)
        await app(scope, receive, send)


def _application(handlers: Sequence[Any], request_bytes: int) -> ASGIApp:
    return Litestar(
        handlers,
        exception_handlers={
            ApiError: errors.on_api_error,
            MalformedBodyError: errors.on_malformed,
            HTTPException: errors.on_http_error,
            Exception: errors.on_unexpected,
        },
        before_send=[errors.mark_answer],
        request_max_body_size=request_bytes,
        openapi_config=None,
        logging_config=None,
        pdb_on_exception=False,
        debug=False,
    )


def _kept_secrets(path: Path) -> list[str]:
    kept = secret_file(path, lambda: secrets.token_hex(32)).split()
    if any(len(each) < 8 for each in kept):
        raise ConfigError(f"{path}: each secret, one a line, has at least 8 characters.")
    return kept


def _trusted(path: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=path)
    except (OSError, ValueError) as error:
        raise ConfigError(f"cloud_ca = {path!r} holds no certificate that can be read.") from error


def _url(scheme: str, listener: Listener) -> str:
    host, port = listener.address
    if host in ("0.0.0.0", "::"):  # noqa: S104
        host = "127.0.0.1"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


async def _within(seconds: float, stop: Callable[[], Awaitable[None]], what: str) -> None:
    """Wait for `stop`, but not for ever: a backend that stops must stop."""
    try:
        async with asyncio.timeout(seconds):
            await stop()
    except TimeoutError:
        logger.error("%s did not end within %.0f s of stopping", what, seconds)
