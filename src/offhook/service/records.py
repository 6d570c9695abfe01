"""The records of finished calls."""

import logging

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.engine import RowMapping
from sqlalchemy.exc import SQLAlchemyError

from offhook.engine.exchange.model import CallRecord, EndReason, Party
from offhook.service.store.schema import call_records, people
from offhook.store import Database, StoreError

logger = logging.getLogger(__name__)


class Records:
    """Keeps a record of each session that ended, and of whom a call was sent on from."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, record: CallRecord) -> None:
        """Write the record; a failure is logged, since the call is over and nobody waits."""
        try:
            await self._database.add(call_records, _row(record))
        except (SQLAlchemyError, StoreError):
            logger.exception("a call record was lost, trackingId %s", record.tracking_id)

    async def of_person(self, person_id: str, most: int = 100) -> list[CallRecord]:
        """The latest calls that the person made or got, newest first."""
        placed = and_(call_records.c.caller_id == person_id, call_records.c.sent_on == 0)
        return await self._latest(most, or_(placed, call_records.c.callee_id == person_id))

    async def placed_by(self, person_id: str, most: int) -> list[CallRecord]:
        """The latest calls that the person dialled: not those that went on after a transfer."""
        mine, dialled = call_records.c.caller_id == person_id, call_records.c.dialled != ""
        return await self._latest(most, mine, dialled, call_records.c.sent_on == 0)

    async def received_by(self, person_id: str, most: int) -> list[CallRecord]:
        """The latest calls that the person was called for, and that were answered."""
        mine, answered = call_records.c.callee_id == person_id, call_records.c.answered.is_not(None)
        return await self._latest(most, mine, answered)

    async def missed_by(self, person_id: str, most: int) -> list[CallRecord]:
        """The latest calls that the person was called for and did not answer.

        Not one that rang on for somebody else, to whom it was transferred: that has a record, too.
        """
        mine, answered = call_records.c.callee_id == person_id, call_records.c.answered.is_(None)
        is_over = call_records.c.reason != EndReason.TRANSFERRED.value
        return await self._latest(most, mine, answered, is_over)

    async def _latest(self, most: int, *which: ColumnElement[bool]) -> list[CallRecord]:
        found = await self._database.read(
            select(call_records)
            .where(*which)
            .order_by(
                call_records.c.placed.desc(), call_records.c.session_id, call_records.c.sent_on
            )
            .limit(most)
        )
        return [_record(row) for row in found]

    async def of_organization(
        self, org_id: str, since: float, until: float, *, start: int, most: int
    ) -> list[CallRecord]:
        """Calls to or from its people that ended in a time, in the order in which they did."""
        members = select(people.c.id).where(people.c.org_id == org_id)
        found = await self._database.read(
            select(call_records)
            .where(
                call_records.c.ended >= since,
                call_records.c.ended < until,
                or_(call_records.c.caller_id.in_(members), call_records.c.callee_id.in_(members)),
            )
            .order_by(call_records.c.ended, call_records.c.session_id, call_records.c.sent_on)
            .offset(start)
            .limit(most)
        )
        return [_record(row) for row in found]


def _record(row: RowMapping) -> CallRecord:
    return CallRecord(
        session_id=row["session_id"],
        tracking_id=row["tracking_id"],
        caller=Party(row["caller_name"], row["caller_number"], row["caller_id"]),
        callee=Party(row["callee_name"], row["callee_number"], row["callee_id"]),
        dialled=row["dialled"],
        placed=row["placed"],
        answered=row["answered"],
        ended=row["ended"],
        reason=EndReason(row["reason"]),
        ended_by=row["ended_by"],
        sent_on=row["sent_on"],
    )


def _row(record: CallRecord) -> dict[str, object]:
    return {
        "session_id": record.session_id,
        "sent_on": record.sent_on,
        "tracking_id": record.tracking_id,
        "caller_id": record.caller.person_id,
        "caller_name": record.caller.name,
        "caller_number": record.caller.number,
        "callee_id": record.callee.person_id,
        "callee_name": record.callee.name,
        "callee_number": record.callee.number,
        "dialled": record.dialled,
        "placed": record.placed,
        "answered": record.answered,
        "ended": record.ended,
        "reason": record.reason.value,
        "ended_by": record.ended_by,
    }
