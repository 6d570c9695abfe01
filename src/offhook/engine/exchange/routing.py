"""Where a call goes: to a person, a group or the service itself, and on from there.

A person or a group may send a call on: always, when busy (do not disturb and declining included),
or when nobody answers. Where nothing sends it on, it ends with the reason.
"""

from collections.abc import Callable
from typing import assert_never

from offhook.engine.exchange.call import Alerting, Call, Dialling, Inviting
from offhook.engine.exchange.effects import Connected, Record, WindowClosed
from offhook.engine.exchange.ending import Ending
from offhook.engine.exchange.floor import Floor
from offhook.engine.exchange.holding import Holding
from offhook.engine.exchange.hunting import Hunting
from offhook.engine.exchange.model import (
    EndReason,
    Forward,
    GroupTarget,
    HuntPolicy,
    Party,
    PersonTarget,
    Redirection,
    RedirectionReason,
    Rules,
    ServiceNumber,
    ServiceTarget,
    Target,
    UnknownTarget,
)
from offhook.engine.exchange.parties import settle
from offhook.engine.exchange.plugging import plug
from offhook.engine.exchange.progress import announce
from offhook.engine.exchange.ringing import MAX_RING_SECONDS, Ringing
from offhook.engine.exchange.session import Attempt, Ring, Session

#: How often one call may be sent on.
MOST_REDIRECTIONS = 5


