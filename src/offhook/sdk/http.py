"""HTTP as the cloud expects it: headers, tokens, tracking ids, refresh and retry, typed errors."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Protocol, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

import aiohttp
import msgspec

from offhook.errors import (
    NetworkError,
    NotAuthorizedError,
    ServiceError,
    TooManyRequestsError,
)
from offhook.wire.body import MalformedBodyError, read_body
from offhook.wire.mobius import MobiusError

T = TypeVar("T")

#: Seconds for one request, and for a connection.
REQUEST_TIMEOUT = 10.0
CONNECT_TIMEOUT = 5.0
#: Seconds that `Retry-After` may cost in all, for requests that wait for it.
PATIENCE = 30.0

_LARGEST_ANSWER = 4 * 1024 * 1024


class Credentials(Protocol):
    """Who signs the requests."""

    async def token(self) -> str:
        """A token that is good now. Raises `NotAuthorizedError`."""

    async def renew(self, rejected: str) -> str:
        """Another token, since the cloud refused this one. Raises `NotAuthorizedError`."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    def read(self, kind: type[T]) -> T:
        """The body as a `kind`. Raises `ServiceError` if it is something else."""
        try:
            return read_body(self.body, kind)
        except MalformedBodyError as error:
            raise ServiceError(
                f"The cloud's answer cannot be understood: {error}",
                self.status,
                tracking_id=self.headers.get("trackingid", ""),
            ) from error


class _ConnectionWasClosedError(NetworkError):
    """Closed before a byte of the answer came."""


