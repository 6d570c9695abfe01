"""The firehose: what happens goes in, and is delivered to every webhook that wants to know.

The events of one call reach a webhook in order, one after the other; those of different calls do
not wait for each other, and no webhook waits for another one.
"""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from offhook.engine.firehose.attempts import Delivered, GivenUp, Waiting
from offhook.service.firehose.event import FirehoseEvent
from offhook.service.firehose.outbox import Outbox, Parcel
from offhook.service.firehose.post import Poster
from offhook.service.firehose.webhooks import StoredWebhook, Webhooks
from offhook.serving.metrics import Figure
from offhook.store import StoreError
from offhook.wire.ids import ResourceKind, encode_id
from offhook.wire.webhooks import WebhookEnvelope

logger = logging.getLogger(__name__)

#: Events that may wait for one webhook; beyond, the oldest are given up.
_MOST_WAITING = 1000
#: Seconds that deliveries under way get when the service stops.
_STOP_SECONDS = 0.5
_STORE_FAULTS = (StoreError, SQLAlchemyError, OSError)
Lane = tuple[str, str]  # webhook and subject


class Firehose:
    """See the module. `org_of` gives the organisation of a person, None if there is no such one."""

    def __init__(
        self,
        webhooks: Webhooks,
        outbox: Outbox,
        poster: Poster,
        org_of: Callable[[str], Awaitable[str | None]],
        clock: Callable[[], float],
    ) -> None:
        self._webhooks = webhooks
        self._outbox = outbox
        self._poster = poster
        self._org_of = org_of
        self._clock = clock
        self._incoming: deque[FirehoseEvent] = deque()
        self._sorting: asyncio.Task[None] | None = None
        self._lanes: dict[Lane, deque[Parcel]] = {}
        self._waiting: dict[str, dict[str, Parcel]] = {}
        self._targets: dict[str, StoredWebhook] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._counts: Counter[str] = Counter()
        self._stopped = False

    async def start(self) -> None:
        """Take up what an earlier process left. Raises what the database raises."""
        by_id: dict[str, StoredWebhook] = {
            each.webhook_id: each for each in await self._webhooks.everything()
        }
        for parcel in await self._outbox.left(self._clock()):
            webhook = by_id.get(parcel.webhook_id)
            if webhook is None or webhook.disabled is not None:
                await self._outbox.done(parcel)
            else:
                self._counts["resumed"] += 1
                self._put(webhook, parcel)

    async def stop(self) -> None:
        """Deliver what is ready, for a moment; what is left is taken up by the next process."""
        self._stopped = True
        tasks = [*self._tasks, *([self._sorting] if self._sorting else [])]
        if tasks:
            await asyncio.wait(tasks, timeout=_STOP_SECONDS)
        tasks = [*self._tasks, *([self._sorting] if self._sorting else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def publish(self, event: FirehoseEvent) -> None:
        """Have the event delivered to whoever wants to know; returns at once."""
        if self._stopped:
            return
        self._incoming.append(event)
        if self._sorting is None or self._sorting.done():
            self._sorting = asyncio.create_task(self._sort(), name="firehose-sort")

    def withdraw(self, subject: str, resource: str) -> None:
        """What is not delivered yet of these events does not matter any more."""
        for event in [each for each in self._incoming if _is(each, subject, resource)]:
            self._incoming.remove(event)
        for (_, lane_subject), parcels in self._lanes.items():
            if lane_subject == subject:
                for parcel in parcels:
                    if parcel.resource == resource:
                        parcel.withdrawn.set()

    def changed(self, webhook: StoredWebhook) -> None:
        """What is still to be delivered to this webhook goes by what it says now."""
        if webhook.webhook_id in self._targets:
            self._targets[webhook.webhook_id] = webhook

    def removed(self, webhook: StoredWebhook) -> None:
        """What is still to be delivered to this webhook does not matter any more."""
        for parcel in self._waiting.get(webhook.webhook_id, {}).values():
            parcel.withdrawn.set()

    def figures(self) -> list[Figure]:
        """For ``/metrics``."""
        texts = {
            "accepted": "Events for webhooks, one for each that wants it.",
            "delivered": "Events that their receiver took.",
            "failed": "Attempts that failed.",
            "given_up": "Events that ceased to matter before they were delivered.",
            "shed": "Events given up since too many waited.",
            "resumed": "Events that an earlier process had left.",
        }
        return [
            *(
                ("counter", f"webhook_events_{name}", text, self._count(name))
                for name, text in texts.items()
            ),
            (
                "counter",
                "webhooks_disabled",
                "Webhooks disabled for failing too often.",
                lambda: self._webhooks.disabled,
            ),
            (
                "gauge",
                "webhook_events_waiting",
                "Events on their way.",
                lambda: sum(map(len, self._waiting.values())),
            ),
        ]

    def _count(self, name: str) -> Callable[[], float]:
        return lambda: self._counts[name]

    # --- in ---

    async def _sort(self) -> None:
        while self._incoming:
            event = self._incoming.popleft()
            try:
                await self._accept(event)
            except _STORE_FAULTS:
                logger.exception("an event was lost: its webhooks cannot be read")

    async def _accept(self, event: FirehoseEvent) -> None:
        org_id = await self._org_of(event.actor_id)
        if org_id is None:
            return
        for webhook in await self._webhooks.of_org(org_id):
            if webhook.wants(event):
                self._counts["accepted"] += 1
                parcel = Parcel(
                    str(uuid4()),
                    webhook.webhook_id,
                    event.subject,
                    event.resource,
                    _body(webhook, event),
                    self._clock(),
                    event.until,
                )
                parcel.written = self._spawn(self._outbox.write(parcel), "firehose-write")
                self._put(webhook, parcel)

    def _put(self, webhook: StoredWebhook, parcel: Parcel) -> None:
        waiting = self._waiting.setdefault(webhook.webhook_id, {})
        waiting[parcel.event_id] = parcel
        if len(waiting) > _MOST_WAITING:
            self._counts["shed"] += 1
            waiting.pop(next(iter(waiting))).withdrawn.set()
        self._targets[webhook.webhook_id] = webhook
        lane = webhook.webhook_id, parcel.subject or parcel.event_id
        parcels = self._lanes.get(lane)
        if parcels is None:
            self._lanes[lane] = deque([parcel])
            self._spawn(self._work(lane), "firehose-lane")
        else:
            parcels.append(parcel)

    # --- out ---

    async def _work(self, lane: Lane) -> None:
        parcels = self._lanes[lane]
        while parcels:
            await self._carry(parcels[0])
            parcels.popleft()
        del self._lanes[lane]

    async def _carry(self, parcel: Parcel) -> None:
        """Deliver one parcel, or give it up."""
        if parcel.written is not None:
            # An event that cannot be written down is delivered all the same.
            await asyncio.wait([parcel.written])
        state: Waiting | Delivered | GivenUp = Waiting.accepted_at(parcel.accepted, parcel.until)
        while isinstance(state, Waiting):
            await _pause(parcel, state.at - self._clock())
            if parcel.withdrawn.is_set():
                state = GivenUp(state.made)
                break
            trying = state.begin(self._clock())
            if isinstance(trying, GivenUp):
                state = trying
                break
            webhook = self._targets.get(parcel.webhook_id)
            if webhook is None:
                state = GivenUp(state.made)
                break
            if await self._poster.post(webhook, parcel.event_id, parcel.body, trying.seconds):
                state = trying.delivered()
            else:
                self._counts["failed"] += 1
                state = trying.failed(self._clock())
                if await self._disabled(webhook):
                    state = GivenUp(trying.number)
        self._counts["delivered" if isinstance(state, Delivered) else "given_up"] += 1
        waiting = self._waiting.get(parcel.webhook_id, {})
        waiting.pop(parcel.event_id, None)
        if not waiting:
            self._waiting.pop(parcel.webhook_id, None)
            self._targets.pop(parcel.webhook_id, None)
        try:
            await self._outbox.done(parcel)
        except _STORE_FAULTS:
            logger.exception("a delivered event could not be taken from the outbox")

    async def _disabled(self, webhook: StoredWebhook) -> bool:
        try:
            disabled = await self._webhooks.failed(webhook)
        except _STORE_FAULTS:
            logger.exception("webhook %s could not be disabled", webhook.webhook_id)
            return False
        if disabled:
            logger.error("webhook %s is disabled: it failed too often", webhook.webhook_id)
        return disabled

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("the firehose: %s failed", task.get_name(), exc_info=error)


async def _pause(parcel: Parcel, seconds: float) -> None:
    """Wait, but not longer than the parcel matters."""
    if seconds > 0:
        try:
            async with asyncio.timeout(seconds):
                await parcel.withdrawn.wait()
        except TimeoutError:
            return


def _is(event: FirehoseEvent, subject: str, resource: str) -> bool:
    return event.subject == subject and event.resource == resource


def _body(webhook: StoredWebhook, event: FirehoseEvent) -> bytes:
    return msgspec.json.encode(
        WebhookEnvelope(
            id=encode_id(ResourceKind.WEBHOOK, webhook.webhook_id),
            name=webhook.name,
            targetUrl=webhook.target_url,
            resource=event.resource,
            event=event.event,
            filter=webhook.filter,
            orgId=encode_id(ResourceKind.ORGANIZATION, webhook.org_id),
            createdBy=encode_id(ResourceKind.PEOPLE, webhook.created_by),
            appId=encode_id(ResourceKind.APPLICATION, webhook.app_id),
            ownedBy=webhook.owned_by,
            status="active",
            created=iso_time(webhook.created),
            actorId=encode_id(ResourceKind.PEOPLE, event.actor_id),
            data=msgspec.Raw(event.data),
        )
    )


def iso_time(seconds: float) -> str:
    """A time as Webex writes it."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
