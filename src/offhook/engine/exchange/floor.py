"""The exchange floor: all lines, calls and sessions of a node, and the effects of one input.

The other modules of this package are what happens on it; this one only keeps and finds.
"""

from offhook.engine.exchange.call import Call, Inviting, Owed, State, Talking
from offhook.engine.exchange.effects import CloseLeg, Effect, News, Tell, Transition
from offhook.engine.exchange.model import Party
from offhook.engine.exchange.refusal import unknown, untimely
from offhook.engine.exchange.roap import Transaction
from offhook.engine.exchange.session import Ring, Session
from offhook.engine.exchange.side import Side
from offhook.engine.exchange.timers import Timers

#: Calls that one line may have at a time; a third is not offered to it.
MAX_CALLS_PER_LINE = 2


class Floor:
    """See the module. `now` is the time of the input that is being handled, in seconds.

    A client that says nothing of a call for `keepalive_seconds` loses it. `owed` is by call id,
    `given_up` by line and correlation id; both until when, in the order in which they lapse.
    `idle_since` is when a person last hung up, `touched` the sessions of which somebody may see
    something new.
    """

    def __init__(self, keepalive_seconds: float) -> None:
        self.lines: dict[str, Party] = {}
        self.calls: dict[str, Call] = {}
        self.sessions: dict[str, Session] = {}
        self.rings: dict[str, Ring] = {}
        self.sides: dict[str, Side] = {}
        self.idle_since: dict[str, float] = {}
        self.touched: dict[str, None] = {}
        self.owed: dict[str, Owed] = {}
        self.given_up: dict[tuple[str, str], float] = {}
        self.out: list[Effect] = []
        self.now = 0.0
        self.call_timers = Timers(self._call_due)
        self.session_timers = Timers(self._session_due)
        self._keepalive_seconds = keepalive_seconds
        self._calls_of_line: dict[str, dict[str, Call]] = {}
        self._lines_of_person: dict[str, dict[str, None]] = {}
        self._sides_of_person: dict[str, dict[str, Side]] = {}

    # --- lines ---

    def add_line(self, line_id: str, party: Party) -> None:
        """A line is there, or says so again."""
        self.remove_line(line_id)
        self.lines[line_id] = party
        self._lines_of_person.setdefault(party.person_id, {})[line_id] = None

    def remove_line(self, line_id: str) -> None:
        """A line is gone; its calls are not touched."""
        party = self.lines.pop(line_id, None)
        if party is not None:
            lines = self._lines_of_person[party.person_id]
            del lines[line_id]
            if not lines:
                del self._lines_of_person[party.person_id]

    def lines_of(self, person_id: str) -> list[str]:
        """The lines of a person that are registered."""
        return list(self._lines_of_person.get(person_id, ()))

    def is_free(self, line_id: str) -> bool:
        """Whether the line may be offered one more call."""
        return len(self._calls_of_line.get(line_id, ())) < MAX_CALLS_PER_LINE

    def may_place(self, line_id: str) -> bool:
        """Whether the line may call: a third time only to add somebody to one of two calls."""
        calls = self._calls_of_line.get(line_id, {}).values()
        if len(calls) < MAX_CALLS_PER_LINE:
            return True
        return len(calls) == MAX_CALLS_PER_LINE and all(
            isinstance(each.state, Talking) for each in calls
        )

    # --- persons ---

    def add_side(self, side: Side) -> None:
        """A party is in a session, or is called for it."""
        self.sides[side.view_id] = side
        self._sides_of_person.setdefault(side.party.person_id, {})[side.view_id] = side

    def remove_side(self, view_id: str) -> Side:
        """It is not any more."""
        side = self.sides.pop(view_id)
        sides = self._sides_of_person[side.party.person_id]
        del sides[view_id]
        if not sides:
            del self._sides_of_person[side.party.person_id]
        return side

    def sides_of_person(self, person_id: str) -> list[Side]:
        """The person's sides of all calls, oldest first."""
        return list(self._sides_of_person.get(person_id, {}).values())

    def is_busy(self, person_id: str) -> bool:
        """Whether the person has a call, be it held, or one that rings."""
        return person_id in self._sides_of_person

    # --- calls ---

    def add_call(
        self,
        session: Session,
        call_id: str,
        line_id: str,
        view_id: str,
        state: State,
        transaction: Transaction,
        correlation_id: str = "",
    ) -> Call:
        """A new call of the session."""
        call = Call(
            call_id=call_id,
            line_id=line_id,
            party=self.lines[line_id],
            session_id=session.session_id,
            view_id=view_id,
            tracking_id=session.tracking_id,
            state=state,
            silent_at=self.now + self._keepalive_seconds,
            was_called=isinstance(state, Inviting),
            correlation_id=correlation_id,
            transaction=transaction,
        )
        self.calls[call_id] = call
        self._calls_of_line.setdefault(line_id, {})[call_id] = call
        self.call_timers.arm(call_id)
        return call

    def heard_from(self, call: Call, correlation_id: str = "") -> None:
        """Its client said something about the call, at times by which id it knows it."""
        call.silent_at = self.now + self._keepalive_seconds
        call.correlation_id = correlation_id or call.correlation_id

    def calls_of(self, line_id: str) -> list[Call]:
        """The calls of a line."""
        return list(self._calls_of_line.get(line_id, {}).values())

    def session_of(self, call: Call) -> Session:
        """The session that the call belongs to."""
        return self.sessions[call.session_id]

    def members_of(self, session: Session) -> list[Call]:
        """The calls that are in the session; those that ring are not, yet."""
        return [self.calls[call_id] for call_id in session.members]

    def others_of(self, call: Call) -> list[Call]:
        """The calls that are in a session with this one."""
        return [each for each in self.members_of(self.session_of(call)) if each is not call]

    def waiter_of(self, session: Session) -> Call | None:
        """The call that waits while somebody is called for it."""
        return self.calls[session.members[0]] if session.members else None

    def by_correlation(self, line_id: str, correlation_id: str) -> Call | None:
        """The call that a client knows by its own id only."""
        for call in self.calls_of(line_id):
            if correlation_id and call.correlation_id == correlation_id:
                return call
        return None

    def own(self, line_id: str, call_id: str, correlation_id: str = "") -> Call:
        """The line's call. Raises ExchangeRefused."""
        call = self.calls.get(call_id) or self.by_correlation(line_id, correlation_id)
        if call is None or call.line_id != line_id:
            raise unknown("This line has no such call; it may have ended.")
        return call

    def talking(self, line_id: str, call_id: str) -> Call:
        """The line's call, if it was answered. Raises ExchangeRefused."""
        call = self.own(line_id, call_id)
        if not isinstance(call.state, Talking):
            raise untimely("Only an answered call can be held or resumed.")
        return call

    # --- do ---

    def do(self, effect: Effect) -> None:
        """Have something done."""
        self.out.append(effect)

    def tell(self, call: Call, news: News) -> None:
        """Tell the client of a call."""
        self.do(Tell(call.line_id, call.call_id, call.correlation_id, call.tracking_id, news))

    def touch(self, session: Session) -> None:
        """Somebody may see something new of the session."""
        self.touched[session.session_id] = None

    def enter(self, call: Call, state: State, event: str) -> None:
        """The call goes into another state."""
        old = call.state_name
        call.state = state
        self.touched[call.session_id] = None
        self.log(call, old, event, call.state_name)
        self.call_timers.arm(call.call_id)

    def log(self, call: Call, old: str, event: str, new: str) -> None:
        """Note a change of a call's state."""
        self.do(Transition(call.call_id, call.tracking_id, old, event, new))

    def forget(self, call: Call, event: str) -> None:
        """The call is over: close its leg. Nothing about it follows."""
        self.log(call, call.state_name, event, "ended")
        del self.calls[call.call_id]
        self.call_timers.disarm(call.call_id)
        calls = self._calls_of_line[call.line_id]
        del calls[call.call_id]
        if not calls:
            del self._calls_of_line[call.line_id]
        if not call.rings:
            self.idle_since[call.party.person_id] = self.now
        self.touched[call.session_id] = None
        self.do(CloseLeg(call.call_id))

    def forget_lapsed(self) -> None:
        """Drop what nobody came for in time."""
        while self.owed and self.owed[call_id := next(iter(self.owed))].until <= self.now:
            del self.owed[call_id]
        while self.given_up and self.given_up[key := next(iter(self.given_up))] <= self.now:
            del self.given_up[key]

    def _call_due(self, call_id: str) -> float | None:
        call = self.calls.get(call_id)
        return None if call is None else call.due

    def _session_due(self, session_id: str) -> float | None:
        session = self.sessions.get(session_id)
        return None if session is None else session.due
