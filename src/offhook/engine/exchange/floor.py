"""The exchange floor: all lines, calls and sessions of a node, and the effects of one input.

The other modules of this package are what happens on it; this one only keeps and finds.
"""

from offhook.engine.exchange.call import Call, Owed, Talking
from offhook.engine.exchange.effects import CloseLeg, Effect, News, Tell, Transition
from offhook.engine.exchange.model import Party
from offhook.engine.exchange.session import Session
from offhook.wire.mobius import MobiusErrorCode


class ExchangeRefused(Exception):  # noqa: N818 - a refusal is an answer, not a fault
    """A command cannot be carried out; nothing has changed."""

    def __init__(self, code: MobiusErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Floor:
    """See the module. `now` is the time of the input that is being handled, in seconds."""

    def __init__(self) -> None:
        self.lines: dict[str, Party] = {}
        self.calls: dict[str, Call] = {}
        self.sessions: dict[str, Session] = {}
        self.owed: dict[str, Owed] = {}
        self.out: list[Effect] = []
        self.now = 0.0

    # --- find ---

    def calls_of(self, line_id: str) -> list[Call]:
        """The calls of a line."""
        return [call for call in self.calls.values() if call.line_id == line_id]

    def session_of(self, call: Call) -> Session:
        """The session that the call belongs to."""
        return self.sessions[call.session_id]

    def is_caller(self, call: Call) -> bool:
        """Whether it is the side that dialled."""
        return self.session_of(call).caller_id == call.call_id

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
            raise ExchangeRefused(
                MobiusErrorCode.CALL_NOT_FOUND, "This line has no such call; it may have ended."
            )
        return call

    def talking(self, line_id: str, call_id: str) -> Call:
        """The line's call, if it was answered. Raises ExchangeRefused."""
        call = self.own(line_id, call_id)
        if not isinstance(call.state, Talking):
            raise ExchangeRefused(
                MobiusErrorCode.INVALID_STATUS_UPDATE,
                "Only an answered call can be held or resumed.",
            )
        return call

    # --- do ---

    def do(self, effect: Effect) -> None:
        """Have something done."""
        self.out.append(effect)

    def tell(self, call: Call, news: News) -> None:
        """Tell the client of a call."""
        self.do(Tell(call.line_id, call.call_id, call.correlation_id, call.tracking_id, news))

    def log(self, call: Call, old: str, event: str, new: str) -> None:
        """Note a change of a call's state."""
        self.do(Transition(call.call_id, call.tracking_id, old, event, new))

    def forget(self, call: Call, event: str) -> None:
        """The call is over: close its leg. Nothing about it follows."""
        self.log(call, call.state_name, event, "ended")
        del self.calls[call.call_id]
        self.do(CloseLeg(call.call_id))
