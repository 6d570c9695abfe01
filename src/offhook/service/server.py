"""The listeners: sockets bound before anything starts, and uvicorn behind them."""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from litestar.types import ASGIApp


class ListenError(Exception):
    """An address cannot be bound; the message says why and what to do."""


def bind(host: str, port: int) -> socket.socket:
    """A listening TCP socket. Raises ListenError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
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


class _Uvicorn(uvicorn.Server):
    """Uvicorn inside a program that has signal handlers of its own."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Listener:
    """One uvicorn on one socket."""

    def __init__(
        self,
        app: ASGIApp,
        listener: socket.socket,
        *,
        certificate: Path | None = None,
        key: Path | None = None,
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
            timeout_keep_alive=75,
            timeout_graceful_shutdown=2,
            ws_max_size=262_144,
            ws_ping_interval=30.0,
            ws_ping_timeout=30.0,
            ssl_certfile=str(certificate) if certificate else None,
            ssl_keyfile=str(key) if key else None,
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

    async def stop(self) -> None:
        """Finish the requests under way, for at most two seconds."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task
        self._socket.close()
