"""What people have decided about calls to them: do-not-disturb, and where calls go instead."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import delete, insert, select

from offhook.service.directory.entries import CallSettings, Forwarding, ForwardingRule
from offhook.service.store.schema import call_settings
from offhook.store import Database


class CallSettingsStore:
    """See the module. `changed` is called after each change."""

    def __init__(self, database: Database, changed: Callable[[], None]) -> None:
        self._database = database
        self._changed = changed

    async def of(self, person_id: str) -> CallSettings:
        """What the person has decided; the defaults if nothing."""
        return (await self.of_all([person_id])).get(person_id, CallSettings())

    async def of_all(self, person_ids: Sequence[str]) -> dict[str, CallSettings]:
        """What each of them has decided; who never decided anything is left out."""
        if not person_ids:
            return {}
        found = await self._database.read(
            select(call_settings).where(call_settings.c.person_id.in_(person_ids))
        )
        return {
            row["person_id"]: CallSettings(row["do_not_disturb"], forwarding_of(row))
            for row in found
        }

    async def set(self, person_id: str, settings: CallSettings) -> None:
        """From now on the person's calls go by `settings`."""
        row = {
            "person_id": person_id,
            "do_not_disturb": settings.do_not_disturb,
            **forwarding_row(settings.forwarding),
        }
        await self._database.write(
            delete(call_settings).where(call_settings.c.person_id == person_id),
            insert(call_settings).values(row),
        )
        self._changed()


def forwarding_of(row: Mapping[Any, Any]) -> Forwarding:
    """The forwarding in a row of a person's settings or of a group."""
    always, busy, no_answer = (
        ForwardingRule(row[f"{rule}_enabled"], row[f"{rule}_destination"])
        for rule in ("always", "busy", "no_answer")
    )
    return Forwarding(always, busy, no_answer, row["no_answer_seconds"])


def forwarding_row(forwarding: Forwarding) -> dict[str, object]:
    """The columns of `forwarding`."""
    row: dict[str, object] = {"no_answer_seconds": forwarding.no_answer_seconds}
    for name in ("always", "busy", "no_answer"):
        rule: ForwardingRule = getattr(forwarding, name)
        row |= {f"{name}_enabled": rule.enabled, f"{name}_destination": rule.destination}
    return row
