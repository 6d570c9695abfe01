"""Whose turn it is in a hunt group."""

from collections.abc import Callable, Sequence
from typing import assert_never

from offhook.engine.exchange.model import GroupTarget, HuntPolicy, PersonTarget
from offhook.engine.exchange.session import Attempt


def in_order(
    group: GroupTarget, last_rung: str | None, idle_since: Callable[[str], float]
) -> Sequence[PersonTarget]:
    """The members in the order in which they ring.

    `last_rung` is the member who was rung last for this group; `idle_since` tells when a person's
    last call ended, in seconds.
    """
    members = group.members
    match group.policy:
        case HuntPolicy.SIMULTANEOUS | HuntPolicy.REGULAR:
            return members
        case HuntPolicy.CIRCULAR:
            ids = [each.party.person_id for each in members]
            start = ids.index(last_rung) + 1 if last_rung in ids else 0
            return [*members[start:], *members[:start]]
        case HuntPolicy.LONGEST_IDLE:
            return sorted(members, key=lambda each: idle_since(each.party.person_id))
        case _:
            assert_never(group.policy)


def next_turn(
    attempt: Attempt, order: Sequence[PersonTarget], is_free: Callable[[PersonTarget], bool]
) -> PersonTarget | None:
    """Who rings next, None if nobody can. When all had their turn, the next round begins.

    That may be the one who rings now, if nobody else is free.
    """
    ringing = {ring.party.person_id for ring in attempt.rings}
    for _ in range(2):
        for member in order:
            person_id = member.party.person_id
            if person_id in attempt.tried | attempt.out:
                continue
            if person_id in ringing or is_free(member):
                return member
        attempt.tried.clear()
    return None
