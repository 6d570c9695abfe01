"""Transfers: the transferor leaves, and the parties that it leaves talk with each other.

- *Blind*: the other party goes on to a number. Refused, with the call as it was, where that number
  leads nowhere, is busy or is the other party's own; once accepted, the call is the other party's.
- *Consult*: the other parties of two calls. Where the second is not answered yet, the first one's
  other party waits in its place.
"""

from offhook.engine.exchange.call import Call, Talking
from offhook.engine.exchange.ending import Ending
from offhook.engine.exchange.floor import ExchangeRefused, Floor
from offhook.engine.exchange.model import (
    EndReason,
    PersonTarget,
    Redirection,
    RedirectionReason,
    Target,
)
from offhook.engine.exchange.plugging import plug
from offhook.engine.exchange.regrouping import Regrouping
from offhook.engine.exchange.routing import Routing, party_of
from offhook.engine.exchange.session import MOST_PARTICIPANTS, Session
from offhook.engine.exchange.viewing import Viewing
from offhook.wire.mobius import MobiusErrorCode

_OBSTACLES = {
    EndReason.NOT_FOUND: (MobiusErrorCode.NOT_ACCEPTABLE, "This number leads nowhere."),
    EndReason.BUSY: (MobiusErrorCode.USER_BUSY, "This number is busy."),
}


class Transfer:
    """See the module."""

    def __init__(
        self,
        floor: Floor,
        viewing: Viewing,
        ending: Ending,
        regrouping: Regrouping,
        routing: Routing,
    ) -> None:
        self._floor = floor
        self._viewing = viewing
        self._ending = ending
        self._regrouping = regrouping
        self._routing = routing

    def blind(self, call: Call, dialled: str, target: Target) -> None:
        """The other party of the call goes on to `target`."""
        floor = self._floor
        session = floor.session_of(call)
        others = floor.others_of(call)
        if not isinstance(call.state, Talking) or session.attempt is not None:
            raise _refused("Only a call that was answered can be transferred.")
        if len(others) != 1:
            raise _refused("Only a call of two people can be sent on to a number.")
        (other,) = others
        if isinstance(target, PersonTarget) and _is(target.party.person_id, other):
            raise _refused("This number is that of the other party.")
        obstacle = self._routing.obstacle(target, other)
        if obstacle is not None:
            raise ExchangeRefused(*_OBSTACLES[obstacle])
        after = self._regrouping.move([other], party_of(target))
        after.dialled = dialled
        after.redirections = (Redirection(RedirectionReason.TRANSFER, call.party),)
        self._leave(session, call)
        plug(floor, after)
        self._routing.call(after, target)

    def consult(self, call: Call, to: Call) -> None:
        """The other parties of the two calls talk with each other."""
        floor = self._floor
        session, other_session = floor.session_of(call), floor.session_of(to)
        if session is other_session:
            raise _refused("These are one call; name two.")
        if call.rings or to.rings:
            raise _refused("Answer the call before you transfer it.")
        waiting = [each for each in (session, other_session) if _waits(each)]
        if len(waiting) == 2:
            raise _refused("Nobody has answered yet on either call.")
        if waiting and waiting[0] is session:
            call, to, session, other_session = to, call, other_session, session
        stay, come = floor.others_of(call), floor.others_of(to)
        _check_parties(session, other_session, stay, come)
        if waiting:
            self._wait_instead(call, to, stay)
            return
        if session.service is not None:
            stay, come, session, other_session = come, stay, other_session, session
            call, to = to, call
        members = [*stay, *come]
        host_id = session.host_id or other_session.host_id
        callee = come[0].party if come else other_session.callee
        after = self._regrouping.move(members, callee)
        after.service = other_session.service
        after.answered = floor.now
        if host_id in after.members and after.is_conference:
            after.host_id = host_id
        self._viewing.stand_in(after, call.call_id, [each.call_id for each in come])
        self._viewing.stand_in(after, to.call_id, [each.call_id for each in stay])
        self._leave(session, call)
        self._leave(other_session, to)
        self._regrouping.settle(after)

    def _wait_instead(self, call: Call, to: Call, stay: list[Call]) -> None:
        """The one who stays waits for the answer in the transferor's place."""
        floor = self._floor
        session, before = floor.session_of(call), floor.session_of(to)
        after = self._regrouping.move(stay, before.callee)
        after.dialled = before.dialled
        after.redirections = (
            *before.redirections,
            Redirection(RedirectionReason.TRANSFER, call.party),
        )
        after.attempt, before.attempt = before.attempt, None
        for ring in after.attempt.rings if after.attempt is not None else ():
            ring.session_id = after.session_id
            self._viewing.attach(after, floor.sides[ring.ring_id])
            for call_id in ring.calls:
                floor.calls[call_id].session_id = after.session_id
        self._leave(session, call)
        self._leave(before, to)
        floor.session_timers.arm(after.session_id)
        self._regrouping.settle(after)

    def _leave(self, session: Session, call: Call) -> None:
        self._ending.depart(call, EndReason.TRANSFERRED)
        self._regrouping.retire(session, EndReason.TRANSFERRED, call)


def _waits(session: Session) -> bool:
    """Whether somebody is still being called in it."""
    return session.answered is None or session.attempt is not None


def _check_parties(session: Session, other: Session, stay: list[Call], come: list[Call]) -> None:
    waits = _waits(other)
    if session.service is not None and (other.service is not None or waits):
        raise _refused("There is nobody to transfer: the service itself is at the other end.")
    if waits and (other.attempt is None or len(stay) != 1):
        raise _refused("Wait until the second call is answered.")
    services = (session.service, other.service)
    if any(each is not None for each in services) and len(stay) + len(come) != 1:
        raise _refused("The service's own numbers take no part in a conference.")
    if not stay and not come:
        raise _refused("There is nobody to transfer.")
    if len(stay) + len(come) > MOST_PARTICIPANTS:
        raise _refused(f"A conference has at most {MOST_PARTICIPANTS} participants.")
    refuse_doubles([*stay, *come])


def refuse_doubles(calls: list[Call]) -> None:
    """Raise ExchangeRefused if one of them would talk with itself."""
    lines = [each.line_id for each in calls]
    if len(set(lines)) < len(lines):
        raise _refused("The other party of both calls is the same.")


def _is(person_id: str, call: Call) -> bool:
    return bool(person_id) and call.party.person_id == person_id


def _refused(message: str) -> ExchangeRefused:
    return ExchangeRefused(MobiusErrorCode.NOT_ACCEPTABLE, message)
