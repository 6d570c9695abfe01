"""The hunt groups of the organisations, with their members and numbers."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Select, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from offhook.engine.exchange.model import HuntPolicy
from offhook.service.directory.call_settings import forwarding_of, forwarding_row
from offhook.service.directory.entries import HuntGroup, NumberTakenError, UnknownGroupError
from offhook.service.store.schema import hunt_group_members, hunt_groups, numbers
from offhook.store import Database


class HuntGroups:
    """See the module. `clock` gives Unix seconds, `changed` is called after each change."""

    def __init__(
        self, database: Database, clock: Callable[[], float], changed: Callable[[], None]
    ) -> None:
        self._database = database
        self._clock = clock
        self._changed = changed

    async def of_org(self, org_id: str) -> list[HuntGroup]:
        """All groups of an organisation, in the order of their names."""
        return await self._groups(select(hunt_groups).where(hunt_groups.c.org_id == org_id))

    async def get(self, group_id: str) -> HuntGroup:
        """The group with this id. Raises UnknownGroupError."""
        found = await self._groups(select(hunt_groups).where(hunt_groups.c.id == group_id))
        if not found:
            raise UnknownGroupError("There is no such group.")
        return found[0]

    async def add(self, group: HuntGroup) -> None:
        """Add a group. Raises NumberTakenError."""
        row = {
            "id": group.group_id,
            "org_id": group.org_id,
            "created": self._clock(),
            **_columns(group),
        }
        await self._write(insert(hunt_groups).values(row), *_belongings(group))

    async def change(self, group: HuntGroup) -> None:
        """Make the group of this id what `group` says. Raises NumberTakenError."""
        await self._write(
            update(hunt_groups).where(hunt_groups.c.id == group.group_id).values(_columns(group)),
            *_parting(group.group_id),
            *_belongings(group),
        )

    async def remove(self, group_id: str) -> None:
        """Forget a group; its numbers lead nowhere."""
        await self._write(
            *_parting(group_id), delete(hunt_groups).where(hunt_groups.c.id == group_id)
        )

    async def _write(self, *statements: Any) -> None:
        try:
            await self._database.write(*statements)
        except IntegrityError as error:
            raise NumberTakenError(
                "The name, the number or the extension belongs to somebody else already."
            ) from error
        finally:
            self._changed()

    async def _groups(self, query: Select[Any]) -> list[HuntGroup]:
        found = await self._database.read(query.order_by(hunt_groups.c.name, hunt_groups.c.id))
        if not found:
            return []
        ids = [row["id"] for row in found]
        members: dict[str, list[str]] = {key: [] for key in ids}
        for row in await self._database.read(
            select(hunt_group_members)
            .where(hunt_group_members.c.group_id.in_(ids))
            .order_by(hunt_group_members.c.position)
        ):
            members[row["group_id"]].append(row["person_id"])
        owned = await self._database.read(select(numbers).where(numbers.c.group_id.in_(ids)))
        by_kind = {(row["group_id"], row["kind"]): row["digits"] for row in owned}
        return [
            HuntGroup(
                group_id=row["id"],
                org_id=row["org_id"],
                name=row["name"],
                policy=HuntPolicy(row["policy"]),
                members=tuple(members[row["id"]]),
                number=by_kind.get((row["id"], "e164"), ""),
                extension=by_kind.get((row["id"], "extension"), ""),
                enabled=row["enabled"],
                member_seconds=row["member_seconds"],
                forwarding=forwarding_of(row),
            )
            for row in found
        ]


def _columns(group: HuntGroup) -> dict[str, object]:
    return {
        "name": group.name,
        "enabled": group.enabled,
        "policy": group.policy.value,
        "member_seconds": group.member_seconds,
        **forwarding_row(group.forwarding),
    }


def _belongings(group: HuntGroup) -> list[Any]:
    """Add the numbers and members of a group."""
    digits = [
        {"org_id": group.org_id, "digits": digits, "kind": kind, "group_id": group.group_id}
        for kind, digits in (("e164", group.number), ("extension", group.extension))
        if digits
    ]
    members = [
        {"group_id": group.group_id, "position": position, "person_id": person_id}
        for position, person_id in enumerate(group.members)
    ]
    return [
        *([insert(numbers).values(digits)] if digits else []),
        *([insert(hunt_group_members).values(members)] if members else []),
    ]


def _parting(group_id: str) -> list[Any]:
    """Take the numbers and members of a group away."""
    return [
        delete(numbers).where(numbers.c.group_id == group_id),
        delete(hunt_group_members).where(hunt_group_members.c.group_id == group_id),
    ]
