"""Hunt groups: which members ring, and whose turn it is."""

from collections.abc import Callable, Sequence
from typing import assert_never

from offhook.engine.exchange.ending import Ending
from offhook.engine.exchange.floor import Floor
from offhook.engine.exchange.model import EndReason, GroupTarget, HuntPolicy, PersonTarget
from offhook.engine.exchange.ringing import MAX_RING_SECONDS, Ringing
from offhook.engine.exchange.session import Attempt, Session


class Hunting:
    """See the module. `new_id` makes the ids of the members' rings."""

    def __init__(
        self, floor: Floor, ending: Ending, ringing: Ringing, new_id: Callable[[], str]
    ) -> None:
        self._floor = floor
        self._ending = ending
        self._ringing = ringing
        self._new_id = new_id
        self._last_rung: dict[str, str] = {}

    def is_free(self, member: PersonTarget) -> bool:
        """A member is rung only when not on any call, its own to the group included."""
        busy = member.rules.do_not_disturb or self._floor.is_busy(member.party.person_id)
        return not busy

    def begin(self, session: Session, attempt: Attempt, group: GroupTarget) -> None:
        """The first of the members ring, or all who are free."""
        if group.policy is not HuntPolicy.SIMULTANEOUS:
            self.go_on(session, attempt, group, EndReason.BUSY)
            return
        for member in group.members:
            if self.is_free(member):
                self._ringing.ring(session, self._new_id(), member.party, attempt.until)

    def go_on(
        self, session: Session, attempt: Attempt, group: GroupTarget, reason: EndReason
    ) -> bool:
        """The next one's turn, since the one before did not take it for this `reason`.

        Who rings now rings on if nobody else is free, for as long as a phone may. False if there is
        nobody.
        """
        if group.policy is HuntPolicy.SIMULTANEOUS:
            return bool(attempt.rings)
        floor = self._floor
        member = self._next(attempt, group)
        person_id = "" if member is None else member.party.person_id
        for ring in list(attempt.rings):
            if ring.party.person_id != person_id or ring.until <= floor.now:
                self._ending.stop_ringing(session, ring, reason, reason)
        if member is None:
            return False
        attempt.tried.add(person_id)
        self._last_rung[group.group_id] = person_id
        if not attempt.rings:
            until = min(floor.now + MAX_RING_SECONDS, attempt.until)
            self._ringing.ring(session, self._new_id(), member.party, until)
        attempt.turn_until = min(floor.now + group.member_seconds, attempt.rings[0].until)
        floor.session_timers.arm(session.session_id)
        return True

    def _next(self, attempt: Attempt, group: GroupTarget) -> PersonTarget | None:
        """Whose turn it is; when all had theirs, the next round begins."""
        order = self._in_order(group)
        ringing = {ring.party.person_id for ring in attempt.rings}
        for _ in range(2):
            for member in order:
                person_id = member.party.person_id
                if person_id in attempt.tried | attempt.out:
                    continue
                if person_id in ringing or self.is_free(member):
                    return member
            attempt.tried.clear()
        return None

    def _in_order(self, group: GroupTarget) -> Sequence[PersonTarget]:
        members = group.members
        match group.policy:
            case HuntPolicy.SIMULTANEOUS | HuntPolicy.REGULAR:
                return members
            case HuntPolicy.CIRCULAR:
                ids = [each.party.person_id for each in members]
                last = self._last_rung.get(group.group_id)
                start = ids.index(last) + 1 if last in ids else 0
                return [*members[start:], *members[:start]]
            case HuntPolicy.LONGEST_IDLE:
                idle_since = self._floor.idle_since
                return sorted(members, key=lambda each: idle_since.get(each.party.person_id, 0.0))
            case _:
                assert_never(group.policy)
