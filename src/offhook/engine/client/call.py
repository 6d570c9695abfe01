"""One call as the app's side runs it, outgoing or incoming, from its first step to its end.

What is always true, after every input:

- a call ends exactly once, and then wants nothing more than the DELETE that tells the service;
- its audio is closed exactly once, when it ends;
- every command is answered exactly once, done or failed;
- every state but the connected one runs out by itself.

States and timers: wire document, 4.3 to 4.6.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import assert_never

from offhook.engine.client import call_io as io
from offhook.engine.client.call_info import CallInfo
from offhook.engine.client.call_states import (
    CONNECT_TIMEOUT,
    REASON_TIMEOUT,
    RING_TIMEOUT,
    SETUP_TIMEOUT,
    TURN_TIMEOUT,
    Alerting,
    Answering,
    Dialling,
    Invited,
    Joining,
    Over,
    Preparing,
    RemoteRinging,
    State,
    Talking,
    status_of,
)
from offhook.engine.client.causes import end_of_patience, is_line_lost, is_over, reason_of
from offhook.engine.client.hold import COMMAND_TIMEOUT, HoldCommands
from offhook.engine.client.model import (
    CallEnd,
    CallStatus,
    Direction,
    EndReason,
    Member,
    RemoteParty,
)
from offhook.engine.client.negotiation import Negotiation, NegotiationEffect, PostOffer
from offhook.engine.client.signs_of_life import KEEPALIVE_INTERVAL, SignsOfLife
from offhook.errors import CallEndedError, CallStateError, ServiceError, WebexError
from offhook.wire.mobius import (
    LOCAL_CALL_ID,
    CauseCode,
    MidCallEventType,
    MidCallState,
    MobiusEvent,
    MobiusEventType,
)


class ClientCall:
    """See the module. `handle` takes an input and the time, and returns what has to be done.

    A command that cannot be carried out raises `CallEndedError` or `CallStateError` and changes
    nothing. Times are in seconds, of any steady clock.
    """

    def __init__(
        self,
        direction: Direction,
        correlation_id: str,
        *,
        now: float,
        call_id: str = "",
        party: RemoteParty | None = None,
        keepalive_interval: float = KEEPALIVE_INTERVAL,
    ) -> None:
        incoming = direction is Direction.INCOMING
        self.direction = direction
        self.correlation_id = correlation_id
        self.call_id = call_id
        self.info = CallInfo(party or RemoteParty())
        self._signs_of_life = SignsOfLife(keepalive_interval)
        self._state: State = (
            Invited(now + SETUP_TIMEOUT) if incoming else Preparing(now + TURN_TIMEOUT)
        )
        self._negotiation = Negotiation(wait=incoming)
        self._hold = HoldCommands(self._negotiation)
        self._negotiate_by: float | None = None
        self._over_by: float | None = None
        self._requested = False
        self._opening: int | None = None
        self._disconnected_as = ""
        self._leaving_as: EndReason | None = None
        self._now = now
        self._out: list[io.Effect] = []

    # --- what is known ---

    @property
    def status(self) -> CallStatus:
        """Where the call is."""
        return status_of(self._state)

    @property
    def held(self) -> bool:
        """Whether this side holds the call."""
        return self._hold.held

    @property
    def is_up(self) -> bool:
        """Whether the call is connected, on hold or not."""
        return isinstance(self._state, Talking)

    @property
    def has_floor(self) -> bool:
        """Whether the call is connected and not on hold. No two calls of a phone are."""
        return self.is_up and not self.held

    @property
    def rings_there(self) -> bool:
        """Whether an outgoing call has reached the service, and nobody has answered it yet."""
        return isinstance(self._state, Dialling | RemoteRinging | Joining) and bool(self.call_id)

    @property
    def members(self) -> tuple[Member, ...]:
        """Who is in the call, this side first."""
        return self.info.members(self.call_id, held=self.held)

    @property
    def end(self) -> CallEnd | None:
        """How it ended, None while it has not."""
        return self._state.end if isinstance(self._state, Over) else None

    @property
    def deadline(self) -> float | None:
        """When the next `Tick` is due, None if nothing waits."""
        return min(self._deadlines(), default=None)

    def _deadlines(self) -> Iterator[float]:
        match self._state:
            case Over():
                return
            case Talking():
                if self._signs_of_life.due_at is not None:
                    yield self._signs_of_life.due_at
            case _:
                yield self._state.until
        if self._hold.deadline is not None:
            yield self._hold.deadline
        if self._negotiate_by is not None:
            yield self._negotiate_by
        if self._over_by is not None:
            yield self._over_by

    # --- inputs ---

    def handle(self, event: io.Input, now: float) -> list[io.Effect]:
        """Take an input. Raises `CallEndedError` or `CallStateError` for a command."""
        self._now = max(now, self._now)
        self._out = []
        self._dispatch(event)
        if isinstance(self._state, Talking):
            self._settle()
        return self._out

    def _dispatch(self, event: io.Input) -> None:
        match event:
            case io.Dial():
                self._dial(event.command)
            case io.Answer():
                self._answer(event.command)
            case io.Reject():
                self._reject()
            case io.Hangup():
                self._hangup()
            case io.SetHold():
                self._set_hold(event)
            case io.Created():
                self._created(event)
            case io.RequestDone():
                self._request_done(event.request)
            case io.RequestFailed():
                self._request_failed(event.request, event.error)
            case io.OfferMade():
                self._negotiate(self._negotiation.offer_made(event.sdp))
            case io.AnswerMade():
                self._negotiate(self._negotiation.answer_made(event.sdp))
            case io.AnswerApplied():
                self._negotiate(self._negotiation.answer_applied())
            case io.MediaRefused():
                self._media_refused(event.error)
            case io.MediaLost():
                self._end(EndReason.MEDIA_LOST, CauseCode.MEDIA_INACTIVITY, event.error)
            case io.EventCame():
                self._event(event.event, event.tracking_id)
            case io.Displaced():
                if isinstance(self._state, Talking):
                    self._do(*self._hold.displaced())
            case io.LeavingAs():
                self._leaving_as = event.reason
            case io.ServiceBack():
                self._service_back()
            case io.Tick():
                self._tick()
            case _:
                assert_never(event)

    # --- commands ---

    def _dial(self, command: int) -> None:
        self._refuse_if_over()
        if not isinstance(self._state, Preparing) or self._opening is not None:
            raise CallStateError("This call was placed already.")
        self._opening = command
        self._state = Preparing(self._now + SETUP_TIMEOUT)
        self._negotiate(self._negotiation.begin())

    def _answer(self, command: int) -> None:
        self.refuse_unless_alerting()
        self._opening = command
        self._enter(Answering(self._now + CONNECT_TIMEOUT), "answer")
        self._do(io.RingingStopped(io.Ringing.INCOMING), io.PatchConnected())
        self._negotiate(self._negotiation.answer())

    def _reject(self) -> None:
        self._refuse_if_over()
        if not isinstance(self._state, Alerting | Invited):
            raise CallStateError("Only an incoming call that rings can be rejected; hang up.")
        self._end(EndReason.LOCAL_REJECT, CauseCode.BUSY)

    def _hangup(self) -> None:
        self._refuse_if_over()
        match self._state:
            case Invited() | Alerting():
                raise CallStateError("This call is not answered; reject it.")
            case Talking() | Answering():
                self._end(EndReason.LOCAL_HANGUP, CauseCode.NORMAL)
            case _:
                self._end(EndReason.LOCAL_CANCEL, CauseCode.NORMAL)

    def _set_hold(self, command: io.SetHold) -> None:
        self._refuse_if_over()
        if not isinstance(self._state, Talking):
            raise CallStateError("Only a connected call can be held or resumed.")
        self._hold.add(command)

    def refuse_unless_alerting(self) -> None:
        """Raises `CallEndedError` or `CallStateError` unless it is an incoming call that rings."""
        self._refuse_if_over()
        if not isinstance(self._state, Alerting):
            raise CallStateError("Only an incoming call that rings can be answered.")

    def _refuse_if_over(self) -> None:
        if isinstance(self._state, Over):
            raise CallEndedError("This call is over.", self._state.end.reason)

    # --- answers to our requests ---

    def _created(self, event: io.Created) -> None:
        self.call_id = event.call_id
        if isinstance(self._state, Over):
            if event.call_id != self._disconnected_as:
                # Given up before the service had named the call: now it can be told which.
                self._disconnected_as = event.call_id
                self._do(io.Disconnect(event.call_id, CauseCode.NORMAL))
            return
        if not self.info.tracking_id:
            self.info.tracking_id = event.tracking_id
        if not isinstance(self._state, Talking):
            self._opened()

    def _opened(self) -> None:
        command, self._opening = self._opening, None
        if command is not None:
            self._do(io.CommandDone(command))

    def _request_done(self, request: io.Request) -> None:
        if request is io.Request.STATUS and isinstance(self._state, Talking):
            self._signs_of_life.begin(self._now)

    def _request_failed(self, request: io.Request, error: WebexError) -> None:
        if isinstance(self._state, Over):
            return
        match request:
            case io.Request.CREATE:
                self._end(EndReason.ERROR, CauseCode.NORMAL, error)
            case io.Request.MEDIA if isinstance(self._state, Talking):
                self._negotiate(self._negotiation.give_up())
            case io.Request.ALERT | io.Request.CONNECT | io.Request.MEDIA:
                self._not_set_up(error)
            case io.Request.HOLD:
                self._do(*self._hold.refused(error))
            case io.Request.STATUS:
                self._status_failed(error)
            case _:
                assert_never(request)

    def _not_set_up(self, error: WebexError) -> None:
        if is_over(error):
            # It ended in this very moment: the caller gave up, or another phone was quicker. Which
            # of them, an event is about to say.
            self._over_by = self._over_by or self._now + REASON_TIMEOUT
        else:
            reason = EndReason.SERVICE_LOST if is_line_lost(error) else EndReason.ERROR
            self._end(reason, CauseCode.NORMAL, error)

    def _status_failed(self, error: WebexError) -> None:
        if isinstance(error, ServiceError) and error.status in (401, 403, 404):
            self._end(EndReason.SERVICE_LOST, CauseCode.NORMAL, error)
            return
        if isinstance(self._state, Talking):
            self._signs_of_life.failed(self._now, getattr(error, "retry_after", None))

    def _service_back(self) -> None:
        if self.call_id and not isinstance(self._state, Over):
            self._signs_of_life.sent_early()
            self._do(io.PostStatus())

    # --- events ---

    def _event(self, event: MobiusEvent, tracking_id: str) -> None:
        if isinstance(self._state, Over):
            return
        if event.callId and not self.call_id:
            self.call_id = event.callId
        match event.eventType:
            case MobiusEventType.CALL:
                if event.midCallService:
                    self._mid_call(event)
                else:
                    self._announced(event)
            case MobiusEventType.CALL_PROGRESS:
                self._progress(event)
            case MobiusEventType.CALL_CONNECTED:
                self._remote_answered()
            case MobiusEventType.MEDIA:
                if event.message is not None:
                    self._negotiate(self._negotiation.message(event.message))
            case MobiusEventType.CALL_DISCONNECTED:
                self._disconnected(event.causecode, event.cause or "")
                return
            case _:
                assert_never(event.eventType)
        self._do(*self.info.learn(event, tracking_id))

    def _announced(self, event: MobiusEvent) -> None:
        if not isinstance(self._state, Invited):
            return
        self._enter(Alerting(self._now + RING_TIMEOUT), "call")
        self.info.announced(event)
        self._do(io.PatchAlerting(), io.Incoming(), io.RingingStarted(io.Ringing.INCOMING))
        if event.answerNow:
            self._do(io.AnswerRequested())

    def _progress(self, event: MobiusEvent) -> None:
        data = event.callProgressData
        tone = data is None or not data.inbandMedia
        if isinstance(self._state, RemoteRinging):
            self._state = replace(self._state, until=self._now + RING_TIMEOUT)
        elif isinstance(self._state, Dialling):
            self._enter(RemoteRinging(self._now + RING_TIMEOUT, tone), "progress")
            self._do(io.RingingStarted(io.Ringing.OUTGOING, tone))

    def _remote_answered(self) -> None:
        if isinstance(self._state, Dialling | RemoteRinging):
            rang = isinstance(self._state, RemoteRinging)
            self._enter(Joining(self._now + CONNECT_TIMEOUT), "connected")
            if rang:
                self._do(io.RingingStopped(io.Ringing.OUTGOING))
            self._talk_if_ready()

    def _mid_call(self, event: MobiusEvent) -> None:
        for service in event.midCallService or ():
            state = service.eventData.callState
            if service.eventType == MidCallEventType.CALL_STATE and state is not None:
                changed = self._hold.state_came(held=state is MidCallState.HELD)
                if isinstance(self._state, Talking):
                    self._do(*changed)
            else:
                self._do(*self.info.mid_call(service))

    def _disconnected(self, code: int | None, text: str) -> None:
        answered = isinstance(self._state, Talking | Joining)
        reason = reason_of(code, self.direction, answered=answered, leaving_as=self._leaving_as)
        decline = self.direction is Direction.INCOMING and not isinstance(self._state, Talking)
        # Official clients send this DELETE as well.
        self._end(reason, CauseCode.BUSY if decline else CauseCode.NORMAL, message=text)

    # --- media ---

    def _negotiate(self, effects: list[NegotiationEffect]) -> None:
        if isinstance(self._state, Over):
            return
        self._out.extend(effects)
        if isinstance(self._state, Preparing) and self._offer_is_out():
            self._requested = True
            self._enter(Dialling(self._now + SETUP_TIMEOUT), "offer")
        self._talk_if_ready()

    def _offer_is_out(self) -> bool:
        return any(isinstance(effect, PostOffer) for effect in self._out)

    def _talk_if_ready(self) -> None:
        if not self._negotiation.completed:
            return
        if isinstance(self._state, Joining | Answering):
            self._enter(Talking(self._now), "established")
            self._signs_of_life.begin(self._now)
            self._do(io.Connected())
            if self.held:
                # Somewhere else it was put on hold before it was through here.
                self._do(io.HoldChanged(held=True, by_local=False))
            self._opened()

    def _media_refused(self, error: WebexError) -> None:
        if isinstance(self._state, Talking):
            self._negotiate(self._negotiation.media_failed())
        elif not isinstance(self._state, Over):
            self._end(EndReason.MEDIA_LOST, CauseCode.MEDIA_INACTIVITY, error)

    def _settle(self) -> None:
        """Go on with hold and resume, and bound the negotiation that is under way."""
        if self._negotiation.stable:
            self._negotiate_by = None
        elif self._negotiate_by is None:
            self._negotiate_by = self._now + COMMAND_TIMEOUT
        self._do(*self._hold.settle(self._now))

    # --- time ---

    def _tick(self) -> None:
        now = self._now
        if self._over_by is not None and self._over_by <= now:
            self._disconnected(None, "")
        match self._state:
            case Over():
                return
            case Talking():
                if self._signs_of_life.is_due(now):
                    self._do(io.PostStatus())
            case _:
                if self._state.until <= now:
                    self._end(*end_of_patience(self._state))
                    return
        if self._negotiate_by is not None and self._negotiate_by <= now:
            self._negotiate_by = None
            self._negotiate(self._negotiation.give_up())
        self._do(*self._hold.tick(now))

    # --- the end ---

    def _end(
        self,
        reason: EndReason,
        cause: CauseCode,
        error: WebexError | None = None,
        *,
        message: str = "",
    ) -> None:
        if isinstance(self._state, Over):
            return
        end = CallEnd(reason, message or (error.message if error else ""), error)
        rang = self._state
        self._enter(Over(end), reason)
        if isinstance(rang, RemoteRinging):
            self._do(io.RingingStopped(io.Ringing.OUTGOING))
        elif isinstance(rang, Alerting):
            self._do(io.RingingStopped(io.Ringing.INCOMING))
        self._do(io.CloseMedia())
        if self.call_id or self._requested:
            self._disconnected_as = self.call_id or f"{LOCAL_CALL_ID}{self.correlation_id}"
            self._do(io.Disconnect(self._disconnected_as, cause))
        self._do(io.Ended(end))
        self._fail_commands(end)

    def _fail_commands(self, end: CallEnd) -> None:
        opening, self._opening = self._opening, None
        failure = end.error or CallEndedError(end.message or "The call has ended.", end.reason)
        if opening is not None:
            # The service took an outgoing call that it ends at once, a busy one for example.
            accepted = self.direction is Direction.OUTGOING and end.error is None
            if accepted and end.reason is not EndReason.LOCAL_CANCEL:
                self._do(io.CommandDone(opening))
            else:
                self._do(io.CommandFailed(opening, failure))
        for command in self._hold.drop():
            self._do(io.CommandFailed(command, failure))

    # --- small things ---

    def _do(self, *effects: io.Effect) -> None:
        self._out.extend(effects)

    def _enter(self, state: State, event: str) -> None:
        old, self._state = self._state, state
        self._do(io.Transition(type(old).__name__.lower(), event, type(state).__name__.lower()))
