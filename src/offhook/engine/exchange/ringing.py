"""Ringing: which lines are offered a call, which of them takes it, and what becomes of the rest."""

from collections.abc import Callable

from offhook.engine.exchange import inputs
from offhook.engine.exchange.call import Alerting, Call, Dialling, Inviting, Talking
from offhook.engine.exchange.effects import (
    Connected,
    LineOffered,
    LineRings,
    OpenLeg,
    WindowClosed,
    WindowOpened,
)
from offhook.engine.exchange.ending import Ending
from offhook.engine.exchange.floor import ExchangeRefused, Floor
from offhook.engine.exchange.holding import Holding
from offhook.engine.exchange.model import EndReason, Party
from offhook.engine.exchange.progress import FIRST_PROGRESS, announce
from offhook.engine.exchange.roap import Offering
from offhook.engine.exchange.session import Session
from offhook.wire.mobius import MobiusErrorCode


class Ringing:
    """See the module. `new_id` makes the ids of the called lines' calls."""

    def __init__(
        self,
        floor: Floor,
        ending: Ending,
        holding: Holding,
        new_id: Callable[[], str],
        ring_seconds: float,
    ) -> None:
        self._floor = floor
        self._ending = ending
        self._holding = holding
        self._new_id = new_id
        self._ring_seconds = ring_seconds

    def ring(self, session: Session, caller: Call) -> None:
        """Offer the call to every line of the person that may have one more."""
        floor = self._floor
        person_id = session.callee.person_id
        lines = [each for each in floor.lines_of(person_id) if each != caller.line_id]
        free = [line_id for line_id in lines if floor.is_free(line_id)]
        calls_itself = person_id == session.caller.person_id
        if not free and (lines or calls_itself):
            self._ending.close(session, EndReason.BUSY, "callee")
            return
        self._holding.hold_others(caller)
        session.ring_until = until = floor.now + self._ring_seconds
        floor.do(
            WindowOpened(
                session.session_id, session.tracking_id, session.caller, session.callee, until
            )
        )
        for line_id in free:
            self._invite(session, line_id)
        if free:
            # A client that is registered but does not report in must not cost the caller the call.
            session.progress_at = floor.now + FIRST_PROGRESS
            floor.session_timers.arm(session.session_id)
        else:
            # Nobody is awake: it rings all the same, for a phone that wakes in time.
            announce(floor, session)

    def offer(self, line_id: str, party: Party) -> None:
        """A line registered: it rings with the person's others."""
        floor = self._floor
        for session in list(floor.sessions.values()):
            if (
                session.ring_until is not None
                and session.callee.person_id == party.person_id
                and floor.calls[session.caller_id].line_id != line_id
                and line_id not in {floor.calls[each].line_id for each in session.called}
                and floor.is_free(line_id)
            ):
                self._invite(session, line_id)

    def alert(self, event: inputs.Alert) -> None:
        """The client rings, and says by which id it knows the call."""
        if self._ending.pay(event.line_id, event.call_id, event.correlation_id):
            return
        call = self._called(event.line_id, event.call_id)
        self._floor.heard_from(call, event.correlation_id)
        if isinstance(call.state, Inviting):
            self._floor.enter(call, call.state.alerting(), "alert")
            session = self._floor.session_of(call)
            self._floor.do(LineRings(session.session_id, event.line_id))
            if not session.announced:
                announce(self._floor, session)

    def answer(self, event: inputs.Answer) -> None:
        """The person answered on this line."""
        if self._ending.pay(event.line_id, event.call_id, event.correlation_id):
            return
        call = self._called(event.line_id, event.call_id)
        self._floor.heard_from(call, event.correlation_id)
        self.answered(call)

    def answered(self, call: Call) -> None:
        """Answered, be it by a connect or by an ANSWER: whichever comes first counts."""
        if not isinstance(call.state, Inviting | Alerting):
            return
        session = self._floor.session_of(call)
        for other_id in session.called:
            if other_id != call.call_id:
                self._ending.drop(self._floor.calls[other_id], EndReason.ANSWERED_ELSEWHERE)
        session.called = [call.call_id]
        self._talk(call, call.state)
        self.connect(session)

    def connect(self, session: Session) -> None:
        """The other side is there: caller and callee hear each other."""
        caller = self._floor.calls[session.caller_id]
        session.answered = self._floor.now
        if session.ring_until is not None:
            self._floor.do(WindowClosed(session.session_id, None))
        session.ring_until = session.progress_at = None
        if isinstance(caller.state, Dialling):
            self._talk(caller, caller.state)
        self._floor.tell(caller, Connected(session.callee))
        self._holding.plug(session)

    def _talk(self, call: Call, state: Dialling | Inviting | Alerting) -> None:
        talking: Talking = state.answered(self._floor.now)
        self._floor.enter(call, talking, "answer")
        self._holding.hold_others(call)

    def _invite(self, session: Session, line_id: str) -> None:
        call = self._floor.add_call(session, self._new_id(), line_id, Inviting(), Offering())
        session.called.append(call.call_id)
        self._floor.log(call, "idle", "invite", call.state_name)
        self._floor.do(LineOffered(session.session_id, line_id))
        self._floor.do(OpenLeg(call.call_id))

    def _called(self, line_id: str, call_id: str) -> Call:
        call = self._floor.own(line_id, call_id)
        if self._floor.is_caller(call):
            raise ExchangeRefused(
                MobiusErrorCode.INVALID_STATUS_UPDATE,
                "The caller's side neither rings nor answers.",
            )
        return call
