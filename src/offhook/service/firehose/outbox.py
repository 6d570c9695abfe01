"""What is on its way to webhooks, on disk, so that it survives the process."""

import asyncio
from dataclasses import dataclass, field

from sqlalchemy import delete, select

from offhook.service.store.schema import call_records, outbox
from offhook.store import Database


@dataclass(slots=True, eq=False)
class Parcel:
    """An event for one webhook. `withdrawn` is set when it does not matter any more.

    `written` is done when it is on disk.
    """

    event_id: str
    webhook_id: str
    subject: str
    resource: str
    body: bytes
    accepted: float
    until: float
    withdrawn: asyncio.Event = field(default_factory=asyncio.Event)
    written: "asyncio.Task[None] | None" = None


class Outbox:
    """The table of parcels."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def write(self, parcel: Parcel) -> None:
        """Keep it; it is on disk when this returns. Raises what the database raises."""
        await self._database.add(
            outbox,
            {
                "id": parcel.event_id,
                "webhook_id": parcel.webhook_id,
                "subject": parcel.subject,
                "resource": parcel.resource,
                "body": parcel.body,
                "accepted": parcel.accepted,
                "until": parcel.until,
            },
        )

    async def done(self, parcel: Parcel) -> None:
        """It was delivered, or does not matter any more."""
        await self._database.write(delete(outbox).where(outbox.c.id == parcel.event_id))

    async def left(self, now: float) -> list[Parcel]:
        """What an earlier process left that still matters, oldest first; the rest is removed.

        What is about a call that has its record does not matter: that call is over.
        """
        over = select(call_records.c.session_id)
        await self._database.write(
            delete(outbox).where((outbox.c.until <= now) | outbox.c.subject.in_(over))
        )
        found = await self._database.read(select(outbox).order_by(outbox.c.accepted, outbox.c.id))
        return [
            Parcel(
                row["id"],
                row["webhook_id"],
                row["subject"],
                row["resource"],
                row["body"],
                row["accepted"],
                row["until"],
            )
            for row in found
        ]
