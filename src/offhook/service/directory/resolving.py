"""What a number leads to, and what that leads on to: people and groups with all their rules.

The exchange decides when a call is forwarded; here is looked up where to. A call is forwarded
`MOST_FORWARDS` times at most and never back to where it has been: such a rule is as if it were off,
so that a call in a circle still rings somewhere.
"""

from collections.abc import Awaitable, Callable, Sequence

from offhook.engine.exchange.model import (
    Forward,
    GroupTarget,
    PersonTarget,
    Rules,
    ServiceTarget,
    Target,
    UnknownTarget,
)
from offhook.service.directory.entries import (
    CallSettings,
    Forwarding,
    ForwardingRule,
    HuntGroup,
    PersonEntry,
)

MOST_FORWARDS = 5
#: Seconds of a group whose members do not take turns: longer than any phone rings.
_TO_THE_END = 3600.0

#: What a number belongs to.
Found = PersonEntry | HuntGroup | ServiceTarget


class Resolver:
    """For one look-up: what it finds on the way is asked for once.

    `find` says what a number belongs to, `people` gives those of these ids, `settings` what they
    have decided.
    """

    def __init__(
        self,
        find: Callable[[str], Awaitable[Found | None]],
        people: Callable[[Sequence[str]], Awaitable[list[PersonEntry]]],
        settings: Callable[[Sequence[str]], Awaitable[dict[str, CallSettings]]],
    ) -> None:
        self._find = find
        self._people = people
        self._settings = settings
        self._found: dict[str, Found | None] = {}
        self._decided: dict[str, CallSettings] = {}
        self._members: dict[str, tuple[PersonTarget, ...]] = {}

    async def target(self, dialled: str) -> Target:
        """Where `dialled` leads."""
        return await self._target(await self._look_up(dialled), dialled, ())

    async def _target(self, found: Found | None, dialled: str, through: tuple[str, ...]) -> Target:
        match found:
            case PersonEntry(person_id=person_id):
                settings = await self._settings_of(person_id)
                rules = await self._rules(
                    settings.forwarding, settings.do_not_disturb, (*through, person_id)
                )
                return PersonTarget(found.party, rules)
            case HuntGroup(group_id=group_id) if found.enabled:
                seconds = found.member_seconds
                return GroupTarget(
                    group_id=group_id,
                    party=found.party,
                    policy=found.policy,
                    members=await self._members_of(found),
                    rules=await self._rules(found.forwarding, False, (*through, group_id)),
                    member_seconds=_TO_THE_END if seconds is None else seconds,
                )
            case ServiceTarget():
                return found
            case _:
                return UnknownTarget(dialled)

    async def _rules(
        self, forwarding: Forwarding, do_not_disturb: bool, through: tuple[str, ...]
    ) -> Rules:
        always = await self._forward(forwarding.always, through)
        if always is not None:  # The other rules have no say.
            return Rules(do_not_disturb, always)
        return Rules(
            do_not_disturb,
            busy=await self._forward(forwarding.busy, through),
            no_answer=await self._forward(forwarding.no_answer, through),
            no_answer_seconds=forwarding.no_answer_seconds,
        )

    async def _forward(self, rule: ForwardingRule, through: tuple[str, ...]) -> Forward | None:
        if not rule.enabled or len(through) > MOST_FORWARDS:
            return None
        found = await self._look_up(rule.destination)
        if _id(found) in through:
            return None
        return Forward(rule.destination, await self._target(found, rule.destination, through))

    async def _look_up(self, dialled: str) -> Found | None:
        if dialled not in self._found:
            self._found[dialled] = await self._find(dialled)
        return self._found[dialled]

    async def _settings_of(self, person_id: str) -> CallSettings:
        if person_id not in self._decided:
            decided = await self._settings([person_id])
            self._decided[person_id] = decided.get(person_id, CallSettings())
        return self._decided[person_id]

    async def _members_of(self, group: HuntGroup) -> tuple[PersonTarget, ...]:
        """The members in order. Of what they have decided only do-not-disturb counts here."""
        if group.group_id not in self._members:
            people = {each.person_id: each for each in await self._people(group.members)}
            decided = await self._settings(group.members)
            self._members[group.group_id] = tuple(
                PersonTarget(
                    people[person_id].party,
                    Rules(decided.get(person_id, CallSettings()).do_not_disturb),
                )
                for person_id in group.members
                if person_id in people
            )
        return self._members[group.group_id]


def _id(found: Found | None) -> str:
    match found:
        case PersonEntry(person_id=person_id):
            return person_id
        case HuntGroup(group_id=group_id):
            return group_id
        case _:
            return ""
