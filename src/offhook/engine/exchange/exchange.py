"""The phone exchange: owns every call of a node and decides everything about it.

What is always true, after every input:

- every call ends: nobody rings past the ring window, and a call whose client vanished runs out;
- nobody rings after an answer;
- a line has at most one call that is not held;
- an effect happens once, and a call gets no effect after the one that closed its leg;
- a refused command changes nothing;
- a session that ended leaves exactly one record.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import assert_never

from offhook.engine.exchange import inputs
from offhook.engine.exchange.call import Alerting, Call, Dialling, Inviting, Owed, Talking
from offhook.engine.exchange.effects import (
    AnswerLeg,
    CloseLeg,
    Connected,
    Disconnected,
    EchoLeg,
    Effect,
    Held,
    Incoming,
    JoinLegs,
    Negotiate,
    News,
    OpenLeg,
    PlayDigits,
    PlaySound,
    Progress,
    Record,
    RenegotiateLeg,
    Resumed,
    Sound,
    Tell,
    Transition,
)
from offhook.engine.exchange.model import (
    EndReason,
    Party,
    PersonTarget,
    ServiceNumber,
    ServiceTarget,
    UnknownTarget,
)
from offhook.engine.exchange.roap import (
    Answering,
    AwaitingAnswer,
    AwaitingOffer,
    AwaitingOk,
    Offering,
    Stable,
)
from offhook.engine.exchange.session import Session
from offhook.wire.mobius import CauseCode, MobiusErrorCode
from offhook.wire.roap import RoapErrorType, RoapMessage, RoapType

#: Calls that one line may have at a time; a third is not offered to it.
MAX_CALLS_PER_LINE = 2
#: Seconds between two reports of progress: official clients give up after 60 without one.
PROGRESS_INTERVAL = 25.0
#: Seconds that a client has for its part of a negotiation, and media to come up after an answer.
NEGOTIATION_TIMEOUT = 10.0
#: Seconds for which a call that ended is remembered for a client that has not reported in.
OWED_FOR = 60.0


class ExchangeRefused(Exception):  # noqa: N818 - a refusal is an answer, not a fault
    """A command cannot be carried out; nothing has changed."""

    def __init__(self, code: MobiusErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Exchange:
    """All calls of a node. `handle` takes an input and the time and returns what has to be done.

    Times are Unix seconds. `new_id` makes the ids of the called lines' calls.
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
        self._lines: dict[str, Party] = {}
        self._calls: dict[str, Call] = {}
        self._sessions: dict[str, Session] = {}
        self._owed: dict[str, Owed] = {}
        self._out: list[Effect] = []
        self._now = 0.0

    def handle(self, event: inputs.Input, now: float) -> list[Effect]:
        """Take an input at `now`. Raises `ExchangeRefused` for a command that cannot be done."""
        self._now = max(now, self._now)
        self._out = []
        self._dispatch(event)
        return self._out

    @property
    def deadline(self) -> float | None:
        """When the next `Tick` is due, None if nothing waits."""
        return min(self._deadlines(), default=None)

    def calls(self) -> tuple[Call, ...]:
        """The calls there are, for metrics and lists. Not to be changed."""
        return tuple(self._calls.values())

    def sessions(self) -> tuple[Session, ...]:
        """The sessions there are. Not to be changed."""
        return tuple(self._sessions.values())

    def _dispatch(self, event: inputs.Input) -> None:
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
                call = self._own(event.line_id, event.call_id, event.correlation_id)
                self._roap(call, event.message)
            case inputs.Hold():
                self._hold(self._talking(event.line_id, event.call_id))
            case inputs.Resume():
                self._resume(self._talking(event.line_id, event.call_id))
            case inputs.End():
                self._end(event)
            case inputs.KeepAlive():
                self._own(event.line_id, event.call_id).heard_from = self._now
            case inputs.LegOffered():
                self._leg_offered(event)
            case inputs.LegAnswered():
                self._leg_answered(event)
            case inputs.LegConnected():
                self._leg_connected(event.call_id)
            case inputs.LegFailed():
                self._leg_failed(event.call_id)
            case inputs.LegDtmf():
                self._dtmf(event)
            case inputs.LegPlayed():
                self._played(event.call_id)
            case inputs.Tick():
                self._tick()
            case inputs.Shutdown():
                for session in list(self._sessions.values()):
                    self._close(session, EndReason.SHUTDOWN, "service")
            case _:
                assert_never(event)

    # --- lines ---

    def _register(self, event: inputs.LineRegistered) -> None:
        self._lines[event.line_id] = event.party
        for session in list(self._sessions.values()):
            if (
                session.answered is None
                and session.ring_until is not None
                and isinstance(session.target, PersonTarget)
                and session.target.party.person_id == event.party.person_id
                and self._calls[session.caller_id].line_id != event.line_id
                and event.line_id not in {self._calls[each].line_id for each in session.called}
            ):
                self._invite(session, event.line_id)

    def _line_gone(self, line_id: str) -> None:
        self._lines.pop(line_id, None)
        for call in [call for call in self._calls.values() if call.line_id == line_id]:
            if call.call_id in self._calls:
                self._leave(call, EndReason.LINE_LOST, tell_it=False)

    def _calls_of(self, line_id: str) -> list[Call]:
        return [call for call in self._calls.values() if call.line_id == line_id]

    # --- placing and ringing ---

    def _place(self, event: inputs.Place) -> None:
        party = self._lines.get(event.line_id)
        if party is None:
            raise ExchangeRefused(
                MobiusErrorCode.DEVICE_NOT_REGISTERED, "This line is not registered; register it."
            )
        if event.offer.messageType is not RoapType.OFFER or not event.offer.sdp:
            raise ExchangeRefused(
                MobiusErrorCode.PARSING_ERROR, "A call begins with an OFFER that has an SDP."
            )
        if event.call_id in self._calls or event.session_id in self._sessions:
            raise ExchangeRefused(
                MobiusErrorCode.CALL_PROCESSING_ERROR, "There is a call with this id already."
            )
        if len(self._calls_of(event.line_id)) >= MAX_CALLS_PER_LINE:
            raise ExchangeRefused(
                MobiusErrorCode.NOT_ACCEPTABLE,
                f"A line has at most {MAX_CALLS_PER_LINE} calls; end one first.",
            )
        self._hold_others(event.line_id, event.call_id)
        session = Session(
            session_id=event.session_id,
            tracking_id=event.tracking_id,
            caller_id=event.call_id,
            caller=party,
            dialled=event.dialled,
            target=event.target,
            placed=self._now,
        )
        call = Call(
            call_id=event.call_id,
            line_id=event.line_id,
            session_id=event.session_id,
            tracking_id=event.tracking_id,
            party=party,
            state=Dialling(),
            heard_from=self._now,
            correlation_id=event.correlation_id,
            transaction=Answering(event.offer.seq),
        )
        self._sessions[session.session_id] = session
        self._calls[call.call_id] = call
        self._log(call, "idle", "place", "dialling")
        self._do(OpenLeg(call.call_id, event.offer.sdp))
        match event.target:
            case UnknownTarget():
                self._close(session, EndReason.NOT_FOUND, "service")
            case ServiceTarget():
                self._serve(session, call, event.target.service)
            case PersonTarget():
                self._ring(session)
            case _:
                assert_never(event.target)

    def _serve(self, session: Session, call: Call, service: ServiceNumber) -> None:
        match service:
            case ServiceNumber.BUSY:
                self._close(session, EndReason.BUSY, "callee")
            case ServiceNumber.NO_ANSWER:
                self._announce(session)
            case ServiceNumber.ECHO | ServiceNumber.ANNOUNCEMENT | ServiceNumber.DTMF:
                self._announce(session)
                self._talk(session, call)
                self._plug(session)
            case _:
                assert_never(service)

    def _ring(self, session: Session) -> None:
        caller = self._calls[session.caller_id]
        lines = [
            line_id
            for line_id, party in self._lines.items()
            if party.person_id == session.callee.person_id and line_id != caller.line_id
        ]
        free = [each for each in lines if len(self._calls_of(each)) < MAX_CALLS_PER_LINE]
        calls_itself = session.callee.person_id == session.caller.person_id
        if not free and (lines or calls_itself):
            self._close(session, EndReason.BUSY, "callee")
            return
        session.ring_until = self._now + self._ring_seconds
        for line_id in free:
            self._invite(session, line_id)
        if not free:
            # Nobody is awake: it rings all the same, for a phone that wakes in time.
            self._announce(session)

    def _invite(self, session: Session, line_id: str) -> None:
        if len(self._calls_of(line_id)) >= MAX_CALLS_PER_LINE:
            return
        call = Call(
            call_id=self._new_id(),
            line_id=line_id,
            session_id=session.session_id,
            tracking_id=session.tracking_id,
            party=session.callee,
            state=Inviting(),
            heard_from=self._now,
            transaction=Offering(1),
        )
        self._calls[call.call_id] = call
        session.called.append(call.call_id)
        self._log(call, "idle", "invite", "inviting")
        self._do(OpenLeg(call.call_id))

    def _announce(self, session: Session) -> None:
        """Tell the caller that it rings, now and every so often."""
        session.announced = True
        session.progress_at = self._now + PROGRESS_INTERVAL
        self._tell(self._calls[session.caller_id], Progress(session.callee))

    def _alert(self, event: inputs.Alert) -> None:
        owed = self._owed.get(event.call_id)
        if owed is not None and owed.line_id == event.line_id:
            del self._owed[event.call_id]
            self._do(
                Tell(
                    event.line_id,
                    event.call_id,
                    event.correlation_id,
                    owed.tracking_id,
                    Disconnected(owed.reason),
                )
            )
            return
        call = self._own(event.line_id, event.call_id)
        if isinstance(call.state, Dialling) or self._sessions[call.session_id].caller_id == (
            call.call_id
        ):
            raise ExchangeRefused(
                MobiusErrorCode.INVALID_STATUS_UPDATE, "The caller's side does not ring."
            )
        call.correlation_id = event.correlation_id
        call.heard_from = self._now
        if isinstance(call.state, Inviting):
            call.state = Alerting()
            self._log(call, "inviting", "alert", "alerting")
            session = self._sessions[call.session_id]
            if not session.announced:
                self._announce(session)

    # --- answering ---

    def _answer(self, event: inputs.Answer) -> None:
        owed = self._owed.get(event.call_id)
        if owed is not None and owed.line_id == event.line_id:
            # Answered in the very moment in which the call ended.
            self._alert(inputs.Alert(event.line_id, event.call_id, event.correlation_id))
            return
        call = self._own(event.line_id, event.call_id)
        if isinstance(call.state, Dialling) or (
            self._sessions[call.session_id].caller_id == call.call_id
        ):
            raise ExchangeRefused(
                MobiusErrorCode.INVALID_STATUS_UPDATE, "The caller's side cannot answer."
            )
        call.correlation_id = event.correlation_id
        call.heard_from = self._now
        if call.rings:
            self._take(call)

    def _take(self, call: Call) -> None:
        """The call of this line is the one that was answered."""
        session = self._sessions[call.session_id]
        self._hold_others(call.line_id, call.call_id)
        for other_id in [each for each in session.called if each != call.call_id]:
            self._drop(self._calls[other_id], EndReason.ANSWERED_ELSEWHERE)
        session.called = [call.call_id]
        caller = self._calls[session.caller_id]
        self._set_talking(call)
        self._talk(session, caller)
        self._plug(session)

    def _talk(self, session: Session, caller: Call) -> None:
        session.answered = self._now
        session.ring_until = session.progress_at = None
        self._set_talking(caller)
        self._tell(caller, Connected(session.callee))

    def _set_talking(self, call: Call) -> None:
        self._log(call, _name(call), "answer", "talking")
        call.state = Talking(self._now, self._now + NEGOTIATION_TIMEOUT, call.media_up)

    # --- negotiation ---

    def _roap(self, call: Call, message: RoapMessage) -> None:
        call.heard_from = self._now
        match message.messageType:
            case RoapType.ANSWER:
                self._answer_came(call, message)
            case RoapType.OK:
                if isinstance(call.transaction, AwaitingOk):
                    self._stable(call, call.transaction.seq)
            case RoapType.OFFER_RESPONSE | RoapType.OFFER:
                self._offer_came(call, message)
            case RoapType.ERROR:
                self._error_came(call)
            case RoapType.OFFER_REQUEST:
                self._out_of_order(call, message.seq)
            case _:
                assert_never(message.messageType)

    def _answer_came(self, call: Call, message: RoapMessage) -> None:
        if not isinstance(call.transaction, AwaitingAnswer) or not message.sdp:
            self._out_of_order(call, message.seq)
            return
        seq = call.transaction.seq
        self._do(AnswerLeg(call.call_id, message.sdp))
        self._tell(call, Negotiate(RoapMessage(seq, RoapType.OK)))
        if call.rings:
            # Its connect may be lost or on its way: an answer is an answer.
            self._take(call)
        self._stable(call, seq)

    def _offer_came(self, call: Call, message: RoapMessage) -> None:
        transaction = call.transaction
        match transaction:
            case AwaitingOffer():
                seq = transaction.seq
            case AwaitingOk() | Stable() if message.seq > transaction.seq:
                seq = message.seq
            case _:
                self._out_of_order(call, message.seq)
                return
        if not message.sdp:
            self._out_of_order(call, message.seq)
            return
        call.renegotiation_due = False
        call.transaction = Answering(seq)
        self._do(RenegotiateLeg(call.call_id, message.sdp, held=call.held))

    def _error_came(self, call: Call) -> None:
        if isinstance(call.state, Talking) and call.media_up:
            self._stable(call, call.transaction.seq)
        else:
            self._leave(call, EndReason.ERROR, tell_it=True)

    def _out_of_order(self, call: Call, seq: int) -> None:
        error = RoapMessage(seq, RoapType.ERROR, errorType=RoapErrorType.OUT_OF_ORDER)
        self._tell(call, Negotiate(error))

    def _leg_offered(self, event: inputs.LegOffered) -> None:
        call = self._calls.get(event.call_id)
        if call is None or not isinstance(call.transaction, Offering):
            return
        seq = call.transaction.seq
        call.transaction = AwaitingAnswer(seq)
        self._tell(call, Negotiate(RoapMessage(seq, RoapType.OFFER, sdp=event.sdp)))
        self._tell(call, Incoming(self._sessions[call.session_id].caller))

    def _leg_answered(self, event: inputs.LegAnswered) -> None:
        call = self._calls.get(event.call_id)
        if call is None or not isinstance(call.transaction, Answering):
            return
        seq = call.transaction.seq
        call.transaction = AwaitingOk(seq, self._now)
        self._tell(call, Negotiate(RoapMessage(seq, RoapType.ANSWER, sdp=event.sdp)))

    def _stable(self, call: Call, seq: int) -> None:
        call.transaction = Stable(seq)
        if call.renegotiation_due:
            self._ask_for_offer(call)

    def _ask_for_offer(self, call: Call) -> None:
        """Begin a renegotiation, at once or as soon as the one under way is over."""
        if isinstance(call.transaction, Stable):
            seq = call.transaction.seq + 1
            call.renegotiation_due = False
            call.transaction = AwaitingOffer(seq, self._now)
            self._tell(call, Negotiate(RoapMessage(seq, RoapType.OFFER_REQUEST)))
        else:
            call.renegotiation_due = True

    # --- hold ---

    def _hold(self, call: Call) -> None:
        call.heard_from = self._now
        if not call.held:
            self._log(call, "talking", "hold", "held")
            call.held = True
            self._plug(self._sessions[call.session_id])
        self._tell(call, Held())
        self._ask_for_offer(call)

    def _resume(self, call: Call) -> None:
        call.heard_from = self._now
        self._hold_others(call.line_id, call.call_id)
        if call.held:
            self._log(call, "held", "resume", "talking")
            call.held = False
            self._plug(self._sessions[call.session_id])
        self._tell(call, Resumed())
        self._ask_for_offer(call)

    def _hold_others(self, line_id: str, call_id: str) -> None:
        for other in self._calls_of(line_id):
            if other.call_id != call_id and isinstance(other.state, Talking) and not other.held:
                self._hold(other)

    def _plug(self, session: Session) -> None:
        """Connect what the two sides hear with what is true of the session now."""
        caller = self._calls[session.caller_id]
        if isinstance(session.target, ServiceTarget):
            self._plug_service(caller, session.target.service)
            return
        callee = self._calls[session.called[0]]
        if not caller.held and not callee.held:
            self._do(JoinLegs(caller.call_id, callee.call_id))
            return
        for call in (caller, callee):
            self._do(PlaySound(call.call_id, Sound.SILENCE if call.held else Sound.MUSIC_ON_HOLD))

    def _plug_service(self, call: Call, service: ServiceNumber) -> None:
        if call.held:
            self._do(PlaySound(call.call_id, Sound.SILENCE))
        elif service is ServiceNumber.ECHO:
            self._do(EchoLeg(call.call_id))
        elif service is ServiceNumber.ANNOUNCEMENT:
            self._do(PlaySound(call.call_id, Sound.ANNOUNCEMENT))
        else:
            self._do(PlaySound(call.call_id, Sound.SILENCE))

    # --- news of the media ---

    def _leg_connected(self, call_id: str) -> None:
        call = self._calls.get(call_id)
        if call is None:
            return
        call.media_up = True
        if isinstance(call.state, Talking):
            call.state = replace(call.state, media=True)

    def _leg_failed(self, call_id: str) -> None:
        call = self._calls.get(call_id)
        if call is not None:
            self._leave(call, EndReason.MEDIA_LOST, tell_it=True)

    def _dtmf(self, event: inputs.LegDtmf) -> None:
        call = self._calls.get(event.call_id)
        if call is None:
            return
        target = self._sessions[call.session_id].target
        if isinstance(target, ServiceTarget) and target.service is ServiceNumber.DTMF:
            self._do(PlayDigits(call.call_id, event.digit))

    def _played(self, call_id: str) -> None:
        call = self._calls.get(call_id)
        if call is None:
            return
        session = self._sessions[call.session_id]
        target = session.target
        if (
            isinstance(target, ServiceTarget)
            and target.service is ServiceNumber.ANNOUNCEMENT
            and not call.held
        ):
            self._close(session, EndReason.HANGUP, "callee")

    # --- ending ---

    def _end(self, event: inputs.End) -> None:
        call = self._calls.get(event.call_id)
        if call is None:
            self._owed.pop(event.call_id, None)
            call = self._by_correlation(event.line_id, event.correlation_id)
        if call is None or call.line_id != event.line_id:
            return  # It has ended already, or never was one of this line.
        if call.rings and event.cause is CauseCode.BUSY:
            session = self._sessions[call.session_id]
            self._forget(call, "decline")
            self._close(
                session, EndReason.REJECTED, "callee", to_others=EndReason.DECLINED_ELSEWHERE
            )
        else:
            self._leave(call, EndReason.HANGUP, tell_it=False)

    def _leave(self, call: Call, reason: EndReason, *, tell_it: bool) -> None:
        """This side is out: what that means for the others depends on how far the call had come."""
        session = self._sessions[call.session_id]
        is_caller = session.caller_id == call.call_id
        if call.rings:
            self._dismiss(session, call, reason, tell_it=tell_it)
            return
        if is_caller and session.answered is None and reason is EndReason.HANGUP:
            reason = EndReason.CANCELLED
        if not tell_it:
            self._forget(call, reason)
        by = "service" if tell_it else "caller" if is_caller else "callee"
        self._close(session, reason, by)

    def _dismiss(self, session: Session, call: Call, reason: EndReason, *, tell_it: bool) -> None:
        """A called line does not ring any more; the others go on."""
        session.called.remove(call.call_id)
        if tell_it:
            self._drop(call, reason)
        else:
            self._forget(call, reason)
        if not session.called and reason is not EndReason.LINE_LOST:
            self._close(session, EndReason.UNAVAILABLE, "callee")
        elif not session.announced and not session.called:
            self._announce(session)

    def _close(
        self,
        session: Session,
        reason: EndReason,
        ended_by: str,
        *,
        to_others: EndReason | None = None,
    ) -> None:
        """End every call of the session that is still there, and keep the record."""
        del self._sessions[session.session_id]
        for call_id in session.called:
            call = self._calls.get(call_id)
            if call is not None:
                self._drop(call, to_others or reason)
        caller = self._calls.get(session.caller_id)
        if caller is not None:
            self._drop(caller, reason)
        self._do(Record(session.record(reason, ended_by, self._now)))

    def _drop(self, call: Call, reason: EndReason) -> None:
        """End the call and tell its client, as soon as that can know what it is told about."""
        if call.correlation_id:
            self._tell(call, Disconnected(reason))
        elif not isinstance(call.transaction, Offering):
            self._owed[call.call_id] = Owed(
                call.line_id, call.tracking_id, reason, self._now + OWED_FOR
            )
        self._forget(call, reason)

    def _forget(self, call: Call, event: str) -> None:
        self._log(call, _name(call), event, "ended")
        del self._calls[call.call_id]
        self._do(CloseLeg(call.call_id))

    # --- time ---

    def _deadlines(self) -> Iterator[float]:
        for session in self._sessions.values():
            if session.ring_until is not None:
                yield session.ring_until
            if session.progress_at is not None:
                yield session.progress_at
        for call in self._calls.values():
            yield call.heard_from + self._keepalive_seconds
            if isinstance(call.state, Talking) and not call.state.media:
                yield call.state.media_by
            if isinstance(call.transaction, AwaitingOk | AwaitingOffer):
                if call.renegotiation_due or isinstance(call.transaction, AwaitingOffer):
                    yield call.transaction.since + NEGOTIATION_TIMEOUT
        for owed in self._owed.values():
            yield owed.until

    def _tick(self) -> None:
        now = self._now
        for call_id in [each for each, owed in self._owed.items() if owed.until <= now]:
            del self._owed[call_id]
        for session in list(self._sessions.values()):
            if session.ring_until is not None and session.ring_until <= now:
                self._close(session, EndReason.NO_ANSWER, "service")
            elif session.progress_at is not None and session.progress_at <= now:
                self._announce(session)
        for call in list(self._calls.values()):
            if call.call_id in self._calls:
                self._tick_call(call)

    def _tick_call(self, call: Call) -> None:
        now = self._now
        transaction = call.transaction
        if call.heard_from + self._keepalive_seconds <= now:
            self._leave(call, EndReason.LINE_LOST, tell_it=True)
        elif (
            isinstance(call.state, Talking)
            and not call.state.media
            and (call.state.media_by <= now)
        ):
            self._leave(call, EndReason.MEDIA_LOST, tell_it=True)
        elif isinstance(transaction, AwaitingOk) and (
            call.renegotiation_due and transaction.since + NEGOTIATION_TIMEOUT <= now
        ):
            self._stable(call, transaction.seq)
        elif isinstance(transaction, AwaitingOffer) and (
            transaction.since + NEGOTIATION_TIMEOUT <= now
        ):
            # The client does not renegotiate. What it hears is decided here, so hold and resume
            # have taken effect; only its own description of the media is behind.
            self._stable(call, transaction.seq)

    # --- small things ---

    def _by_correlation(self, line_id: str, correlation_id: str) -> Call | None:
        for call in self._calls_of(line_id):
            if correlation_id and call.correlation_id == correlation_id:
                return call
        return None

    def _own(self, line_id: str, call_id: str, correlation_id: str = "") -> Call:
        call = self._calls.get(call_id) or self._by_correlation(line_id, correlation_id)
        if call is None or call.line_id != line_id:
            raise ExchangeRefused(
                MobiusErrorCode.CALL_NOT_FOUND, "This line has no such call; it may have ended."
            )
        return call

    def _talking(self, line_id: str, call_id: str) -> Call:
        call = self._own(line_id, call_id)
        if not isinstance(call.state, Talking):
            raise ExchangeRefused(
                MobiusErrorCode.INVALID_STATUS_UPDATE,
                "Only an answered call can be held or resumed.",
            )
        return call

    def _do(self, effect: Effect) -> None:
        self._out.append(effect)

    def _tell(self, call: Call, news: News) -> None:
        self._do(Tell(call.line_id, call.call_id, call.correlation_id, call.tracking_id, news))

    def _log(self, call: Call, old: str, event: str, new: str) -> None:
        self._do(Transition(call.call_id, call.tracking_id, old, event, new))


def _name(call: Call) -> str:
    if call.held:
        return "held"
    return type(call.state).__name__.lower()
