"""The phone exchange: owns every call of a node and decides everything about it.

What is always true, after every input:

- every call ends: nobody rings past the ring window, and a call whose client vanished runs out;
- nobody rings after an answer;
- a line has at most one answered call that is not held;
- every leg belongs to a session, and every session has a party that talks, rings or waits;
- whoever is transferred or merged by another stays in a call all the while;
- who hears whom follows from who is in the session and who holds;
- a client knows who is at the other end, who else is in the call, and who of them holds;
- an effect happens once, and a call gets no effect after the one that closed its leg;
- a client that does not know yet that its call ended is told so, once;
- a refused command changes nothing;
- a session that ended leaves exactly one record, and before that one for each person who was called
  and from whom it went on;
- a view is told first when it is new, then for each change, and once when it is over;
- the deadline is never in the past once its tick was handled.

This module takes inputs to where they are decided: `routing` (where a call goes), `ringing` (a
person's phones), `negotiation`, `holding`, `transfer`, `conference`, `control` (commands over REST)
and `ending`. What they share is the `floor`.
"""

from collections.abc import Callable
from typing import assert_never

from offhook.engine.exchange import inputs
from offhook.engine.exchange.call import Call, Dialling
from offhook.engine.exchange.conference import Conference
from offhook.engine.exchange.control import Control
from offhook.engine.exchange.effects import ActiveSpeaker, Effect, OpenLeg
from offhook.engine.exchange.ending import Ending
from offhook.engine.exchange.floor import MAX_CALLS_PER_LINE, Floor
from offhook.engine.exchange.holding import Holding
from offhook.engine.exchange.model import EndReason, Forward, ServiceNumber
from offhook.engine.exchange.negotiation import Negotiation
from offhook.engine.exchange.refusal import ExchangeRefused, unsuitable
from offhook.engine.exchange.regrouping import Regrouping
from offhook.engine.exchange.ringing import MAX_RING_SECONDS, Ringing
from offhook.engine.exchange.roap import MAX_SEQ, Answering
from offhook.engine.exchange.routing import Routing, party_of
from offhook.engine.exchange.service_number import media_came_up, read_back
from offhook.engine.exchange.session import Session
from offhook.engine.exchange.transfer import Transfer
from offhook.engine.exchange.viewing import Viewing
from offhook.engine.exchange.views import CallView, Personality
from offhook.wire.mobius import MobiusErrorCode
from offhook.wire.roap import RoapMessage, RoapType


