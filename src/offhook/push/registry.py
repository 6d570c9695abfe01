"""Which devices a person has: kept encrypted, found by person, dropped when their token is dead."""

import asyncio
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    delete,
    func,
    insert,
    select,
    tuple_,
    update,
)
from sqlalchemy.engine import RowMapping
from sqlalchemy.exc import SQLAlchemyError

from offhook.engine.dispatch.model import Device, Environment, Provider
from offhook.push.cipher import Cipher, UnreadableError
from offhook.push.store.schema import devices
from offhook.store import Database, StoreError

logger = logging.getLogger(__name__)

#: What a database that cannot be used raises.
STORE_FAULTS = (StoreError, SQLAlchemyError, OSError, TimeoutError)

_MOST_REMEMBERED = 20_000
_ROTATED_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Registration:
    """What an app says of itself. `proven`: its owner showed an access token."""

    installation_id: str
    provider: Provider
    app: str
    environment: Environment
    token: str
    proven: bool = True


@dataclass(frozen=True, slots=True)
class ListedDevice:
    """A device as it may be shown: without its token."""

    person_id: str
    installation_id: str
    provider: Provider
    app: str
    environment: Environment
    registered: float
    proven: bool


class TakenError(Exception):
    """The token belongs to an installation whose owner proved who they are."""


