"""Requests to a cloud's REST API with an administrator's token."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

import aiohttp
import msgspec
from yarl import URL

from offhook.errors import NetworkError, NotAuthorizedError, ServiceError, TooManyRequestsError
from offhook.push.cloud_errors import refusal
from offhook.wire.body import MalformedBodyError, read_body

T = TypeVar("T")

#: Seconds for one request, and for a connection.
REQUEST_TIMEOUT = 15.0
CONNECT_TIMEOUT = 5.0

_LARGEST_ANSWER = 16 * 1024 * 1024


class Credentials(Protocol):
    """Whose token signs the requests."""

    async def token(self) -> str:
        """A token that should be good now. Raises `NotAuthorizedError`, `NetworkError`."""

    async def renew(self, rejected: str) -> str:
        """Another one, since the cloud refused this. Raises the same."""


class OneToken:
    """A token that cannot be renewed."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def token(self) -> str:
        return self._token

    async def renew(self, rejected: str) -> str:  # noqa: ARG002 - there is no other
        raise refusal(401, "", tracking_id="")


@dataclass(frozen=True, slots=True)
class Answer:
    """A 2xx answer. `next_path` is where a list goes on.

    It is a path, so that the token never goes to another host, wherever the list says it goes on.
    """

    status: int
    body: bytes
    next_path: str | None

    def read(self, kind: type[T]) -> T:
        """The body as a `kind`. Raises `ServiceError` if it is something else."""
        return read_answer(self.body, kind)


class _Told(msgspec.Struct):
    message: str = ""


class CloudHttp:
    """A connection pool to the cloud at the address `base`. Use it in ``async with``.

    A 429 is waited for if that takes at most `patience` seconds in all.
    """

    def __init__(
        self,
        base: str,
        credentials: Credentials,
        *,
        tls: ssl.SSLContext | None = None,
        patience: float = 30.0,
    ) -> None:
        self._base = base
        self._credentials = credentials
        self._tls = tls
        self._patience = patience
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "CloudHttp":
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._tls if self._tls is not None else True),
            timeout=aiohttp.ClientTimeout(total=REQUEST_TIMEOUT, sock_connect=CONNECT_TIMEOUT),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def pages(self, path: str, most: int) -> AsyncIterator[Answer]:
        """A list, page by page. Raises as `request` does, and if it has more than `most` pages."""
        for _ in range(most):
            answer = await self.request("GET", path)
            yield answer
            if answer.next_path is None:
                return
            path = answer.next_path
        raise ServiceError("The cloud's list does not end; it has a fault.", 200)

    async def request(self, method: str, path: str, body: msgspec.Struct | None = None) -> Answer:
        """Send a request and return its 2xx answer.

        Raises `NetworkError` if the cloud cannot be reached, `NotAuthorizedError` if it does not
        accept the token, and otherwise `ServiceError` or one of its kinds in
        `offhook.push.cloud_errors`.
        """
        token = await self._credentials.token()
        patience, renewed = self._patience, False
        while True:
            try:
                return await self._send(method, path, token, body)
            except TooManyRequestsError as error:
                if error.retry_after is None or error.retry_after > patience:
                    raise
                patience -= max(error.retry_after, 1.0)
                await asyncio.sleep(error.retry_after)
            except NotAuthorizedError:
                if renewed:
                    raise
                renewed = True
                token = await self._credentials.renew(token)

    async def _send(
        self, method: str, path: str, token: str, body: msgspec.Struct | None
    ) -> Answer:
        if self._session is None:
            raise RuntimeError("use it in `async with`")
        headers = {"authorization": f"Bearer {token}", "accept": "application/json"}
        if body is not None:
            headers["content-type"] = "application/json"
        data = None if body is None else msgspec.json.encode(body)
        try:
            async with self._session.request(
                method,
                URL(self._base + path, encoded=True),
                data=data,
                headers=headers,
                allow_redirects=False,
            ) as response:
                received = await _bytes(response)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise unreachable(self._base, error) from error
        if 200 <= response.status < 300:
            link = response.links.get("next")
            following = None if link is None else URL(str(link["url"])).raw_path_qs
            return Answer(response.status, received, following)
        raise refusal(
            response.status,
            _message(received),
            tracking_id=response.headers.get("trackingid", ""),
            retry_after=_seconds(response.headers.get("retry-after")),
        )


def unreachable(cloud: str, error: BaseException) -> NetworkError:
    """Why a request to `cloud` has no answer, with what to do."""
    host = urlsplit(cloud).netloc
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
        return NetworkError(
            f"The certificate of {host} is not trusted; give its authority's file as `ca`."
        )
    if isinstance(error, TimeoutError):
        return NetworkError(f"{host} did not answer in time; try again.")
    return NetworkError(f"{host} cannot be reached; check the address and the network.")


async def _bytes(response: aiohttp.ClientResponse) -> bytes:
    received = bytearray()
    async for chunk in response.content.iter_any():
        received += chunk
        if len(received) > _LARGEST_ANSWER:
            raise aiohttp.ClientPayloadError("the answer is too large")
    return bytes(received)


def read_answer(body: bytes | msgspec.Raw, kind: type[T]) -> T:
    """What the cloud said, as a `kind`. Raises `ServiceError` if it is something else."""
    try:
        return read_body(body, kind)
    except MalformedBodyError as error:
        raise ServiceError(
            f"The cloud's answer cannot be understood; check its address. {error}", 200
        ) from error


def _message(body: bytes) -> str:
    try:
        message = read_body(body, _Told).message[:300]
    except MalformedBodyError:
        return ""
    return "".join(each for each in message if each.isprintable())


def _seconds(value: str | None) -> float | None:
    try:
        return max(float(value), 0.0) if value is not None else None
    except ValueError:
        return None
