"""The webhooks there are, by organisation: kept in the database, remembered for quick matching."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from sqlalchemy import delete, insert, select, update
from sqlalchemy.engine import RowMapping

from offhook.engine.firehose.health import Active, Disabled, Health
from offhook.service.firehose.event import FirehoseEvent
from offhook.service.firehose.filter import matches
from offhook.service.store.schema import webhooks
from offhook.store import Database
from offhook.wire.webhooks import WebhookEventType, WebhookOwner

#: Seconds after which they are read again: another process may have changed them.
_FRESH = 30.0


@dataclass(frozen=True, slots=True)
class StoredWebhook:
    """A webhook. Ids are uuids; `disabled` is since when nothing is delivered, None while it is."""

    webhook_id: str
    org_id: str
    created_by: str
    app_id: str
    name: str
    target_url: str
    resource: str
    event: str
    filter: str | None
    secret: str | None
    owned_by: WebhookOwner
    created: float
    disabled: float | None = None

    def wants(self, event: FirehoseEvent) -> bool:
        """Whether this event of somebody in the organisation is delivered to it."""
        return (
            self.disabled is None
            and self.resource in (event.resource, "all")
            and self.event in (event.event, WebhookEventType.ALL)
            and (self.owned_by is WebhookOwner.ORG or self.created_by == event.actor_id)
            and (not self.filter or matches(self.filter, event))
        )

    def same_purpose(self, other: "StoredWebhook") -> bool:
        """Whether one of the two is one too many."""
        both_org = self.owned_by is WebhookOwner.ORG and other.owned_by is WebhookOwner.ORG
        return (
            self.resource == other.resource
            and self.event == other.event
            and self.filter == other.filter
            and self.owned_by is other.owned_by
            and (
                both_org
                or (self.created_by == other.created_by and self.target_url == other.target_url)
            )
        )


class DuplicateWebhookError(Exception):
    """There is one for this already."""


class Webhooks:
    """See the module. `clock` gives Unix seconds."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
        self._remembered: dict[str, tuple[float, list[StoredWebhook]]] = {}
        self._health: dict[str, Health] = {}
        self.disabled = 0

    async def of_org(self, org_id: str) -> list[StoredWebhook]:
        """All webhooks of an organisation, oldest first; at most 30 s old."""
        known = self._remembered.get(org_id)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        found = await self._database.read(
            select(webhooks)
            .where(webhooks.c.org_id == org_id)
            .order_by(webhooks.c.created, webhooks.c.id)
        )
        stored = [_stored(row) for row in found]
        self._remembered[org_id] = (time.monotonic() + _FRESH, stored)
        return stored

    async def everything(self) -> list[StoredWebhook]:
        """The webhooks of all organisations."""
        return [_stored(row) for row in await self._database.read(select(webhooks))]

    async def add(self, webhook: StoredWebhook) -> StoredWebhook:
        """Keep a new webhook under an id of its own. Raises DuplicateWebhookError."""
        new = replace(webhook, webhook_id=str(uuid4()), created=self._clock())
        if any(new.same_purpose(each) for each in await self.of_org(new.org_id)):
            raise DuplicateWebhookError("There is a webhook for this already; update that one.")
        await self._database.write(insert(webhooks).values(_row(new)))
        self._remembered.pop(new.org_id, None)
        return new

    async def change(self, webhook: StoredWebhook, **changes: Any) -> StoredWebhook:
        """Change fields of a webhook; ``disabled=None`` sets it active again.

        Raises DuplicateWebhookError.
        """
        changed = replace(webhook, **changes)
        others = await self.of_org(webhook.org_id)
        if any(
            changed.same_purpose(each) for each in others if each.webhook_id != webhook.webhook_id
        ):
            raise DuplicateWebhookError("There is a webhook for this already; update that one.")
        await self._write(webhook, changes)
        if webhook.disabled is not None and changed.disabled is None:
            self._health[webhook.webhook_id] = Disabled(webhook.disabled).activated(self._clock())
        return changed

    async def remove(self, webhook: StoredWebhook) -> None:
        """Forget a webhook."""
        await self._database.write(delete(webhooks).where(webhooks.c.id == webhook.webhook_id))
        self._remembered.pop(webhook.org_id, None)
        self._health.pop(webhook.webhook_id, None)

    async def failed(self, webhook: StoredWebhook) -> bool:
        """An attempt to deliver to it failed; True if that was one too many: it is disabled."""
        key = webhook.webhook_id
        health = self._health.get(key) or Active()
        if isinstance(health, Disabled):
            return False
        health = self._health[key] = health.failed(self._clock())
        if not isinstance(health, Disabled):
            return False
        self.disabled += 1
        await self._write(webhook, {"disabled": health.since})
        return True

    async def _write(self, webhook: StoredWebhook, changes: Mapping[str, Any]) -> None:
        await self._database.write(
            update(webhooks).where(webhooks.c.id == webhook.webhook_id).values(**changes)
        )
        self._remembered.pop(webhook.org_id, None)


def _stored(row: RowMapping) -> StoredWebhook:
    values = dict(row)
    owner = WebhookOwner(values.pop("owned_by"))
    return StoredWebhook(webhook_id=values.pop("id"), owned_by=owner, **values)


def _row(webhook: StoredWebhook) -> dict[str, Any]:
    names = (column.name for column in webhooks.columns if column.name not in ("id", "owned_by"))
    row: dict[str, Any] = {name: getattr(webhook, name) for name in names}
    return {**row, "id": webhook.webhook_id, "owned_by": webhook.owned_by.value}
