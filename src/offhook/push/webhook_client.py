"""A client of ``{cloud}/v1/webhooks``, on Webex and on Offhook (wire, 7.2)."""

import ssl
from dataclasses import dataclass
from urllib.parse import quote

import msgspec

from offhook.engine.firehose_link import is_firehose
from offhook.push.cloud_errors import NotAllowedError, WebhookRefusedError
from offhook.push.cloud_http import CloudHttp, Credentials, read_answer
from offhook.wire.rest import Person
from offhook.wire.webhooks import CreateWebhook, UpdateWebhook, Webhook

_PAGE = 100
#: Webex lets a user have 30000 webhooks.
_MOST_PAGES = 300


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


class WebhookClient:
    """Reads and changes the webhooks of one organisation. Use it in ``async with``.

    `cloud` is the base address, without ``/v1``. Every method raises what `CloudHttp.request` does.
    """

    def __init__(
        self,
        cloud: str,
        credentials: Credentials,
        *,
        tls: ssl.SSLContext | None = None,
        patience: float = 30.0,
    ) -> None:
        self._http = CloudHttp(cloud, credentials, tls=tls, patience=patience)

    async def __aenter__(self) -> "WebhookClient":
        await self._http.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.__aexit__()

    async def me(self) -> Person:
        """Whose token it is."""
        return (await self._http.request("GET", "/v1/people/me")).read(Person)

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
        return (await self._http.request("POST", "/v1/webhooks", webhook)).read(Webhook)

    async def update(self, webhook_id: str, changes: UpdateWebhook) -> Webhook:
        """Change one."""
        return (await self._http.request("PUT", _path(webhook_id), changes)).read(Webhook)

    async def delete(self, webhook_id: str) -> None:
        """Remove one."""
        await self._http.request("DELETE", _path(webhook_id))

    async def _list(self, path: str) -> dict[str, Webhook]:
        found = {}
        async for answer in self._http.pages(path, _MOST_PAGES):
            for raw in answer.read(_Page).items:
                # Others' webhooks may have members and values that nobody has told us of.
                kind = read_answer(raw, _Kind)
                if is_firehose(kind.resource, kind.event):
                    webhook = read_answer(raw, Webhook)
                    found[webhook.id] = webhook
        return found


def _path(webhook_id: str) -> str:
    return f"/v1/webhooks/{quote(webhook_id, safe='')}"
