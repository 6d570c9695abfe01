"""The phone exchange: owns every call of a node and decides everything about it.

What is always true, after every input:

- every call ends: nobody rings past the ring window, and a call whose client vanished runs out;
- nobody rings after an answer;
- a line has at most one answered call that is not held;
- an effect happens once, and a call gets no effect after the one that closed its leg;
- a refused command changes nothing;
- a session that ended leaves exactly one record.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import assert_never

from offhook.engine.exchange import inputs
from offhook.engine.exchange.call import Alerting, Call, Dialling, Inviting, Talking
from offhook.engine.exchange.effects import Connected, Effect, OpenLeg, PlayDigits
from offhook.engine.exchange.ending import Ending, announce
from offhook.engine.exchange.floor import ExchangeRefused, Floor
from offhook.engine.exchange.holding import Holding
from offhook.engine.exchange.model import (
    EndReason,
    PersonTarget,
    ServiceNumber,
    ServiceTarget,
    UnknownTarget,
)
from offhook.engine.exchange.negotiation import NEGOTIATION_TIMEOUT, Negotiation
from offhook.engine.exchange.roap import Answering, Offering
from offhook.engine.exchange.session import Session
from offhook.wire.mobius import MobiusErrorCode
from offhook.wire.roap import RoapType

#: Calls that one line may have at a time; a third is not offered to it.
MAX_CALLS_PER_LINE = 2


class Exchange:
    """All calls of a node. `handle` takes an input and the time and returns what has to be done.

    Times are Unix seconds. `new_id` makes the ids of the called lines' calls. A call whose client
    says nothing for `keepalive_seconds` ends.
    """

    def __init__(
        self,
        *,
        new_id: Callable[[], str],
        ring_seconds: float = 45.0,
        keepalive_seconds: float = 1260.0,
    ) -> None:
        self._new_id = new_id
        self._ring_seconds = ring_seconds
        self._keepalive_seconds = keepalive_seconds
        self._floor = Floor()
        self._ending = Ending(self._floor)
        self._negotiation = Negotiation(self._floor, self._answer_came, self._client_failed)
        self._holding = Holding(self._floor, self._negotiation)

    def handle(self, event: inputs.Input, now: float) -> list[Effect]:
        """Take an input at `now`. Raises `ExchangeRefused` for a command that cannot be done."""
        floor = self._floor
        floor.now = max(now, floor.now)
        floor.out = []
        self._dispatch(event)
        return floor.out

    @property
    def deadline(self) -> float | None:
        """When the next `Tick` is due, None if nothing waits."""
        return min(self._deadlines(), default=None)

    def calls(self) -> tuple[Call, ...]:
        """The calls there are, for metrics and lists. Not to be changed."""
        return tuple(self._floor.calls.values())

    def sessions(self) -> tuple[Session, ...]:
        """The sessions there are. Not to be changed."""
        return tuple(self._floor.sessions.values())

    def _dispatch(self, event: inputs.Input) -> None:
        floor = self._floor
        match event:
            case inputs.LineRegistered():
                self._register(event)
            case inputs.LineGone():
                self._line_gone(event.line_id)
            case inputs.Place():
                self._place(event)
            case inputs.Alert():
                self._alert(event)
            case inputs.Answer():
                self._answer(event)
            case inputs.Roap():
                call = floor.own(event.line_id, event.call_id, event.correlation_id)
                self._negotiation.client_says(call, event.message)
            case inputs.Hold():
                self._holding.hold(floor.talking(event.line_id, event.call_id))
            case inputs.Resume():
                self._holding.resume(floor.talking(event.line_id, event.call_id))
            case inputs.End():
                self._ending.end(event)
            case inputs.KeepAlive():
                floor.own(event.line_id, event.call_id).heard_from = floor.now
            case inputs.LegOffered():
                self._negotiation.leg_offered(event)
            case inputs.LegAnswered():
                self._negotiation.leg_answered(event)
            case inputs.LegConnected():
                self._leg_connected(event.call_id)
            case inputs.LegFailed():
                self._leg_failed(event.call_id)
            case inputs.LegDtmf():
                self._digit(event)
            case inputs.LegPlayed():
                self._played(event.call_id)
            case inputs.Tick():
                self._tick()
            case inputs.Shutdown():
                for session in self.sessions():
                    self._ending.close(session, EndReason.SHUTDOWN, "service")
            case _:
                assert_never(event)

    # --- lines ---

    def _register(self, event: inputs.LineRegistered) -> None:
        floor = self._floor
        floor.lines[event.line_id] = event.party
        for session in self.sessions():
            if (
                session.ring_until is not None
                and session.callee.person_id == event.party.person_id
                and floor.calls[session.caller_id].line_id != event.line_id
                and event.line_id not in {floor.calls[each].line_id for each in session.called}
                and self._is_free(event.line_id)
            ):
                self._invite(session, event.line_id)

    def _line_gone(self, line_id: str) -> None:
        self._floor.lines.pop(line_id, None)
        for call in self._floor.calls_of(line_id):
            if call.call_id in self._floor.calls:
                self._ending.leave(call, EndReason.LINE_LOST, tell_it=False)

    def _is_free(self, line_id: str) -> bool:
        return len(self._floor.calls_of(line_id)) < MAX_CALLS_PER_LINE

    # --- placing and ringing ---

    def _place(self, event: inputs.Place) -> None:
        floor = self._floor
        self._check_place(event)
        session = Session(
            session_id=event.session_id,
            tracking_id=event.tracking_id,
            caller_id=event.call_id,
            caller=floor.lines[event.line_id],
            dialled=event.dialled,
            target=event.target,
            placed=floor.now,
        )
        call = Call(
            call_id=event.call_id,
            line_id=event.line_id,
            session_id=event.session_id,
            tracking_id=event.tracking_id,
            state=Dialling(),
            heard_from=floor.now,
            correlation_id=event.correlation_id,
            transaction=Answering(event.offer.seq),
        )
        floor.sessions[session.session_id] = session
        floor.calls[call.call_id] = call
        floor.log(call, "idle", "place", call.state_name)
        floor.do(OpenLeg(call.call_id, event.offer.sdp))
        match event.target:
            case UnknownTarget():
                self._ending.close(session, EndReason.NOT_FOUND, "service")
            case ServiceTarget():
                self._serve(session, call, event.target.service)
            case PersonTarget():
                self._ring(session, call)
            case _:
                assert_never(event.target)

    def _check_place(self, event: inputs.Place) -> None:
        floor = self._floor
        if event.line_id not in floor.lines:
            raise ExchangeRefused(
                MobiusErrorCode.DEVICE_NOT_REGISTERED, "This line is not registered; register it."
            )
        if event.offer.messageType is not RoapType.OFFER or not event.offer.sdp:
            raise ExchangeRefused(
                MobiusErrorCode.PARSING_ERROR, "A call begins with an OFFER that has an SDP."
            )
        if event.call_id in floor.calls or event.session_id in floor.sessions:
            raise ExchangeRefused(
                MobiusErrorCode.CALL_PROCESSING_ERROR, "There is a call with this id already."
            )
        if not self._is_free(event.line_id):
            raise ExchangeRefused(
                MobiusErrorCode.NOT_ACCEPTABLE,
                f"A line has at most {MAX_CALLS_PER_LINE} calls; end one first.",
            )

    def _serve(self, session: Session, call: Call, service: ServiceNumber) -> None:
        match service:
            case ServiceNumber.BUSY:
                self._ending.close(session, EndReason.BUSY, "callee")
            case ServiceNumber.NO_ANSWER:
                self._holding.hold_others(call)
                announce(self._floor, session)
            case ServiceNumber.ECHO | ServiceNumber.ANNOUNCEMENT | ServiceNumber.DTMF:
                announce(self._floor, session)
                self._connect(session, call)
            case _:
                assert_never(service)

    def _ring(self, session: Session, caller: Call) -> None:
        lines = [
            line_id
            for line_id, party in self._floor.lines.items()
            if party.person_id == session.callee.person_id and line_id != caller.line_id
        ]
        free = [line_id for line_id in lines if self._is_free(line_id)]
        calls_itself = session.callee.person_id == session.caller.person_id
        if not free and (lines or calls_itself):
            self._ending.close(session, EndReason.BUSY, "callee")
            return
        self._holding.hold_others(caller)
        session.ring_until = self._floor.now + self._ring_seconds
        for line_id in free:
            self._invite(session, line_id)
        if not free:
            # Nobody is awake: it rings all the same, for a phone that wakes in time.
            announce(self._floor, session)

    def _invite(self, session: Session, line_id: str) -> None:
        call = Call(
            call_id=self._new_id(),
            line_id=line_id,
            session_id=session.session_id,
            tracking_id=session.tracking_id,
            state=Inviting(),
            heard_from=self._floor.now,
            transaction=Offering(1),
        )
        self._floor.calls[call.call_id] = call
        session.called.append(call.call_id)
        self._floor.log(call, "idle", "invite", call.state_name)
        self._floor.do(OpenLeg(call.call_id))

    def _alert(self, event: inputs.Alert) -> None:
        if self._ending.pay(event.line_id, event.call_id, event.correlation_id):
            return
        call = self._called(event.line_id, event.call_id)
        call.correlation_id = event.correlation_id
        call.heard_from = self._floor.now
        if isinstance(call.state, Inviting):
            call.state = Alerting()
            self._floor.log(call, "inviting", "alert", "alerting")
            session = self._floor.session_of(call)
            if not session.announced:
                announce(self._floor, session)

    # --- answering ---

    def _answer(self, event: inputs.Answer) -> None:
        if self._ending.pay(event.line_id, event.call_id, event.correlation_id):
            return
        call = self._called(event.line_id, event.call_id)
        call.correlation_id = event.correlation_id
        call.heard_from = self._floor.now
        self._answer_came(call)

    def _answer_came(self, call: Call) -> None:
        """Answered, be it by a connect or by an ANSWER: whichever comes first counts."""
        if not call.rings:
            return
        floor = self._floor
        session = floor.session_of(call)
        for other_id in session.called:
            if other_id != call.call_id:
                self._ending.drop(floor.calls[other_id], EndReason.ANSWERED_ELSEWHERE)
        session.called = [call.call_id]
        self._set_talking(call)
        self._connect(session, floor.calls[session.caller_id])

    def _connect(self, session: Session, caller: Call) -> None:
        session.answered = self._floor.now
        session.ring_until = session.progress_at = None
        self._set_talking(caller)
        self._floor.tell(caller, Connected(session.callee))
        self._holding.plug(session)

    def _set_talking(self, call: Call) -> None:
        self._floor.log(call, call.state_name, "answer", "talking")
        now = self._floor.now
        call.state = Talking(now, now + NEGOTIATION_TIMEOUT, call.media_up)
        self._holding.hold_others(call)

    def _called(self, line_id: str, call_id: str) -> Call:
        call = self._floor.own(line_id, call_id)
        if self._floor.is_caller(call):
            raise ExchangeRefused(
                MobiusErrorCode.INVALID_STATUS_UPDATE,
                "The caller's side neither rings nor answers.",
            )
        return call

    # --- news of the media and of clients that fail ---

    def _leg_connected(self, call_id: str) -> None:
        call = self._floor.calls.get(call_id)
        if call is None:
            return
        call.media_up = True
        if isinstance(call.state, Talking):
            call.state = replace(call.state, media=True)

    def _leg_failed(self, call_id: str) -> None:
        call = self._floor.calls.get(call_id)
        if call is not None:
            self._ending.leave(call, EndReason.MEDIA_LOST, tell_it=True)

    def _client_failed(self, call: Call) -> None:
        self._ending.leave(call, EndReason.ERROR, tell_it=True)

    def _service_of(self, call: Call) -> ServiceNumber | None:
        target = self._floor.session_of(call).target
        return target.service if isinstance(target, ServiceTarget) else None

    def _digit(self, event: inputs.LegDtmf) -> None:
        call = self._floor.calls.get(event.call_id)
        if call is not None and self._service_of(call) is ServiceNumber.DTMF and not call.held:
            self._floor.do(PlayDigits(call.call_id, event.digit))

    def _played(self, call_id: str) -> None:
        call = self._floor.calls.get(call_id)
        if call is None or call.held:
            return
        if self._service_of(call) is ServiceNumber.ANNOUNCEMENT:
            self._ending.close(self._floor.session_of(call), EndReason.HANGUP, "callee")

    # --- time ---

    def _deadlines(self) -> Iterator[float]:
        for session in self._floor.sessions.values():
            for at in (session.ring_until, session.progress_at):
                if at is not None:
                    yield at
        for call in self._floor.calls.values():
            yield call.heard_from + self._keepalive_seconds
            if isinstance(call.state, Talking) and not call.state.media:
                yield call.state.media_by
            negotiation = self._negotiation.deadline(call)
            if negotiation is not None:
                yield negotiation
        for owed in self._floor.owed.values():
            yield owed.until

    def _tick(self) -> None:
        floor = self._floor
        for call_id in [each for each, owed in floor.owed.items() if owed.until <= floor.now]:
            del floor.owed[call_id]
        for session in self.sessions():
            if session.ring_until is not None and session.ring_until <= floor.now:
                self._ending.close(session, EndReason.NO_ANSWER, "service")
            elif session.progress_at is not None and session.progress_at <= floor.now:
                announce(floor, session)
        for call in self.calls():
            if call.call_id in floor.calls:
                self._tick_call(call)

    def _tick_call(self, call: Call) -> None:
        now, state = self._floor.now, call.state
        if call.heard_from + self._keepalive_seconds <= now:
            self._ending.leave(call, EndReason.LINE_LOST, tell_it=True)
        elif isinstance(state, Talking) and not state.media and state.media_by <= now:
            self._ending.leave(call, EndReason.MEDIA_LOST, tell_it=True)
        else:
            self._negotiation.tick(call)