class Exchange:
    """All calls of a node. `handle` takes an input and the time and returns what has to be done.

    Times are Unix seconds. `new_id` makes the ids of the called lines' calls. A call whose client
    says nothing for `keepalive_seconds` ends. Raises ValueError for a ring window that is too long.
    """

    def __init__(
        self,
        *,
        new_id: Callable[[], str],
        ring_seconds: float = 45.0,
        keepalive_seconds: float = 1260.0,
    ) -> None:
        if not 0 < ring_seconds <= MAX_RING_SECONDS:
            raise ValueError(f"ring_seconds must be more than 0 and at most {MAX_RING_SECONDS}.")
        self._stopped = False
        self._floor = floor = Floor(keepalive_seconds)
        self._viewing = Viewing(floor)
        self._ending = Ending(floor, self._viewing, lambda *it: self._routing.ring_over(*it))
        self._negotiation = Negotiation(floor, self._answer_came, self._client_failed)
        self._holding = Holding(floor, self._negotiation)
        self._ringing = Ringing(
            floor, self._viewing, self._ending, new_id, lambda call: self._routing.answered(call)
        )
        self._routing = Routing(
            floor, self._ending, self._holding, self._ringing, new_id, ring_seconds
        )
        regrouping = Regrouping(floor, self._viewing, self._ending, new_id)
        self._transfer = Transfer(floor, self._viewing, self._ending, regrouping, self._routing)
        conference = Conference(
            floor, self._viewing, self._ending, self._holding, self._negotiation, regrouping
        )
        self._control = Control(
            floor,
            self._viewing,
            self._ending,
            self._holding,
            self._routing,
            self._transfer,
            conference,
        )

    def handle(self, event: inputs.Input, now: float) -> list[Effect]:
        """Take an input at `now`. Raises `ExchangeRefused` for a command that cannot be done."""
        floor = self._floor
        floor.now = max(now, floor.now)
        floor.out = []
        floor.forget_lapsed()
        self._dispatch(event)
        self._viewing.show()
        return floor.out

    @property
    def deadline(self) -> float | None:
        """When the next `Tick` is due, None if nothing waits."""
        call, session = self._floor.call_timers.next(), self._floor.session_timers.next()
        if call is None or session is None:
            return session if call is None else call
        return min(call, session)

    def calls(self) -> tuple[Call, ...]:
        """The calls there are, for metrics and lists. Not to be changed."""
        return tuple(self._floor.calls.values())

    def sessions(self) -> tuple[Session, ...]:
        """The sessions there are. Not to be changed."""
        return tuple(self._floor.sessions.values())

    def session(self, session_id: str) -> Session | None:
        """The session of this id, if there is one. Not to be changed."""
        return self._floor.sessions.get(session_id)

    def views(self, person_id: str) -> tuple[CallView, ...]:
        """The calls of a person as it sees them now, oldest first."""
        return self._viewing.of_person(person_id)

    def view(self, view_id: str) -> CallView | None:
        """The view of this id, or of the leg of this id."""
        leg = self._floor.calls.get(view_id)
        side = self._floor.sides.get(leg.view_id if leg is not None else view_id)
        return self._viewing.view(side) if side is not None else None

    def _dispatch(self, event: inputs.Input) -> None:
        floor = self._floor
        match event:
            case inputs.LineRegistered():
                floor.add_line(event.line_id, event.party)
                self._ringing.offer(event.line_id, event.party)
            case inputs.LineGone():
                self._line_gone(event.line_id)
            case inputs.Place():
                self._place(event)
            case inputs.Alert():
                self._ringing.alert(event)
            case inputs.Answer():
                self._ringing.answer(event)
            case inputs.Roap():
                self._roap(event)
            case inputs.Hold():
                call = floor.talking(event.line_id, event.call_id)
                floor.heard_from(call)
                self._holding.hold(call)
            case inputs.Resume():
                call = floor.talking(event.line_id, event.call_id)
                floor.heard_from(call)
                self._holding.resume(call)
            case inputs.End():
                self._ending.end(event)
            case inputs.KeepAlive():
                floor.heard_from(floor.own(event.line_id, event.call_id))
            case inputs.LegOffered():
                self._negotiation.leg_offered(event)
            case inputs.LegAnswered():
                self._negotiation.leg_answered(event)
            case (
                inputs.LegConnected()
                | inputs.LegFailed()
                | inputs.LegDtmf()
                | inputs.LegPlayed()
                | inputs.LegSpeaks()
            ):
                call_of_leg = floor.calls.get(event.call_id)
                if call_of_leg is not None:
                    self._leg_news(call_of_leg, event)
            case inputs.BlindTransfer():
                call = floor.own(event.line_id, event.call_id)
                self._transfer.blind(call, event.target)
            case inputs.ConsultTransfer():
                call = floor.own(event.line_id, event.call_id)
                self._transfer.consult(call, floor.own(event.line_id, event.to_call_id))
            case inputs.ClickToDial():
                self._click_to_dial(event)
            case inputs.Control():
                self._control.handle(event)
            case inputs.Tick():
                self._tick()
            case inputs.Shutdown():
                self._stopped = True
                for session in self.sessions():
                    self._ending.close(session, EndReason.SHUTDOWN, "service")
            case _:
                assert_never(event)

    # --- clients ---

    def _line_gone(self, line_id: str) -> None:
        self._floor.remove_line(line_id)
        for call in self._floor.calls_of(line_id):
            if call.call_id in self._floor.calls:
                self._ending.leave(call, EndReason.LINE_LOST, tell_it=False)

    def _place(self, event: inputs.Place) -> None:
        floor = self._floor
        self._check_place(event)
        session = Session(
            session_id=event.session_id,
            tracking_id=event.tracking_id,
            caller=floor.lines[event.line_id],
            callee=party_of(event.target),
            dialled=event.dialled,
            placed=floor.now,
            members=[event.call_id],
            caller_id=event.call_id,
        )
        floor.sessions[session.session_id] = session
        call = floor.add_call(
            session,
            event.call_id,
            event.line_id,
            event.call_id,
            Dialling(),
            Answering(event.offer.seq),
            event.correlation_id,
        )
        self._viewing.open(
            session, call.view_id, session.caller, Personality.ORIGINATOR, call.call_id
        )
        floor.log(call, "idle", "place", call.state_name)
        floor.do(OpenLeg(call.call_id, event.offer.sdp))
        if floor.given_up.pop((event.line_id, event.correlation_id), None) is not None:
            # Its end overtook it. Told again, which harms nobody and helps who reuses an id.
            self._ending.close(session, EndReason.CANCELLED, "caller")
            return
        self._routing.call(session, event.target)

    def _click_to_dial(self, event: inputs.ClickToDial) -> None:
        floor = self._floor
        self._refuse_when_stopped()
        self._refuse_twice(event.view_id, event.session_id)
        lines = floor.lines_of(event.person_id)
        if not lines:
            raise ExchangeRefused(
                MobiusErrorCode.NOT_AVAILABLE, "No phone of yours is connected; connect one first."
            )
        caller = floor.lines[lines[0]]
        if self._ringing.free_lines(caller, None) is None:
            raise ExchangeRefused(
                MobiusErrorCode.USER_BUSY, "All of your phones have two calls; end one first."
            )
        session = Session(
            session_id=event.session_id,
            tracking_id=event.tracking_id,
            caller=caller,
            callee=party_of(event.target),
            dialled=event.dialled,
            placed=floor.now,
            then=Forward(event.dialled, event.target),
        )
        floor.sessions[session.session_id] = session
        self._routing.ring_own_phones(session, event.view_id, caller)

    def _check_place(self, event: inputs.Place) -> None:
        floor = self._floor
        self._refuse_when_stopped()
        if event.line_id not in floor.lines:
            raise ExchangeRefused(
                MobiusErrorCode.DEVICE_NOT_REGISTERED, "This line is not registered; register it."
            )
        _check_offer(event.offer)
        self._refuse_twice(event.call_id, event.session_id)
        if floor.by_correlation(event.line_id, event.correlation_id) is not None:
            raise ExchangeRefused(
                MobiusErrorCode.CALL_PROCESSING_ERROR,
                "This line has a call with this correlationId already; make a new one.",
            )
        if not floor.may_place(event.line_id):
            raise unsuitable(
                f"A line has at most {MAX_CALLS_PER_LINE} calls, and one more to join with one of "
                "them; end one first."
            )

    def _refuse_twice(self, view_id: str, session_id: str) -> None:
        floor = self._floor
        if view_id in floor.calls or view_id in floor.sides or session_id in floor.sessions:
            raise ExchangeRefused(
                MobiusErrorCode.CALL_PROCESSING_ERROR, "There is a call with this id already."
            )

    def _refuse_when_stopped(self) -> None:
        if self._stopped:
            raise ExchangeRefused(
                MobiusErrorCode.NOT_AVAILABLE, "The service stops; call again in a moment."
            )

    def _roap(self, event: inputs.Roap) -> None:
        floor = self._floor
        if event.correlation_id and self._ending.pay(
            event.line_id, event.call_id, event.correlation_id
        ):
            return
        call = floor.own(event.line_id, event.call_id, event.correlation_id)
        floor.heard_from(call, event.correlation_id)
        self._negotiation.client_says(call, event.message)

    def _answer_came(self, call: Call) -> None:
        self._ringing.answered(call)

    def _client_failed(self, call: Call) -> None:
        self._ending.leave(call, EndReason.ERROR, tell_it=True)

    # --- media ---

    def _leg_news(
        self,
        call: Call,
        news: inputs.LegConnected
        | inputs.LegFailed
        | inputs.LegDtmf
        | inputs.LegPlayed
        | inputs.LegSpeaks,
    ) -> None:
        match news:
            case inputs.LegConnected():
                if not call.media_up:
                    call.media_up = True
                    media_came_up(self._floor, call)
            case inputs.LegFailed():
                self._ending.leave(call, EndReason.MEDIA_LOST, tell_it=True)
            case inputs.LegDtmf():
                read_back(self._floor, call, news.digit)
            case inputs.LegPlayed():
                session = self._floor.session_of(call)
                if call.active and session.service is ServiceNumber.ANNOUNCEMENT:
                    self._ending.close(session, EndReason.HANGUP, "callee")
            case inputs.LegSpeaks():
                self._speaks(call)
            case _:
                assert_never(news)

    def _speaks(self, call: Call) -> None:
        session = self._floor.session_of(call)
        if session.is_conference and call.active and session.speaker_id != call.call_id:
            session.speaker_id = call.call_id
            for each in self._floor.members_of(session):
                self._floor.tell(each, ActiveSpeaker(call.call_id))

    # --- time ---

    def _tick(self) -> None:
        floor = self._floor
        for session_id in floor.session_timers.expired(floor.now):
            session = floor.sessions.get(session_id)
            if session is not None:
                self._routing.tick(session)
                floor.session_timers.arm(session_id)
        for call_id in floor.call_timers.expired(floor.now):
            call = floor.calls.get(call_id)
            if call is not None:
                self._tick_call(call)
                floor.call_timers.arm(call_id)

    def _tick_call(self, call: Call) -> None:
        now = self._floor.now
        if call.silent_at <= now:
            self._ending.leave(call, EndReason.LINE_LOST, tell_it=True)
        elif call.media_due is not None and call.media_due <= now:
            reason = EndReason.ERROR if call.answer_missing else EndReason.MEDIA_LOST
            self._ending.leave(call, reason, tell_it=True)
        elif self._negotiation.tick(call):
            self._holding.give_up(call)


def _check_offer(offer: RoapMessage) -> None:
    if offer.messageType is not RoapType.OFFER or not offer.sdp:
        raise ExchangeRefused(
            MobiusErrorCode.PARSING_ERROR, "A call begins with an OFFER that has an SDP."
        )
    if not 0 <= offer.seq <= MAX_SEQ:
        raise ExchangeRefused(
            MobiusErrorCode.PARSING_ERROR, "seq must be a number of 32 bits; begin with 1."
        )
