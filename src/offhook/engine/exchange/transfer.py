"""Transfers: the transferor leaves, and the parties that it leaves talk with each other.

- *Blind*: the other party goes on to a number. Refused, with the call as it was, where that number
  leads nowhere, is busy or is the other party's own; once accepted, the call is the other party's.
- *Consult*: the other parties of two calls. Where the second is not answered yet, the first one's
  other party waits in its place.
"""

from offhook.engine.exchange.call import Call, Talking
from offhook.engine.exchange.effects import CallerChanged
from offhook.engine.exchange.ending import Ending
from offhook.engine.exchange.floor import Floor
from offhook.engine.exchange.model import (
    EndReason,
    PersonTarget,
    Redirection,
    RedirectionReason,
    Target,
)
from offhook.engine.exchange.parties import settle
from offhook.engine.exchange.refusal import ExchangeRefused, unsuitable
from offhook.engine.exchange.regrouping import Regrouping
from offhook.engine.exchange.routing import Routing, party_of
from offhook.engine.exchange.session import Session
from offhook.engine.exchange.viewing import Viewing
from offhook.engine.rtp.mixing import MOST_PARTICIPANTS
from offhook.wire.mobius import MobiusErrorCode

_OBSTACLES = {
    EndReason.NOT_FOUND: (MobiusErrorCode.NUMBER_NOT_FOUND, "This number leads nowhere."),
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

    def blind(self, call: Call, target: Target) -> None:
        """The other party of the call goes on to `target`."""
        floor = self._floor
        session = floor.session_of(call)
        others = floor.others_of(call)
        if not isinstance(call.state, Talking) or session.waits:
            raise unsuitable("Only a call that was answered can be transferred.")
        if len(others) != 1:
            raise unsuitable("Only a call of two people can be sent on to a number.")
        (other,) = others
        if isinstance(target, PersonTarget) and target.party.person_id == other.party.person_id:
            raise unsuitable("This number is that of the other party.")
        redirection = Redirection(RedirectionReason.TRANSFER, call.party)
        obstacle = self._routing.obstacle(target, other, redirections=1)
        if obstacle is not None:
            raise ExchangeRefused(*_OBSTACLES[obstacle])
        after = self._regrouping.gather([other], [call], party_of(target))
        after.redirections = (redirection,)
        self._leave(session, call)
        self._routing.call(after, target)

    def consult(self, call: Call, to: Call) -> None:
        """The other parties of the two calls talk with each other."""
        floor = self._floor
        session, other_session = floor.session_of(call), floor.session_of(to)
        if session is other_session:
            raise unsuitable("These are one call; name two.")
        if call.rings or to.rings:
            raise unsuitable("Answer the call before you transfer it.")
        if session.waits and other_session.waits:
            raise unsuitable("Nobody has answered yet on either call.")
        if session.waits or (session.service is not None and not other_session.waits):
            # The one with somebody who can talk comes first.
            call, to, session, other_session = to, call, other_session, session
        stay, come = floor.others_of(call), floor.others_of(to)
        self._check(session, other_session, stay, come)
        if other_session.waits:
            self._wait_instead(call, to, stay)
            return
        callee = come[0].party if come else other_session.callee
        after = self._regrouping.gather([*stay, *come], [call, to], callee)
        after.service = other_session.service
        if after.waits:
            after.answered = floor.now
        if after.host_id not in after.members:
            hosts = (each.host_id for each in (session, other_session))
            after.host_id = next((each for each in hosts if each in after.members), "")
        self._viewing.stand_in(after, call.call_id, [each.call_id for each in come])
        self._viewing.stand_in(after, to.call_id, [each.call_id for each in stay])
        self._leave(session, call)
        self._leave(other_session, to)
        settle(floor, after)

    def _wait_instead(self, call: Call, to: Call, stay: list[Call]) -> None:
        """The one who stays waits for the answer in the transferor's place."""
        floor = self._floor
        session, before = floor.session_of(call), floor.session_of(to)
        after = self._regrouping.gather(stay, [call, to], before.callee)
        redirection = Redirection(RedirectionReason.TRANSFER, call.party)
        after.redirections = (*before.redirections, redirection)
        after.attempt, before.attempt = before.attempt, None
        for ring in after.attempt.rings if after.attempt is not None else ():
            ring.session_id = after.session_id
            if (caller := stay[0].party) != to.party:  # it may be another phone of the person
                floor.do(CallerChanged(ring.ring_id, caller))
            side = floor.sides[ring.ring_id]
            side.redirections += (redirection,)
            self._viewing.attach(after, side)
            for call_id in ring.calls:
                floor.calls[call_id].session_id = after.session_id
        self._leave(session, call)
        self._leave(before, to)
        floor.session_timers.arm(after.session_id)
        settle(floor, after)

    def _leave(self, session: Session, call: Call) -> None:
        self._ending.depart(call, EndReason.TRANSFERRED)
        self._regrouping.retire(session, EndReason.TRANSFERRED, call)

    def _check(self, session: Session, other: Session, stay: list[Call], come: list[Call]) -> None:
        if session.service is not None:
            raise unsuitable("There is nobody to transfer: the service itself is at the other end.")
        if other.waits:
            if other.attempt is None or len(stay) != 1:
                raise unsuitable("Wait until the second call is answered.")
            called = {ring.party.person_id for ring in other.attempt.rings}
            if stay[0].party.person_id in called:
                raise unsuitable("The other party of both calls is the same.")
        if other.service is not None and len(stay) != 1:
            raise unsuitable("The service's own numbers take no part in a conference.")
        check_together([*stay, *come])


def check_together(calls: list[Call]) -> None:
    """Raise ExchangeRefused if they are too many, or one of them would talk with itself."""
    if len(calls) > MOST_PARTICIPANTS:
        raise unsuitable(f"A conference has at most {MOST_PARTICIPANTS} participants.")
    lines = [each.line_id for each in calls]
    if len(set(lines)) < len(lines):
        raise unsuitable("The other party of both calls is the same.")
