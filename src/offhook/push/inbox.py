"""What came in and is not dealt with yet: on disk before its sender is answered."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeVar

from sqlalchemy import Executable, and_, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from offhook.push.cipher import Cipher, UnreadableError
from offhook.push.registry import STORE_FAULTS
from offhook.push.store.schema import inbox, reached
from offhook.push.webhook import CallEvent, WebhookRejected, call_event
from offhook.store import Database

_T = TypeVar("_T")

logger = logging.getLogger(__name__)

#: Seconds after which a database that does not answer counts as one that cannot write a call that
#: rings meanwhile; fewer once it could not.
_TAKE_SECONDS = 0.5
_TAKE_AGAIN_SECONDS = 0.02
_WRITE_SECONDS = 5.0
_RETRY_SECONDS = 1.0
#: Seconds in which what is done is gathered: writes are dear, and calls that come in wait for them.
_GATHER_SECONDS = 0.01
_SWEEP_SECONDS = 60.0
_MOST_AT_ONCE = 500


class Taken(Enum):
    """What became of an event that was to be written."""

    WRITTEN = auto()
    DUPLICATE = auto()  # Another process that shares the database has it.
    UNWRITTEN = auto()  # The database cannot be used.


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An event that a process left behind, and the installations that it reached already."""

    event: CallEvent
    reached: frozenset[str]


def event_id(event: CallEvent) -> str:
    """The key of the event's row."""
    return event.keys[0].hex()


class Inbox:
    """The events in `database`, encrypted for as long as they are needed and no longer.

    A row stays for `seconds` after it is done, by which duplicates are known after a restart.
    """

    def __init__(
        self, database: Database, cipher: Cipher, clock: Callable[[], float], seconds: float
    ) -> None:
        self._database = database
        self._cipher = cipher
        self._clock = clock
        self._seconds = seconds
        self._done: set[str] = set()
        self._reached: set[tuple[str, str]] = set()
        #: Rows some of whose devices are noted as reached.
        self._partly: set[str] = set()
        self._changed = asyncio.Event()
        self._patience = _TAKE_SECONDS
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to write what is done, and to clear out what is old."""
        self._tasks = [
            asyncio.create_task(self._keep_writing(), name="offhook-push-inbox"),
            asyncio.create_task(self._keep_sweeping(), name="offhook-push-inbox-sweep"),
        ]

    async def stop(self) -> None:
        """Write what is done so far. Bounded by the database's patience."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(*STORE_FAULTS):  # Already logged.
            await self._write()

    async def keys(self) -> list[tuple[bytes, float]]:
        """The keys of the deliveries that may still come again, oldest first, and when they came.

        Raises what the database raises.
        """
        columns = select(inbox.c.id, inbox.c.delivery, inbox.c.received)
        recent = columns.where(inbox.c.received > self._clock() - self._seconds)
        return [
            (bytes.fromhex(key), row["received"])
            for row in await self._database.read(recent.order_by(inbox.c.received))
            for key in (row["id"], row["delivery"])
            if key
        ]

    async def unfinished(self) -> list[Unfinished]:
        """What is not done and still inside its ring window. Raises what the database raises."""
        open_rows = and_(inbox.c.done.is_(False), inbox.c.until > self._clock())
        rows = await self._database.read(select(inbox).where(open_rows).order_by(inbox.c.received))
        had: dict[str, set[str]] = {}
        known = select(reached).where(reached.c.inbox_id.in_(select(inbox.c.id).where(open_rows)))
        for row in await self._database.read(known):
            had.setdefault(row["inbox_id"], set()).add(row["installation_id"])
        self._partly.update(had)
        found = []
        for row in rows:
            try:
                data = self._cipher.decrypt(row["data"])
                event = call_event(row["person_id"], "", data, row["received"], row["tracking_id"])
            except (UnreadableError, WebhookRejected):
                logger.exception("a call in the inbox cannot be read; it is left out")
                continue
            found.append(Unfinished(event, frozenset(had.get(row["id"], ()))))
        return found

    async def take(self, event: CallEvent) -> Taken:
        """Write `event`; it is on disk when this returns WRITTEN. Never raises."""
        row = {
            "id": event_id(event),
            "delivery": event.keys[1].hex() if len(event.keys) > 1 else None,
            "person_id": event.person_id,
            "data": self._cipher.encrypt(event.data),
            "received": event.received,
            "until": event.until,
            "tracking_id": event.tracking_id,
            "done": False,
        }
        try:
            async with asyncio.timeout(self._patience):
                await self._database.add(inbox, row)
        except IntegrityError:
            return Taken.DUPLICATE
        except STORE_FAULTS:
            if self._patience == _TAKE_SECONDS:  # Once is enough to be told.
                logger.exception(
                    "the inbox cannot be written; calls are pushed all the same, but would be "
                    "lost if the backend ended now"
                )
            self._patience = _TAKE_AGAIN_SECONDS
            return Taken.UNWRITTEN
        self._patience = _TAKE_SECONDS
        return Taken.WRITTEN

    def reach(self, row_id: str, installation_id: str) -> None:
        """One of several devices was reached: it is not to be rung again after a restart."""
        self._reached.add((row_id, installation_id))
        self._changed.set()

    def finish(self, row_id: str) -> None:
        """Nothing more is to be done about this one."""
        self._done.add(row_id)
        self._changed.set()

    async def _keep_writing(self) -> None:
        while True:
            await self._changed.wait()
            await asyncio.sleep(_GATHER_SECONDS)
            self._changed.clear()
            try:
                await self._write()
            except STORE_FAULTS:
                logger.exception("the inbox cannot be written; trying again")
                await asyncio.sleep(_RETRY_SECONDS)
                self._changed.set()

    async def _write(self) -> None:
        """All that is done by now, in few transactions."""
        while self._done or self._reached:
            done = set(_first(self._done))
            had = set(_first(self._reached))
            lasting = [pair for pair in had if pair[0] not in done]
            ended = done & self._partly
            statements: list[Executable] = [
                insert(reached).values(inbox_id=row_id, installation_id=device)
                for row_id, device in lasting
            ]
            if ended:
                statements.append(delete(reached).where(reached.c.inbox_id.in_(ended)))
            if done:
                over = inbox.c.id.in_(done)
                statements.append(update(inbox).where(over).values(done=True, data=None))
            async with asyncio.timeout(_WRITE_SECONDS):
                await self._database.write(*statements)
            self._done -= done
            self._reached -= had
            self._partly -= ended
            self._partly.update(row_id for row_id, _ in lasting)

    async def _keep_sweeping(self) -> None:
        while True:
            try:
                await self.sweep()
            except STORE_FAULTS:
                logger.exception("the inbox cannot be cleared out; trying again")
            await asyncio.sleep(_SWEEP_SECONDS)

    async def sweep(self) -> None:
        """Forget what is too old for a duplicate to come. Raises what the database raises."""
        now = self._clock()
        old = and_(inbox.c.received <= now - self._seconds, or_(inbox.c.done, inbox.c.until <= now))
        over = select(inbox.c.id).where(or_(inbox.c.done, inbox.c.until <= now))
        await self._database.write(
            delete(reached).where(reached.c.inbox_id.in_(over)),
            # What nobody was rung for in time holds a caller's name and number no longer.
            update(inbox).where(inbox.c.until <= now, inbox.c.data.is_not(None)).values(data=None),
            delete(inbox).where(old),
        )


def _first(pending: Iterable[_T]) -> list[_T]:
    return [each for _, each in zip(range(_MOST_AT_ONCE), pending, strict=False)]
