"""Ringing: a person's phones, which of them are offered a call, and which one takes it."""

from collections.abc import Callable

from offhook.engine.exchange import inputs
from offhook.engine.exchange.call import Alerting, Call, Inviting
from offhook.engine.exchange.effects import (
    AnswerRequested,
    LineOffered,
    LineRings,
    OpenLeg,
    WindowOpened,
)
from offhook.engine.exchange.ending import Ending
from offhook.engine.exchange.floor import Floor
from offhook.engine.exchange.model import Party
from offhook.engine.exchange.parties import introduce, report
from offhook.engine.exchange.progress import announce, announce_soon
from offhook.engine.exchange.refusal import untimely
from offhook.engine.exchange.roap import Offering
from offhook.engine.exchange.session import Ring, Session
from offhook.engine.exchange.viewing import Viewing
from offhook.engine.exchange.views import Personality

#: The longest that one line rings: official clients stop by themselves after 60 s.
MAX_RING_SECONDS = 55.0


class Ringing:
    """`new_id` makes the ids of the called lines' calls; `on_answer` is told who takes the call."""

    def __init__(
        self,
        floor: Floor,
        viewing: Viewing,
        ending: Ending,
        new_id: Callable[[], str],
        on_answer: Callable[[Call], None],
    ) -> None:
        self._floor = floor
        self._viewing = viewing
        self._ending = ending
        self._new_id = new_id
        self._on_answer = on_answer

    def free_lines(self, party: Party, waiter: Call | None) -> list[str] | None:
        """The person's lines that are offered a call of `waiter`; None if the person is busy.

        None are offered it where nobody is awake; it rings all the same.
        """
        floor = self._floor
        own = waiter.line_id if waiter is not None else ""
        lines = [each for each in floor.lines_of(party.person_id) if each != own]
        free = [line_id for line_id in lines if floor.is_free(line_id)]
        calls_itself = waiter is not None and waiter.party.person_id == party.person_id
        return None if not free and (lines or calls_itself) else free

    def ring(self, session: Session, ring_id: str, party: Party, until: float) -> None:
        """Offer the call to every line of the person that may have one more, until `until`."""
        floor, attempt, waiter = self._floor, session.attempt, self._floor.waiter_of(session)
        if attempt is None:
            return
        own_phones = session.then is not None
        ring = Ring(ring_id, session.session_id, party, until)
        floor.rings[ring_id] = ring
        attempt.rings.append(ring)
        personality = Personality.CLICK_TO_DIAL if own_phones else Personality.TERMINATOR
        self._viewing.open(session, ring_id, party, personality, "")
        caller = session.callee if waiter is None else waiter.party
        floor.do(WindowOpened(ring_id, session.tracking_id, caller, party, until, attempt.group))
        lines = self.free_lines(party, waiter) or []
        for line_id in lines:
            self._invite(session, ring, line_id)
        if lines:
            announce_soon(floor, session)
        elif not session.announced:
            # Nobody is awake: it rings all the same, for a phone that wakes in time.
            announce(floor, session)

    def offer(self, line_id: str, party: Party) -> None:
        """A line registered: it rings with the person's others."""
        floor = self._floor
        for side in floor.sides_of_person(party.person_id):
            ring = floor.rings.get(side.view_id)
            if ring is None:
                continue
            session = floor.sessions[ring.session_id]
            waiter = floor.waiter_of(session)
            if (
                (waiter is None or waiter.line_id != line_id)
                and line_id not in {floor.calls[each].line_id for each in ring.calls}
                and floor.is_free(line_id)
            ):
                self._invite(session, ring, line_id)

    def alert(self, event: inputs.Alert) -> None:
        """The client rings, and says by which id it knows the call."""
        floor = self._floor
        if self._ending.pay(event.line_id, event.call_id, event.correlation_id):
            return
        call = self._called(event.line_id, event.call_id)
        floor.heard_from(call, event.correlation_id)
        session = floor.session_of(call)
        if isinstance(call.state, Inviting):
            floor.enter(call, call.state.alerting(), "alert")
            floor.do(LineRings(call.view_id, event.line_id))
            if floor.rings[call.view_id].answer_wanted:
                floor.tell(call, AnswerRequested())
            if not session.announced:
                announce(floor, session)
        report(floor, session)
        introduce(floor, session)

    def answer(self, event: inputs.Answer) -> None:
        """The person answered on this line."""
        if self._ending.pay(event.line_id, event.call_id, event.correlation_id):
            return
        call = self._called(event.line_id, event.call_id)
        self._floor.heard_from(call, event.correlation_id)
        self.answered(call)

    def answered(self, call: Call) -> None:
        """Answered, be it by a connect or by an ANSWER: whichever comes first counts."""
        if isinstance(call.state, Inviting | Alerting):
            self._on_answer(call)

    def _invite(self, session: Session, ring: Ring, line_id: str) -> None:
        floor = self._floor
        call = floor.add_call(
            session, self._new_id(), line_id, ring.ring_id, Inviting(), Offering()
        )
        ring.calls.append(call.call_id)
        floor.log(call, "idle", "invite", call.state_name)
        floor.do(LineOffered(ring.ring_id, line_id))
        floor.do(OpenLeg(call.call_id))

    def _called(self, line_id: str, call_id: str) -> Call:
        call = self._floor.own(line_id, call_id)
        if not call.was_called:
            raise untimely("The caller's side neither rings nor answers.")
        return call
