"""Hold, resume, and at most one call of a line that is not held.

Hold takes effect at once, since what a client hears is decided at the service. Its client is told
together with the renegotiation that official clients need (wire document, 4.3). If that cannot
begin in time, because the client never acknowledged the answer before, the hold is undone: an
official client that was not renegotiated could not resume any more.
"""

from offhook.engine.exchange.call import Call, Talking
from offhook.engine.exchange.effects import Held, Resumed
from offhook.engine.exchange.floor import Floor
from offhook.engine.exchange.negotiation import Negotiation
from offhook.engine.exchange.parties import report
from offhook.engine.exchange.plugging import plug


class Holding:
    """See the module."""

    def __init__(self, floor: Floor, negotiation: Negotiation) -> None:
        self._floor = floor
        self._negotiation = negotiation

    def hold(self, call: Call) -> None:
        """Hold an answered call; one that is held already is confirmed again."""
        if isinstance(call.state, Talking) and not call.held:
            self._floor.enter(call, call.state.hold(), "hold")
            plug(self._floor, self._floor.session_of(call))
        self._negotiation.confirm(call, Held())
        report(self._floor, self._floor.session_of(call))

    def resume(self, call: Call) -> None:
        """Resume an answered call; the line's other one is held first."""
        self.hold_others(call)
        self._take_up(call, "resume")
        self._negotiation.confirm(call, Resumed())
        report(self._floor, self._floor.session_of(call))

    def hold_others(self, call: Call) -> None:
        """Hold what else the line of `call` is talking on."""
        for other in self._floor.calls_of(call.line_id):
            if other is not call and other.active:
                self.hold(other)

    def give_up(self, call: Call) -> None:
        """The client could not be renegotiated with. The call goes on, if no other is active."""
        if not any(other.active for other in self._floor.calls_of(call.line_id)):
            self._take_up(call, "not renegotiated")
        self._floor.tell(call, Held() if call.held else Resumed())
        report(self._floor, self._floor.session_of(call))

    def _take_up(self, call: Call, event: str) -> None:
        if isinstance(call.state, Talking) and call.held:
            self._floor.enter(call, call.state.resume(), event)
            plug(self._floor, self._floor.session_of(call))
