"""A client of ``{cloud}/v1/webhooks``, on Webex and on Offhook (wire, 7.2)."""

import asyncio
import ssl
from dataclasses import dataclass
from typing import Protocol, TypeVar
from urllib.parse import quote, urlsplit

import aiohttp
import msgspec
from yarl import URL

from offhook.engine.firehose_link import is_firehose
from offhook.errors import NetworkError, NotAuthorizedError, ServiceError, TooManyRequestsError
from offhook.push.cloud_errors import NotAllowedError, WebhookRefusedError, refusal
from offhook.wire.body import MalformedBodyError, read_body
from offhook.wire.rest import Person
from offhook.wire.webhooks import CreateWebhook, UpdateWebhook, Webhook

T = TypeVar("T")

#: Seconds for one request, and for a connection.
REQUEST_TIMEOUT = 15.0
CONNECT_TIMEOUT = 5.0

_PAGE = 100
#: Webex lets a user have 30000 webhooks.
_MOST_PAGES = 300
_LARGEST_ANSWER = 4 * 1024 * 1024


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
class Found:
    """The firehose webhooks that a token sees. Not `sees_all`: only those of its own person."""

    webhooks: list[Webhook]
    sees_all: bool


class _Page(msgspec.Struct):
    items: list[msgspec.Raw]


class _Kind(msgspec.Struct):
    resource: str = ""
    event: str = ""


class _Told(msgspec.Struct):
    message: str = ""


class WebhookClient:
    """Reads and changes the webhooks of one organisation. Use it in ``async with``.

    `cloud` is the base address, without ``/v1``. A 429 is waited for if that takes at most
    `patience` seconds in all. Every method raises `NetworkError` if the cloud cannot be reached,
    `NotAuthorizedError` if it does not accept the token, and otherwise `ServiceError` or one of its
    kinds in `offhook.push.cloud_errors`.
    """

    def __init__(
        self,
        cloud: str,
        credentials: Credentials,
        *,
        tls: ssl.SSLContext | None = None,
        patience: float = 30.0,
    ) -> None:
        self._cloud = cloud
        self._credentials = credentials
        self._tls = tls
        self._patience = patience
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "WebhookClient":
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._tls if self._tls is not None else True),
            timeout=aiohttp.ClientTimeout(total=REQUEST_TIMEOUT, sock_connect=CONNECT_TIMEOUT),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def me(self) -> Person:
        """Whose token it is."""
        return _read(await self._request("GET", "/v1/people/me"), Person)

    async def firehoses(self) -> Found:
        """The webhooks for calls: the token's own person's, and the organisation's."""
        found = await self._list(f"/v1/webhooks?max={_PAGE}")
        sees_all = True
        try:
            found |= await self._list(f"/v1/webhooks?max={_PAGE}&ownedBy=org")
        except (NotAllowedError, WebhookRefusedError):
            sees_all = False
        return Found(list(found.values()), sees_all)

    async def create(self, webhook: CreateWebhook) -> Webhook:
        """Make one."""
        return _read(await self._request("POST", "/v1/webhooks", webhook), Webhook)

    async def update(self, webhook_id: str, changes: UpdateWebhook) -> Webhook:
        """Change one."""
        return _read(await self._request("PUT", _path(webhook_id), changes), Webhook)

    async def delete(self, webhook_id: str) -> None:
        """Remove one."""
        await self._request("DELETE", _path(webhook_id))

    async def _list(self, path: str) -> dict[str, Webhook]:
        found = {}
        for _ in range(_MOST_PAGES):
            answer = await self._request("GET", path)
            for raw in _read(answer, _Page).items:
                # Others' webhooks may have members and values that nobody has told us of.
                kind = _read_part(raw, _Kind)
                if is_firehose(kind.resource, kind.event):
                    webhook = _read_part(raw, Webhook)
                    found[webhook.id] = webhook
            if answer.next_path is None:
                return found
            path = answer.next_path
        raise ServiceError("The cloud's list of webhooks does not end; it has a fault.", 200)

    async def _request(
        self, method: str, path: str, body: msgspec.Struct | None = None
    ) -> "_Answer":
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
    ) -> "_Answer":
        if self._session is None:
            raise RuntimeError("use the WebhookClient in `async with`")
        headers = {"authorization": f"Bearer {token}", "accept": "application/json"}
        if body is not None:
            headers["content-type"] = "application/json"
        data = None if body is None else msgspec.json.encode(body)
        try:
            async with self._session.request(
                method, self._cloud + path, data=data, headers=headers, allow_redirects=False
            ) as response:
                received = await _bytes(response)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise unreachable(self._cloud, error) from error
        if 200 <= response.status < 300:
            link = response.links.get("next")
            following = None if link is None else URL(str(link["url"])).raw_path_qs
            return _Answer(response.status, received, following)
        raise refusal(
            response.status,
            _message(received),
            tracking_id=response.headers.get("trackingid", ""),
            retry_after=_seconds(response.headers.get("retry-after")),
        )


@dataclass(frozen=True, slots=True)
class _Answer:
    """`next_path` is where the list goes on: a path, so the token never goes to another host."""

    status: int
    body: bytes
    next_path: str | None


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


def _read(answer: _Answer, kind: type[T]) -> T:
    try:
        return read_body(answer.body, kind)
    except MalformedBodyError as error:
        raise ServiceError(
            f"The cloud's answer cannot be understood; check its address. {error}", answer.status
        ) from error


def _read_part(raw: msgspec.Raw, kind: type[T]) -> T:
    return _read(_Answer(200, bytes(raw), None), kind)


def _message(body: bytes) -> str:
    try:
        message = read_body(body, _Told).message[:300]
    except MalformedBodyError:
        return ""
    return "".join(each for each in message if each.isprintable())


def _path(webhook_id: str) -> str:
    return f"/v1/webhooks/{quote(webhook_id, safe='')}"


def _seconds(value: str | None) -> float | None:
    try:
        return max(float(value), 0.0) if value is not None else None
    except ValueError:
        return None
