"""What happens to calls, as events for the webhooks `telephony_calls` of those who talk.

Watches the exchange. Each party of a call is told what it sees: its side, its state, who is at the
other end.
"""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from offhook.engine.exchange import Exchange
from offhook.engine.exchange.effects import (
    Connected,
    Effect,
    Progress,
    Record,
    Tell,
    Transition,
    WindowOpened,
)
from offhook.engine.exchange.inputs import Input, LineGone, LineRegistered, Place
from offhook.engine.exchange.model import CallRecord, Party, UnknownTarget
from offhook.service.firehose.event import FirehoseEvent
from offhook.service.firehose.firehose import iso_time
from offhook.wire.ids import ResourceKind, encode_id
from offhook.wire.telephony_calls import (
    CallEventType,
    Personality,
    RemoteParty,
    TelephonyCallData,
    TelephonyCallState,
)
from offhook.wire.webhooks import TELEPHONY_CALLS, WebhookEventType

#: Seconds for which an event about a call is of use.
_USE = 60.0

State = TelephonyCallState
Kind = CallEventType


@dataclass(slots=True)
class _Side:
    """One party's view. `call_id` is its leg's, empty until one of its lines has taken the call."""

    personality: Personality
    party: Party
    other: Party
    state: State
    call_id: str = ""
    held: bool = False


@dataclass(slots=True)
class _View:
    """A session and its two sides; the called one is there once its person is called."""

    session_id: str
    tracking_id: str
    placed: float
    caller: _Side
    callee: _Side | None = None
    answered: float | None = None


class CallEvents:
    """Give `observe` to the shell. `publish` is the firehose's."""

    def __init__(self, exchange: Exchange, publish: Callable[[FirehoseEvent], None]) -> None:
        self._exchange = exchange
        self._publish = publish
        self._lines: dict[str, Party] = {}
        self._views: dict[str, _View] = {}
        self._by_call: dict[str, _View] = {}

    def observe(self, now: float, what: Input | Effect) -> None:
        """An input or effect of the exchange at `now`, in Unix seconds."""
        match what:
            case LineRegistered(line_id=line_id, party=party):
                self._lines[line_id] = party
            case LineGone(line_id=line_id):
                self._lines.pop(line_id, None)
            case Place():
                self._placed(what, now)
            case WindowOpened(ring_id=session_id) if view := self._views.get(session_id):
                view.callee = _Side(
                    Personality.TERMINATOR, what.callee, view.caller.party, State.ALERTING
                )
                self._tell(view, view.callee, WebhookEventType.CREATED, Kind.RECEIVED, now)
            case Tell(call_id=call_id, news=Progress()) if view := self._by_call.get(call_id):
                if view.caller.state is State.CONNECTING:
                    self._enter(view, view.caller, State.ALERTING, Kind.UPDATED, now)
            case Tell(call_id=call_id, news=Connected()) if view := self._by_call.get(call_id):
                self._answered(view, now)
            case Transition(call_id=call_id) if view := self._by_call.get(call_id):
                self._changed(view, what, now)
            case Record(record=record):
                self._over(record, now)
            case _:
                return

    def _placed(self, place: Place, now: float) -> None:
        caller = self._lines.get(place.line_id)
        if caller is None:
            return
        target = place.target
        other = Party("", target.dialled) if isinstance(target, UnknownTarget) else target.party
        side = _Side(Personality.ORIGINATOR, caller, other, State.CONNECTING, place.call_id)
        view = _View(place.session_id, place.tracking_id, now, side)
        self._views[place.session_id] = view
        self._by_call[place.call_id] = view
        self._tell(view, side, WebhookEventType.CREATED, Kind.RECEIVED, now)

    def _answered(self, view: _View, now: float) -> None:
        if view.answered is not None:
            return
        view.answered = now
        session = self._exchange.session(view.session_id)
        if view.callee is not None and session is not None and len(session.members) > 1:
            view.callee.call_id = session.members[-1]
            self._by_call[view.callee.call_id] = view
        for side in _sides(view):
            self._enter(view, side, State.CONNECTED, Kind.ANSWERED, now)

    def _changed(self, view: _View, change: Transition, now: float) -> None:
        held, resumed = change.new == "held", change.old == "held"
        side = next((each for each in _sides(view) if each.call_id == change.call_id), None)
        if side is None or change.new == "ended" or not (held or resumed):
            return
        side.held = held
        for each in _sides(view):
            other_held = any(other.held for other in _sides(view) if other is not each)
            state = (
                State.HELD if each.held else State.REMOTE_HELD if other_held else State.CONNECTED
            )
            if state is not each.state:
                own = Kind.HELD if held else Kind.RESUMED
                self._enter(view, each, state, own if each is side else Kind.UPDATED, now)

    def _over(self, record: CallRecord, now: float) -> None:
        view = self._views.pop(record.session_id, None)
        if view is None:
            return
        for side in _sides(view):
            self._by_call.pop(side.call_id, None)
            side.state = State.DISCONNECTED
            self._tell(view, side, WebhookEventType.DELETED, Kind.DISCONNECTED, now)

    def _enter(self, view: _View, side: _Side, state: State, kind: Kind, now: float) -> None:
        side.state = state
        self._tell(view, side, WebhookEventType.UPDATED, kind, now)

    def _tell(
        self, view: _View, side: _Side, event: WebhookEventType, kind: Kind, now: float
    ) -> None:
        if not side.party.person_id:
            return
        over = side.state is State.DISCONNECTED
        data = TelephonyCallData(
            eventType=kind,
            eventTimestamp=iso_time(now),
            callId=call_id_of(view.session_id, side.personality),
            callSessionId=encode_id(ResourceKind.CALL_SESSION, view.session_id),
            personality=side.personality,
            state=side.state,
            remoteParty=_remote(side.other),
            created=iso_time(view.placed),
            answered=None if view.answered is None else iso_time(view.answered),
            disconnected=iso_time(now) if over else None,
            externalTrackingId=view.tracking_id,
        )
        self._publish(
            FirehoseEvent(
                TELEPHONY_CALLS,
                event,
                side.party.person_id,
                msgspec.json.encode(data),
                now + _USE,
                f"{view.session_id}:{side.personality}",
            )
        )


def call_id_of(session_id: str, personality: Personality) -> str:
    """The id by which REST and webhooks know one side of a session."""
    return encode_id(ResourceKind.CALL, f"{session_id}:{personality}")


def _sides(view: _View) -> list[_Side]:
    return [view.caller] if view.callee is None else [view.caller, view.callee]


def _remote(party: Party) -> RemoteParty:
    person = encode_id(ResourceKind.PEOPLE, party.person_id) if party.person_id else None
    return RemoteParty(party.name, party.number, person)