class Http:
    """One connection pool. `trusts` says which hosts may be sent the token."""

    def __init__(self, *, tls: ssl.SSLContext | None, trusts: Callable[[str], bool]) -> None:
        self._tls = tls
        self._trusts = trusts
        self._session: aiohttp.ClientSession | None = None
        self._closed = False
        self._name = f"offhook_{uuid4()}"
        self._count = 0
        self.user_agent = f"offhook/{_version()}"
        self.credentials: Credentials | None = None
        self.device_url = ""

    async def close(self) -> None:
        """Close all connections."""
        self._closed = True
        if self._session is not None:
            await self._session.close()

    def new_tracking_id(self) -> str:
        """An id that is unique to one request."""
        self._count += 1
        return f"{self._name}_{self._count}"

    # --- requests ---

    async def request(
        self,
        method: str,
        url: str,
        *,
        body: msgspec.Struct | bytes | None = None,
        form: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        signed: bool = True,
        bare: bool = False,
        patience: float = PATIENCE,
        timeout: float = REQUEST_TIMEOUT,
        repeatable: bool = True,
    ) -> Answer:
        """Send a request and return its 2xx answer.

        A `signed` request carries the token, which is refreshed once if it is refused. A 429 is
        waited for if that takes at most `patience` seconds. A `repeatable` one is sent again if the
        connection that was kept from the last time turns out to be closed. `bare` leaves out what
        official clients leave out where they do not use their common request path.
        Raises `NetworkError`, `NotAuthorizedError`, `TooManyRequestsError` or `ServiceError`.
        """
        token = await self._token(url) if signed else None
        renewed = False
        while True:
            sent = self._headers(token, bare=bare) | (headers or {})
            try:
                return await self._send(method, url, sent, body, form, timeout)
            except _ConnectionWasClosedError as error:
                if not repeatable:
                    raise NetworkError(error.message) from error
                repeatable = False
            except TooManyRequestsError as error:
                wait = error.retry_after
                if wait is None or wait > patience:
                    raise
                patience -= wait
                await asyncio.sleep(wait)
            except ServiceError as error:
                if error.status != 401 or token is None or self.credentials is None:
                    raise
                if renewed:
                    raise NotAuthorizedError(
                        "The cloud does not accept the sign-in; sign in again."
                    ) from error
                renewed = True
                token = await self.credentials.renew(token)

    async def _token(self, url: str) -> str | None:
        if self.credentials is None:
            raise NotAuthorizedError("Nobody is signed in; authorize first.")
        if not self._trusts(urlsplit(url).hostname or ""):
            return None
        return await self.credentials.token()

    def _headers(self, token: str | None, *, bare: bool) -> dict[str, str]:
        headers = {"trackingid": self.new_tracking_id(), "spark-user-agent": self.user_agent}
        if not bare:
            headers["cisco-no-http-redirect"] = "true"
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
            if self.device_url:
                headers["cisco-device-url"] = self.device_url
        return headers

    async def _send(
        self,
        method: str,
        url: str,
        headers: dict[str, str],
        body: msgspec.Struct | bytes | None,
        form: dict[str, str] | None,
        timeout: float,
    ) -> Answer:
        data: bytes | dict[str, str] | None = form
        if body is not None:
            data = body if isinstance(body, bytes) else msgspec.json.encode(body)
            headers["content-type"] = "application/json"
        limits = aiohttp.ClientTimeout(total=timeout, sock_connect=CONNECT_TIMEOUT)
        try:
            async with self._open().request(
                method,
                url,
                data=data,
                headers=headers,
                timeout=limits,
                allow_redirects=False,
                # Where there is no body, official clients say nothing of its type.
                skip_auto_headers=("content-type",) if data is None else (),
            ) as response:
                received = await _read(response)
        except aiohttp.ServerDisconnectedError as error:
            raise _ConnectionWasClosedError(_unreachable(url, error).message) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _unreachable(url, error) from error
        answered = {name.lower(): value for name, value in response.headers.items()}
        if 200 <= response.status < 300:
            return Answer(response.status, answered, received)
        raise _refusal(response.status, answered, received, headers["trackingid"])

    def _open(self) -> aiohttp.ClientSession:
        if self._closed:
            raise NetworkError("This Webex object is closed; make a new one.")
        if self._session is None:
            connector = aiohttp.TCPConnector(ssl=self._tls if self._tls is not None else True)
            self._session = aiohttp.ClientSession(
                connector=connector, headers={"User-Agent": self.user_agent}
            )
        return self._session

    @asynccontextmanager
    async def websocket(self, url: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """A WebSocket to `url`. Raises `NetworkError`, or `ServiceError` if it was refused."""
        limit = aiohttp.ClientWSTimeout(ws_close=2.0)
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT):
                socket = await self._open().ws_connect(
                    url, timeout=limit, max_msg_size=_LARGEST_ANSWER
                )
        except aiohttp.WSServerHandshakeError as error:
            raise ServiceError(
                f"The event connection was refused with status {error.status}.", error.status
            ) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _unreachable(url, error) from error
        try:
            yield socket
        finally:
            await socket.close()


async def _read(response: aiohttp.ClientResponse) -> bytes:
    received = bytearray()
    async for chunk in response.content.iter_any():
        received += chunk
        if len(received) > _LARGEST_ANSWER:
            raise aiohttp.ClientPayloadError("the answer is too large")
    return bytes(received)


def _unreachable(url: str, error: BaseException) -> NetworkError:
    host = urlsplit(url).netloc
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
        return NetworkError(
            f"The certificate of {host} is not trusted; pass its authority's file as ca=."
        )
    if isinstance(error, TimeoutError):
        return NetworkError(f"{host} did not answer in time; try again.")
    return NetworkError(f"{host} cannot be reached; check the address and the network.")


def _refusal(status: int, headers: dict[str, str], body: bytes, tracking_id: str) -> ServiceError:
    try:
        told = read_body(body, MobiusError)
    except MalformedBodyError:
        told = MobiusError("")
    message = told.message or f"The cloud answered with status {status}."
    kind = TooManyRequestsError if status == 429 else ServiceError
    return kind(
        message,
        status,
        tracking_id=headers.get("trackingid", tracking_id),
        error_code=told.errorCode,
        retry_after=_seconds(headers.get("retry-after")),
        body=body,
    )


def _seconds(value: str | None) -> float | None:
    try:
        return max(float(value), 0.0) if value is not None else None
    except ValueError:
        return None


def _version() -> str:
    try:
        return version("offhook")
    except PackageNotFoundError:
        return "0"
