"""The listeners: sockets bound before anything starts, and uvicorn behind them."""

import asyncio
import contextlib
import errno
import socket
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from litestar.types import ASGIApp

from offhook.serving.address import ConfigError

#: Seconds for requests under way when the service stops, and for the answers to its close frames.
_FINISH_SECONDS = 2
_LARGEST_FRAME = 262_144
#: Milliseconds for which a peer may leave what it was sent unread or unacknowledged. Without it a
#: connection whose client has stopped reading would be held for as long as that client likes.
_UNREAD_MS = 30_000


class ListenError(Exception):
    """An address cannot be bound; the message says why and what to do."""


def bind(host: str, port: int) -> socket.socket:
    """A listening TCP socket. Raises ListenError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio turns Nagle off for such sockets only: without it each
    # further answer on a kept connection waits 40 ms for an acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; accepted connections inherit it.
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNREAD_MS)
        listener.bind((host, port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise ListenError(
                f"{host}:{port} is in use by another program; stop it or choose another port."
            ) from error
        raise ListenError(f"{host}:{port} cannot be bound: {error.strerror}.") from error
    listener.setblocking(False)
    return listener


@dataclass(frozen=True, slots=True)
class Certificate:
    """PEM files of the certificate with its chain, and of its key."""

    chain: Path
    key: Path

    def check(self) -> None:
        """Raises ConfigError with the reason if TLS cannot be done with these files."""
        for path in (self.chain, self.key):
            if not path.is_file():
                raise ConfigError(f"tls: there is no file {path}.")
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
                self.chain, self.key, password=_no_passphrase
            )
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError.
            reason = error.reason if isinstance(error, ssl.SSLError) else str(error)
            raise ConfigError(
                f"tls: {self.chain} and {self.key} cannot be used: {reason}. They are PEM files of "
                "a certificate with its chain and of its own key, without a passphrase."
            ) from error


def _no_passphrase() -> str:
    raise ValueError("the key has a passphrase")


class _Uvicorn(uvicorn.Server):
    """Uvicorn inside a program that has signal handlers of its own."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Listener:
    """One uvicorn on one socket. `proxies` are believed about whom they speak for."""

    def __init__(
        self,
        app: ASGIApp,
        listener: socket.socket,
        *,
        certificate: Certificate | None = None,
        proxies: Sequence[str] = (),
    ) -> None:
        self._socket = listener
        config = uvicorn.Config(
            app,
            http="httptools",
            ws="websockets-sansio",
            loop="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=True,
            proxy_headers=bool(proxies),
            forwarded_allow_ips=list(proxies),
            timeout_keep_alive=75,
            timeout_graceful_shutdown=_FINISH_SECONDS,
            ws_max_size=_LARGEST_FRAME,
            ws_ping_interval=30.0,
            ws_ping_timeout=30.0,
            # 40 kB a socket, and events are too few to be worth it.
            ws_per_message_deflate=False,
            ssl_certfile=str(certificate.chain) if certificate else None,
            ssl_keyfile=str(certificate.key) if certificate else None,
        )
        self._server = _Uvicorn(config)
        self._task: asyncio.Task[None] | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that are bound."""
        host, port = self._socket.getsockname()[:2]
        return host, port

    async def start(self) -> None:
        """Serve until `stop`. Returns once requests are taken."""
        self._task = asyncio.create_task(self._server.serve([self._socket]), name="offhook-http")
        while not self._server.started:
            if self._task.done():
                await self._task
                raise ListenError("The HTTP server ended before it had begun.")
            await asyncio.sleep(0.005)

    def refuse(self) -> None:
        """Take no new connections; those there are go on until `stop`."""
        for server in self._server.servers:
            server.close()

    async def stop(self) -> None:
        """Finish the requests under way, for at most two seconds."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task
        self._socket.close()