class DeviceRegistry:
    """The devices in `database`. All methods raise what the database raises, see `STORE_FAULTS`.

    What was read last of a person is remembered: with `exclusive` (no other process writes here)
    it is as good as reading again, otherwise it is for when the database cannot be read.
    """

    def __init__(
        self,
        database: Database,
        cipher: Cipher,
        clock: Callable[[], float],
        *,
        exclusive: bool = False,
        most_per_person: int = 20,
        read_seconds: float = 2.0,
    ) -> None:
        self._database = database
        self._cipher = cipher
        self._clock = clock
        self._exclusive = exclusive
        self._most = most_per_person
        self._read_seconds = read_seconds
        self._remembered: OrderedDict[str, tuple[Device, ...]] = OrderedDict()
        self._changes = 0
        #: Devices that cannot be reached because the key of their token is not here.
        self.unreadable = 0

    async def start(self) -> None:
        """Encrypt anew what an older key encrypted, so that the older key can be taken away."""
        stale = select(devices).where(devices.c.key_id != self._cipher.key_id)
        after = ("", "")
        while rows := await self._database.read(_following(stale, after).limit(_ROTATED_AT_ONCE)):
            changes = []
            for row in rows:
                after = (row["person_id"], row["installation_id"])
                try:
                    token = self._cipher.decrypt(row["token"])
                except UnreadableError:
                    self.unreadable += 1
                    continue
                changes.append(
                    update(devices)
                    .where(_is(*after), devices.c.token == row["token"])
                    .values(token=self._cipher.encrypt(token), key_id=self._cipher.key_id)
                )
            if changes:
                await self._database.write(*changes)
        if self.unreadable:
            logger.error(
                "devices cannot be reached because the key of their tokens is not here; restore "
                "it, or let their apps register again",
                extra={"facts": {"devices": self.unreadable}},
            )

    async def register(self, person_id: str, asked: Registration) -> bool:
        """Add or refresh a device; True if it is new.

        A token is one phone's: whoever had it before has it no more. Raises TakenError if that was
        proven and this is not.
        """
        row = {
            "person_id": person_id,
            "installation_id": asked.installation_id,
            "provider": asked.provider.value,
            "app": asked.app,
            "environment": asked.environment.value,
            "token": self._cipher.encrypt(asked.token.encode()),
            "token_digest": _digest(asked.provider, asked.app, asked.token),
            "key_id": self._cipher.key_id,
            "registered": self._clock(),
            "proven": asked.proven,
        }

        def work(connection: Connection) -> tuple[bool, set[str]]:
            same_phone = select(devices).where(
                (devices.c.token_digest == row["token_digest"])
                | _is(person_id, asked.installation_id)
            )
            before = connection.execute(same_phone).mappings().all()
            if not asked.proven and any(each["proven"] for each in before):
                raise TakenError("The token was registered with an access token.")
            for each in before:
                connection.execute(
                    delete(devices).where(_is(each["person_id"], each["installation_id"]))
                )
            connection.execute(insert(devices).values(row))
            own = (
                select(devices.c.installation_id)
                .where(devices.c.person_id == person_id)
                .order_by(devices.c.proven.desc(), devices.c.registered.desc())
                .offset(self._most)
            )
            for (surplus,) in connection.execute(own).all():
                connection.execute(delete(devices).where(_is(person_id, surplus)))
            is_new = not any(_names(each, person_id, asked.installation_id) for each in before)
            return is_new, {person_id, *(each["person_id"] for each in before)}

        is_new, people = await self._database.transaction(work)
        self._forget(people)
        return is_new

    def known(self, person_id: str) -> tuple[Device, ...] | None:
        """What `devices_of` would give, if that needs no reading."""
        return self._remembered.get(person_id) if self._exclusive else None

    async def devices_of(self, person_id: str) -> tuple[Device, ...]:
        """Where to push to, with tokens. Answers from memory if the database does not."""
        if (known := self.known(person_id)) is not None:
            return known
        changes = self._changes
        try:
            async with asyncio.timeout(self._read_seconds):
                rows = await self._database.read(
                    select(devices).where(devices.c.person_id == person_id)
                )
        except STORE_FAULTS:
            if (known := self._remembered.get(person_id)) is None:
                raise
            logger.exception("the devices cannot be read; pushing to those that were read last")
            return known
        found = tuple(device for row in rows if (device := self._device(row)) is not None)
        if changes == self._changes:  # Else somebody may have registered since.
            self._remembered[person_id] = found
            self._remembered.move_to_end(person_id)
            if len(self._remembered) > _MOST_REMEMBERED:
                self._remembered.popitem(last=False)
        return found

    async def remove(self, person_id: str, installation_id: str) -> bool:
        """Take a device away; False if the person has none of that id."""
        return bool(await self._delete([person_id], _is(person_id, installation_id)))

    async def remove_unproven(self, person_id: str) -> int:
        """Take away those of a person that were registered without proof. How many."""
        theirs = and_(devices.c.person_id == person_id, devices.c.proven.is_(False))
        return await self._delete([person_id], theirs)

    async def drop_dead(self, device: Device, since: float | None) -> bool:
        """Drop a device whose token has died, unless it was registered again since.

        `since` is when the provider says that it died; without, what counts is the registration
        that the push went to. False if it is left as it is.
        """
        dead = and_(
            _is(device.person_id, device.device_id),
            devices.c.token_digest == _digest(device.provider, device.app, device.token),
            devices.c.registered <= (device.registered if since is None else since),
        )
        return bool(await self._delete([device.person_id], dead))

    async def listed(self, person_id: str) -> list[ListedDevice]:
        """The devices of one person, without tokens."""
        theirs = select(devices).where(devices.c.person_id == person_id)
        return [_listed(row) for row in await self._database.read(_following(theirs, ("", "")))]

    async def page(self, after: tuple[str, str], count: int) -> list[ListedDevice]:
        """`count` of all devices, beginning behind the person and installation `after`."""
        rows = await self._database.read(_following(select(devices), after).limit(count))
        return [_listed(row) for row in rows]

    async def count(self) -> int:
        """How many devices there are."""
        rows = await self._database.read(select(func.count().label("n")).select_from(devices))
        return int(rows[0]["n"])

    async def _delete(self, people: Iterable[str], which: ColumnElement[bool]) -> int:
        self._forget(people)
        (result,) = await self._database.write(delete(devices).where(which))
        self._forget(people)
        return result.changed

    def _forget(self, people: Iterable[str]) -> None:
        self._changes += 1
        for person_id in people:
            self._remembered.pop(person_id, None)

    def _device(self, row: RowMapping) -> Device | None:
        try:
            token = self._cipher.decrypt(row["token"]).decode()
        except UnreadableError:
            return None  # Counted at the start.
        return Device(
            device_id=row["installation_id"],
            person_id=row["person_id"],
            provider=Provider(row["provider"]),
            app=row["app"],
            environment=Environment(row["environment"]),
            token=token,
            registered=row["registered"],
        )


def _digest(provider: Provider, app: str, token: str) -> str:
    """Tells whether two tokens are the same; they are random enough not to be guessed from it."""
    return hashlib.sha256(f"{provider}\0{app}\0{token}".encode()).hexdigest()


def _is(person_id: str, installation_id: str) -> ColumnElement[bool]:
    return and_(devices.c.person_id == person_id, devices.c.installation_id == installation_id)


def _names(row: RowMapping, person_id: str, installation_id: str) -> bool:
    return (row["person_id"], row["installation_id"]) == (person_id, installation_id)


def _following(query: Select[Any], after: tuple[str, str]) -> Select[Any]:
    """The rows of `query` behind a person and installation, in order."""
    key = tuple_(devices.c.person_id, devices.c.installation_id)
    return query.where(key > tuple_(*after)).order_by(
        devices.c.person_id, devices.c.installation_id
    )


def _listed(row: RowMapping) -> ListedDevice:
    return ListedDevice(
        person_id=row["person_id"],
        installation_id=row["installation_id"],
        provider=Provider(row["provider"]),
        app=row["app"],
        environment=Environment(row["environment"]),
        registered=row["registered"],
        proven=row["proven"],
    )