class Routing:
    """See the module. `new_id` makes the ids of those who are called."""

    def __init__(
        self,
        floor: Floor,
        ending: Ending,
        holding: Holding,
        ringing: Ringing,
        new_id: Callable[[], str],
        ring_seconds: float,
    ) -> None:
        self._floor = floor
        self._ending = ending
        self._holding = holding
        self._ringing = ringing
        self._hunting = Hunting(floor, ending, ringing, new_id)
        self._new_id = new_id
        self._ring_seconds = ring_seconds

    # --- where it goes ---

    def call(self, session: Session, target: Target) -> None:
        """Call `target` for whoever waits in the session."""
        session.callee = party_of(target)
        self._floor.touch(session)
        match target:
            case UnknownTarget():
                self._ending.close(session, EndReason.NOT_FOUND, "service")
            case ServiceTarget():
                self._serve(session, target.service)
            case PersonTarget() | GroupTarget():
                self._call_people(session, target)
            case _:
                assert_never(target)

    def ring_own_phones(self, session: Session, view_id: str, party: Party) -> None:
        """Ring the phones of who dialled from elsewhere."""
        until = self._floor.now + self._ring_seconds
        session.attempt = Attempt(PersonTarget(party), until)
        self._ringing.ring(session, view_id, party, until)
        self._floor.session_timers.arm(session.session_id)

    def obstacle(self, target: Target, waiter: Call, redirections: int) -> EndReason | None:
        """Why a call of `waiter` to `target` would end at once, None if somebody would ring.

        The call has been sent on `redirections` times, on the way to `target` included.
        """
        for _ in range(redirections, MOST_REDIRECTIONS + 1):
            if isinstance(target, UnknownTarget):
                return EndReason.NOT_FOUND
            if isinstance(target, ServiceTarget):
                return EndReason.BUSY if target.service is ServiceNumber.BUSY else None
            forward = target.rules.always
            if forward is None:
                if self._somebody_is_free(target, waiter):
                    return None
                forward = target.rules.busy
            if forward is None:
                return EndReason.BUSY
            target = forward.target
        return EndReason.BUSY

    def divert(self, session: Session, forward: Forward) -> None:
        """Who is called sends the call on, instead of taking it."""
        self._send_on(session, forward, RedirectionReason.DIVERT, EndReason.REJECTED)

    def ring_over(self, session: Session, ring: Ring, reason: EndReason) -> None:
        """A person declined (REJECTED), or no phone of theirs can take the call."""
        attempt = session.attempt
        if attempt is None:
            return
        if reason is EndReason.LINE_LOST:
            if not session.announced:
                # The last client vanished: it rings all the same, for one that comes in time.
                announce(self._floor, session)
            return
        declined = reason is EndReason.REJECTED
        to_called = EndReason.DECLINED_ELSEWHERE if declined else reason
        self._ending.stop_ringing(session, ring, to_called, reason)
        attempt.out.add(ring.party.person_id)
        if not attempt.rings:
            self._go_on(session, attempt, reason)

    def tick(self, session: Session) -> None:
        """It may have rung long enough."""
        floor, attempt = self._floor, session.attempt
        if attempt is not None and attempt.until <= floor.now:
            self._not_taken(session, attempt.target.rules, EndReason.NO_ANSWER)
            return
        if attempt is not None and attempt.due <= floor.now:
            self._go_on(session, attempt, EndReason.NO_ANSWER)
        goes_on = session.session_id in floor.sessions
        if goes_on and session.progress_at is not None and session.progress_at <= floor.now:
            announce(floor, session)

    # --- who takes it ---

    def answered(self, call: Call) -> None:
        """The person answered on this line: all other phones stop."""
        floor = self._floor
        session, ring = floor.session_of(call), floor.rings[call.view_id]
        attempt = session.attempt
        if attempt is None or not isinstance(call.state, Inviting | Alerting):
            return
        for other_id in ring.calls:
            if other_id != call.call_id:
                self._ending.drop(floor.calls[other_id], EndReason.ANSWERED_ELSEWHERE)
        for other in list(attempt.rings):
            if other is not ring:
                self._ending.stop_ringing(
                    session, other, EndReason.ANSWERED_ELSEWHERE, None, elsewhere=True
                )
        del floor.rings[ring.ring_id]
        session.attempt = session.progress_at = None
        floor.do(WindowClosed(ring.ring_id, None))
        floor.enter(call, call.state.answered(floor.now), "answer")
        self._holding.hold_others(call)
        session.members.append(call.call_id)
        side = floor.sides[call.view_id]
        side.call_id = call.call_id
        if session.then is not None:
            goal, session.then = session.then, None
            session.caller_id = call.call_id
            plug(floor, session)
            self.call(session, goal.target)
            return
        session.callee = call.party
        self._connect(session)

    def _connect(self, session: Session) -> None:
        """The other side is there: both hear each other."""
        floor = self._floor
        session.attempt = session.progress_at = None
        session.answered = floor.now
        waiter = floor.calls[session.members[0]]
        if isinstance(waiter.state, Dialling):
            floor.enter(waiter, waiter.state.answered(floor.now), "answer")
            self._holding.hold_others(waiter)
            waiter.told = session.callee
            floor.tell(waiter, Connected(session.callee))
        for call_id in session.members:
            side = floor.sides[floor.calls[call_id].view_id]
            if side.answered is None:
                side.answered = floor.now
        settle(floor, session)

    # --- people ---

    def _call_people(self, session: Session, target: PersonTarget | GroupTarget) -> None:
        waiter = self._floor.waiter_of(session)
        if target.rules.always is not None:
            self._send_on(session, target.rules.always, RedirectionReason.UNCONDITIONAL, None)
        elif waiter is None or not self._somebody_is_free(target, waiter):
            self._not_taken(session, target.rules, EndReason.BUSY)
        else:
            if isinstance(waiter.state, Dialling):
                self._holding.hold_others(waiter)
            until = self._floor.now + self._patience(target)
            session.attempt = attempt = Attempt(target, until)
            if isinstance(target, GroupTarget):
                self._hunting.begin(session, attempt, target)
            else:
                first = not session.redirections and session.caller_id == waiter.call_id
                ring_id = session.session_id if first else self._new_id()
                self._ringing.ring(session, ring_id, target.party, until)
            self._floor.session_timers.arm(session.session_id)
            if session.announced or not isinstance(waiter.state, Dialling):
                # Who waits has been told of somebody else, or has talked before.
                settle(self._floor, session)

    def _somebody_is_free(self, target: PersonTarget | GroupTarget, waiter: Call) -> bool:
        if isinstance(target, PersonTarget):
            lines = self._ringing.free_lines(target.party, waiter)
            return not target.rules.do_not_disturb and lines is not None
        return any(self._hunting.is_free(member) for member in target.members)

    def _patience(self, target: PersonTarget | GroupTarget) -> float:
        """Seconds for which it rings."""
        own = target.rules.no_answer_seconds
        if isinstance(target, PersonTarget) or target.policy is HuntPolicy.SIMULTANEOUS:
            return min(own or self._ring_seconds, MAX_RING_SECONDS)
        return own or max(self._ring_seconds, len(target.members) * target.member_seconds)

    # --- nobody takes it ---

    def _go_on(self, session: Session, attempt: Attempt, reason: EndReason) -> None:
        """Whoever rang does not take it for this `reason`: others of its group may."""
        target = attempt.target
        if isinstance(target, GroupTarget) and self._hunting.go_on(
            session, attempt, target, reason
        ):
            return
        self._not_taken(session, target.rules, reason)

    def _not_taken(self, session: Session, rules: Rules, reason: EndReason) -> None:
        self._ending.stop_all_ringing(session, reason, reason)
        if reason is EndReason.NO_ANSWER:
            forward, why = rules.no_answer, RedirectionReason.NO_ANSWER
        else:
            forward, why = rules.busy, RedirectionReason.BUSY
        if forward is not None:
            self._send_on(session, forward, why, reason)
            return
        own_phones = session.then is not None
        by = "service" if reason is EndReason.NO_ANSWER else "caller" if own_phones else "callee"
        self._ending.close(session, reason, by)

    def _send_on(
        self,
        session: Session,
        forward: Forward,
        why: RedirectionReason,
        missed: EndReason | None,
    ) -> None:
        """The call goes on. `missed`: why who was called has not taken it, None if nobody was."""
        self._ending.stop_all_ringing(session, EndReason.DECLINED_ELSEWHERE, EndReason.REJECTED)
        session.attempt = None
        if len(session.redirections) >= MOST_REDIRECTIONS:
            self._ending.close(session, EndReason.BUSY, "service")
            return
        session.redirections += (Redirection(why, session.callee),)
        if missed is not None and session.callee.person_id:
            by = "service" if missed is EndReason.NO_ANSWER else "callee"
            number = len(session.redirections)
            record = session.record(missed, by, self._floor.now, sent_on=number)
            self._floor.do(Record(record))
        self.call(session, forward.target)

    # --- the service itself ---

    def _serve(self, session: Session, service: ServiceNumber) -> None:
        waiter = self._floor.waiter_of(session)
        match service:
            case ServiceNumber.BUSY:
                self._ending.close(session, EndReason.BUSY, "callee")
            case ServiceNumber.NO_ANSWER:
                if waiter is not None and isinstance(waiter.state, Dialling):
                    self._holding.hold_others(waiter)
                announce(self._floor, session)
                settle(self._floor, session)
            case ServiceNumber.ECHO | ServiceNumber.ANNOUNCEMENT | ServiceNumber.DTMF:
                announce(self._floor, session)
                session.service = service
                self._connect(session)
            case _:
                assert_never(service)


def party_of(target: Target) -> Party:
    """Whom a number leads to, as the caller sees it."""
    return Party("", target.dialled) if isinstance(target, UnknownTarget) else target.party
