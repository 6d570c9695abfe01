"""A phone with a clock, and a service for it to talk to: willing, unwilling, silent or in disorder.

The service is as simple as it can be while it tells the truth about who is on hold. What it says
waits in two queues, events and answers to requests, until `pump` or a test delivers it.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from offhook.engine.client import ClientCall, ClientPhone
from offhook.engine.client import call_io as io
from offhook.engine.client import phone_io as phone
from offhook.engine.client.model import Direction, EndReason, RemoteParty
from offhook.engine.client.negotiation import (
    ApplyAnswer,
    MakeAnswer,
    MakeOffer,
    PostOffer,
    PostRoap,
)
from offhook.errors import CallStateError, ServiceError, WebexError
from offhook.wire.mobius import (
    CallerId,
    CallParticipant,
    CauseCode,
    MidCallEventData,
    MidCallService,
    MidCallState,
    MobiusEvent,
    MobiusEventType,
)
from offhook.wire.roap import RoapMessage, RoapType

NO = ServiceError("No.", 403)
REQUESTS = (
    PostOffer,
    PostRoap,
    io.PatchAlerting,
    io.PatchConnected,
    io.PostHold,
    io.PostStatus,
    phone.PostTransfer,
    phone.PostConference,
)


def caller(name: str) -> CallerId:
    return CallerId(p_asserted_identity=f'"{name}" <sip:{_number(name)}@x;user=phone>')


def _number(name: str) -> str:
    return str(1000 + sum(map(ord, name)))


def participant(name: str, **more) -> CallParticipant:
    return CallParticipant(f"p-{name}", name, _number(name), **more)


class PhoneStory:
    """Calls go by the name of whom they are with, which is their key as well."""

    def __init__(self, *, immediate: bool = True) -> None:
        self.now = 0.0
        self.phone = ClientPhone()
        self.calls: dict[str, ClientCall] = {}
        self.effects: list[tuple[str, object]] = []
        self.accepted: set[int] = set()
        self.immediate = immediate
        self.events: deque[Callable[[], None]] = deque()
        self.answers: deque[Callable[[], None]] = deque()
        #: What the service answers to requests of a kind instead, or to those of one call by name
        #: and kind; None is that it never does.
        self.instead: dict[type | tuple[str, type], WebexError | None] = {}
        #: Kinds of request that the service agrees to and then does nothing about.
        self.idle: set[type] = set()
        self.cause: CauseCode | None = CauseCode.TRANSFERRED
        self._seqs: dict[str, int] = {}
        self._gone: set[str] = set()
        self._heard: set[str] = set()
        self._commands = itertools.count(1)

    # --- inputs ---

    def feed(self, event: phone.Input) -> None:
        for effect in self.phone.handle(event, self.now):
            self._carried_out(effect.key, effect.effect)
        self._check()
        if self.immediate:
            self.pump()

    def call(self, key: str, event: io.Input | phone.Command) -> None:
        self.feed(phone.ForCall(key, event))

    def command(self, key: str, make: Callable[[int], io.Command | phone.Command]) -> int:
        number = next(self._commands)
        self.call(key, make(number))
        self.accepted.add(number)
        return number

    def pump(self) -> None:
        """Deliver whatever waits, answers first."""
        while self.answers or self.events:
            (self.answers or self.events).popleft()()

    def wait(self, seconds: float) -> None:
        end = self.now + seconds
        while (deadline := self.phone.deadline) is not None and deadline <= end:
            self.now = max(self.now, deadline)
            self.feed(phone.Tick())
        self.now = end

    # --- commands ---

    def new(self, direction: Direction, name: str, *, consultation: bool = False) -> None:
        if name in self.calls:
            raise CallStateError("There was a call of this name already.")
        incoming = direction is Direction.INCOMING
        made = ClientCall(
            direction,
            name,
            now=self.now,
            call_id=f"id-{name}" if incoming else "",
            party=RemoteParty(name, _number(name)),
        )
        self.phone.add(made, consultation=consultation)
        self.calls[name] = made

    def dial(self, name: str) -> int:
        self.new(Direction.OUTGOING, name)
        return self.command(name, io.Dial)

    def consult(self, name: str, origin: str) -> int:
        self.new(Direction.OUTGOING, name, consultation=True)
        with self._ending(name):
            return self.command(name, lambda number: phone.Consult(number, origin))

    def transfer_when_answered(self, key: str, name: str, seconds: float = 30.0) -> int:
        self.new(Direction.OUTGOING, name, consultation=True)
        with self._ending(name):
            return self.command(
                key, lambda number: phone.TransferWhenAnswered(number, name, seconds)
            )

    @contextmanager
    def _ending(self, name: str) -> Iterator[None]:
        """As a shell does it: a call that is not placed ends."""
        try:
            yield
        except WebexError:
            self.hang_up(name)
            raise

    def answer(self, key: str) -> int:
        return self.command(key, io.Answer)

    def hold(self, key: str) -> int:
        return self.command(key, lambda number: io.SetHold(number, held=True))

    def resume(self, key: str) -> int:
        return self.command(key, lambda number: io.SetHold(number, held=False))

    def merge(self, key: str, other: str) -> int:
        return self.command(key, lambda number: phone.Merge(number, other))

    def transfer(self, key: str, to: str) -> int:
        return self.command(key, lambda number: phone.Transfer(number, to))

    def direct_transfer(self, key: str, digits: str = "1003") -> int:
        return self.command(key, lambda number: phone.DirectTransfer(number, digits))

    def hang_up(self, key: str) -> None:
        self.call(key, io.Hangup())

    # --- what the service and the others do ---

    def rings(self, name: str) -> None:
        """Somebody calls."""
        self.new(Direction.INCOMING, name)
        self._roap(name, RoapType.OFFER)
        self.event(name, MobiusEventType.CALL, callerId=caller(name))
        self._flush()

    def progress(self, name: str) -> None:
        self.event(name, MobiusEventType.CALL_PROGRESS)
        self._flush()

    def picks_up(self, name: str) -> None:
        """The called party answers."""
        self._roap(name, RoapType.ANSWER)
        self.event(name, MobiusEventType.CALL_CONNECTED)
        self._flush()

    def ends(self, name: str, cause: CauseCode | None = None) -> None:
        self._disconnect(name, cause)
        self._flush()

    def state(self, name: str, state: MidCallState) -> None:
        self._mid_call(name, "callState", callState=state)
        self._flush()

    def told(self, name: str, kind: str, **data) -> None:
        self._mid_call(name, kind, **data)
        self._flush()

    def event(self, name: str, kind: MobiusEventType, **more) -> None:
        event = MobiusEvent(kind, f"id-{name}", "d", name, **more)
        self.events.append(lambda: self.call(name, io.EventCame(event, "envelope")))

    def talking(self, *names: str) -> None:
        """Calls that were placed and answered one after the other: the last one is heard."""
        for name in names:
            self.dial(name)
            self.picks_up(name)
            assert self.calls[name].is_up

    # --- what came of it ---

    def outcome(self, command: int) -> io.CommandDone | io.CommandFailed | None:
        found = [
            effect
            for _, effect in self.effects
            if isinstance(effect, io.CommandDone | io.CommandFailed) and effect.command == command
        ]
        assert len(found) <= 1
        return found[0] if found else None

    def done(self, command: int) -> bool:
        return isinstance(self.outcome(command), io.CommandDone)

    def error(self, command: int) -> WebexError | None:
        outcome = self.outcome(command)
        return outcome.error if isinstance(outcome, io.CommandFailed) else None

    def all(self, kind: type, key: str | None = None) -> list:
        return [
            effect
            for name, effect in self.effects
            if isinstance(effect, kind) and key in (None, name)
        ]

    def reason(self, key: str) -> EndReason | None:
        end = self.calls[key].end
        return end.reason if end else None

    @property
    def heard(self) -> str | None:
        """Whose call is connected and not on hold."""
        [*found] = [name for name, call in self.calls.items() if call.has_floor]
        assert len(found) <= 1
        return found[0] if found else None

    @property
    def requests(self) -> list[object]:
        """Requests about calls that last, in order."""
        return [
            effect
            for _, effect in self.effects
            if isinstance(effect, io.PostHold | phone.PostTransfer | phone.PostConference)
        ]

    # --- carrying out ---

    def _carried_out(self, key: str, effect: object) -> None:
        self.effects.append((key, effect))
        match effect:
            case MakeOffer():
                self.answers.append(lambda: self.call(key, io.OfferMade("offer")))
            case MakeAnswer():
                self.answers.append(lambda: self.call(key, io.AnswerMade("answer")))
            case ApplyAnswer():
                self.answers.append(lambda: self.call(key, io.AnswerApplied()))
            case io.Connected():
                if not self.calls[key].held:
                    self._hear(key)
            case io.HoldChanged(held=held):
                self._heard.discard(key) if held else self._hear(key)
            case io.Ended():
                self._heard.discard(key)
            case io.Disconnect():
                self._gone.add(key)
            case _ if isinstance(effect, REQUESTS):
                self._asked(key, effect)

    def _hear(self, key: str) -> None:
        """As a shell does it: from here on this call's audio flows."""
        self._heard.add(key)
        assert len(self._heard) <= 1, f"two are heard: {self._heard}"

    def _check(self) -> None:
        assert len([call for call in self.calls.values() if call.has_floor]) <= 1

    # --- the service ---

    def _asked(self, key: str, effect: object) -> None:
        kind = type(effect)
        for match in ((key, kind), kind):
            if match in self.instead:
                error = self.instead[match]
                if error is not None:
                    self._answered(key, effect, error)
                return
        if key in self._gone and kind is not PostOffer:
            self._answered(key, effect, ServiceError("Gone.", 404))
            return
        self._answered(key, effect, None)
        if kind not in self.idle:
            self._do(key, effect)

    def _answered(self, key: str, effect: object, error: WebexError | None) -> None:
        if isinstance(effect, phone.PostTransfer | phone.PostConference):
            answer = phone.RequestAnswered(effect.request, error)
            self.answers.append(lambda: self.feed(answer))
            return
        kind = {
            PostOffer: io.Request.CREATE,
            PostRoap: io.Request.MEDIA,
            io.PatchAlerting: io.Request.ALERT,
            io.PatchConnected: io.Request.CONNECT,
            io.PostHold: io.Request.HOLD,
            io.PostStatus: io.Request.STATUS,
        }[type(effect)]
        answer_of_call: io.Input = io.RequestDone(kind)
        if error is not None:
            answer_of_call = io.RequestFailed(kind, error)
        elif kind is io.Request.CREATE:
            answer_of_call = io.Created(f"id-{key}", "request")
        self.answers.append(lambda: self.call(key, answer_of_call))

    def _do(self, key: str, effect: object) -> None:
        match effect:
            case PostRoap(message=message):
                if message.messageType is RoapType.ANSWER:
                    self._roap(key, RoapType.OK, message.seq)
                elif message.messageType is RoapType.OFFER_RESPONSE:
                    self._roap(key, RoapType.ANSWER, message.seq)
            case io.PostHold(held=held):
                self._mid_call(
                    key,
                    "callState",
                    callState=MidCallState.HELD if held else MidCallState.CONNECTED,
                )
                self._seqs[key] = self._seqs.get(key, 1) + 1
                self._roap(key, RoapType.OFFER_REQUEST, self._seqs[key])
            case phone.PostTransfer(to_call_id=to_call_id):
                for name in [key, to_call_id.removeprefix("id-")] if to_call_id else [key]:
                    self._disconnect(name, self.cause)
            case phone.PostConference(call_ids=(_, *others)):
                gone = [each.removeprefix("id-") for each in others]
                names = [*self._others(key), *(n for other in gone for n in self._others(other))]
                self._mid_call(
                    key,
                    "participants",
                    participants=[participant("me", isSelf=True, isHost=True)]
                    + [participant(name) for name in names],
                    conference=True,
                )
                for other in gone:
                    self._disconnect(other, CauseCode.MERGED)

    def _others(self, key: str) -> list[str]:
        known = [member.name for member in self.calls[key].members if not member.is_self]
        return [name or key for name in known]

    def _disconnect(self, name: str, cause: CauseCode | None) -> None:
        self._gone.add(name)
        self.event(name, MobiusEventType.CALL_DISCONNECTED, causecode=cause)

    def _roap(self, name: str, kind: RoapType, seq: int = 1) -> None:
        sdp = "sdp" if kind in (RoapType.OFFER, RoapType.ANSWER) else None
        self.event(name, MobiusEventType.MEDIA, message=RoapMessage(seq, kind, sdp=sdp))

    def _mid_call(self, name: str, kind: str, **data) -> None:
        service = MidCallService(kind, MidCallEventData(**data))
        self.event(name, MobiusEventType.CALL, midCallService=[service])

    def _flush(self) -> None:
        if self.immediate:
            self.pump()
