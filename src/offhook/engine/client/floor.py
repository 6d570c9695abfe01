"""All calls of one phone. No two of them are connected and not on hold: one has the floor.

The other modules about several calls are what happens here; this one only keeps and finds, and
sees to it that who takes the floor takes it from whoever had it.
"""

from collections import OrderedDict
from collections.abc import Callable

from offhook.engine.client import call_io as io
from offhook.engine.client import phone_io as phone
from offhook.engine.client.call import ClientCall
from offhook.engine.client.model import EndReason
from offhook.errors import CallEndedError, CallStateError, WebexError

# Calls that are over may still be answered by the service: this many are remembered for that.
_REMEMBERED = 16


class Floor:
    """See the module. `on_answer` is told of commands with a negative number: those of scripts.

    `now` is the time of the input that is being handled.
    """

    def __init__(self, on_answer: Callable[[int, WebexError | None], None]) -> None:
        self.calls: dict[str, ClientCall] = {}
        self.now = 0.0
        self.out: list[phone.Effect] = []
        self._on_answer = on_answer
        self._past: OrderedDict[str, ClientCall] = OrderedDict()
        self._origins: dict[str, ClientCall] = {}

    def find(self, key: str) -> ClientCall | None:
        """The call, though it may be over."""
        return self.calls.get(key) or self._past.get(key)

    def holder(self, *, besides: ClientCall) -> ClientCall | None:
        """The call that has the floor, unless it is this one."""
        return next(
            (each for each in self.calls.values() if each.has_floor and each is not besides), None
        )

    def feed(self, call: ClientCall, event: io.Input) -> None:
        """Give a call an input. Raises what the call raises for a command it refuses."""
        had_floor = call.has_floor
        effects = call.handle(event, self.now)
        if call.has_floor and not had_floor:
            # Before it is told that this one is heard, the other one is silent.
            holder = self.holder(besides=call)
            if holder is not None:
                self.feed(holder, io.Displaced())
        for effect in effects:
            self._put(call, effect)
        if call.end is not None and self.calls.pop(call.correlation_id, None) is not None:
            self._past[call.correlation_id] = call
            while len(self._past) > _REMEMBERED:
                self._past.popitem(last=False)

    def do(
        self, call: ClientCall, effect: io.Effect | phone.PostTransfer | phone.PostConference
    ) -> None:
        """Have something done about a call."""
        self.out.append(phone.OfCall(call.correlation_id, effect))

    def hang_up(self, call: ClientCall) -> None:
        """End an outgoing or connected call, unless it is over."""
        if call.end is None:
            self.feed(call, io.Hangup())

    def _put(self, call: ClientCall, effect: io.Effect) -> None:
        match effect:
            case io.CommandDone(command=command) if command < 0:
                self._on_answer(command, None)
            case io.CommandFailed(command=command, error=error) if command < 0:
                self._on_answer(command, error)
            case _:
                self.do(call, effect)

    # --- consultations ---

    def associate(self, consultation: ClientCall, origin: ClientCall) -> None:
        """`consultation` was begun from `origin`."""
        self._origins[consultation.correlation_id] = origin

    def origin_of(self, key: str) -> ClientCall | None:
        """The call from which this one was begun, while both last."""
        return self._origins.get(key)

    def settle(self) -> None:
        """Part consultations and the calls that they were begun from, once either is over."""
        for key, origin in list(self._origins.items()):
            consultation = self.find(key)
            end = consultation.end if consultation is not None else None
            if end is None and origin.end is None:
                continue
            del self._origins[key]
            moved_on = end is not None and end.reason in (EndReason.TRANSFERRED, EndReason.MERGED)
            if end is not None and origin.end is None and not moved_on:
                self.do(origin, io.AssociatedEnded(key, end.reason))


def refuse_if_over(call: ClientCall) -> None:
    """Raises `CallEndedError` if the call is over."""
    if call.end is not None:
        raise CallEndedError(
            call.end.message or f"This call is over ({call.end.reason}).", call.end.reason
        )


def refuse_unless_up(call: ClientCall) -> None:
    """Raises `CallEndedError` or `CallStateError` unless the call is connected."""
    refuse_if_over(call)
    if not call.is_up:
        raise CallStateError("Only a connected call can do this; wait for connected().")
