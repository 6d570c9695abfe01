"""Who hears whom: hold, resume, and at most one call of a line that is not held.

Hold takes effect at once, since what a client hears is decided at the service; the renegotiation
that official clients need (wire document, 4.3) follows and cannot undo it.
"""

from typing import assert_never

from offhook.engine.exchange.call import Call, Talking
from offhook.engine.exchange.effects import EchoLeg, Held, JoinLegs, PlaySound, Resumed, Sound
from offhook.engine.exchange.floor import Floor
from offhook.engine.exchange.model import ServiceNumber, ServiceTarget
from offhook.engine.exchange.negotiation import Negotiation
from offhook.engine.exchange.session import Session


class Holding:
    """See the module."""

    def __init__(self, floor: Floor, negotiation: Negotiation) -> None:
        self._floor = floor
        self._negotiation = negotiation

    def hold(self, call: Call) -> None:
        """Hold an answered call; one that is held already is confirmed again."""
        call.heard_from = self._floor.now
        if not call.held:
            self._floor.log(call, call.state_name, "hold", "held")
            call.held = True
            self.plug(self._floor.session_of(call))
        self._floor.tell(call, Held())
        self._negotiation.ask_for_offer(call)

    def resume(self, call: Call) -> None:
        """Resume an answered call; the line's other one is held first."""
        call.heard_from = self._floor.now
        self.hold_others(call)
        if call.held:
            self._floor.log(call, "held", "resume", "talking")
            call.held = False
            self.plug(self._floor.session_of(call))
        self._floor.tell(call, Resumed())
        self._negotiation.ask_for_offer(call)

    def hold_others(self, call: Call) -> None:
        """Hold what else the line of `call` is talking on."""
        for other in self._floor.calls_of(call.line_id):
            if other is not call and isinstance(other.state, Talking) and not other.held:
                self.hold(other)

    def plug(self, session: Session) -> None:
        """Connect what both sides hear with what is true of the session now."""
        caller = self._floor.calls[session.caller_id]
        if isinstance(session.target, ServiceTarget):
            self._plug_service(caller, session.target.service)
            return
        callee = self._floor.calls[session.called[0]]
        if not caller.held and not callee.held:
            self._floor.do(JoinLegs(caller.call_id, callee.call_id))
            return
        for call in (caller, callee):
            sound = Sound.SILENCE if call.held else Sound.MUSIC_ON_HOLD
            self._floor.do(PlaySound(call.call_id, sound))

    def _plug_service(self, call: Call, service: ServiceNumber) -> None:
        if call.held:
            self._floor.do(PlaySound(call.call_id, Sound.SILENCE))
            return
        match service:
            case ServiceNumber.ECHO:
                self._floor.do(EchoLeg(call.call_id))
            case ServiceNumber.ANNOUNCEMENT:
                self._floor.do(PlaySound(call.call_id, Sound.ANNOUNCEMENT))
            case ServiceNumber.DTMF | ServiceNumber.BUSY | ServiceNumber.NO_ANSWER:
                self._floor.do(PlaySound(call.call_id, Sound.SILENCE))
            case _:
                assert_never(service)
