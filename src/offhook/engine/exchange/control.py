"""What a person commands over REST, about any call of theirs and from anywhere."""

from typing import assert_never

from offhook.engine.exchange import inputs
from offhook.engine.exchange.call import Call, Talking
from offhook.engine.exchange.conference import Conference
from offhook.engine.exchange.effects import AnswerRequested, SendDigits
from offhook.engine.exchange.ending import Ending
from offhook.engine.exchange.floor import ExchangeRefused, Floor
from offhook.engine.exchange.holding import Holding
from offhook.engine.exchange.model import EndReason, Forward, Target
from offhook.engine.exchange.routing import Routing
from offhook.engine.exchange.service_number import read_back
from offhook.engine.exchange.session import Ring
from offhook.engine.exchange.side import Side
from offhook.engine.exchange.transfer import Transfer
from offhook.wire.mobius import MobiusErrorCode


class Control:
    """See the module. `handle` raises ExchangeRefused."""

    def __init__(
        self,
        floor: Floor,
        ending: Ending,
        holding: Holding,
        routing: Routing,
        transfer: Transfer,
        conference: Conference,
    ) -> None:
        self._floor = floor
        self._ending = ending
        self._holding = holding
        self._routing = routing
        self._transfer = transfer
        self._conference = conference

    def handle(self, command: inputs.Control) -> None:
        """Do it."""
        side = self._side(command.person_id, command.view_id)
        match command.action:
            case inputs.AnswerView():
                self._ask_to_answer(self._ringing(side))
            case inputs.RejectView(busy=busy):
                reason = EndReason.REJECTED if busy else EndReason.NO_ANSWER
                self._decline(self._ringing(side), reason)
            case inputs.HangUpView():
                self._hang_up(side)
            case inputs.HoldView(held=held):
                call = self._talking(side)
                (self._holding.hold if held else self._holding.resume)(call)
            case inputs.MuteView(muted=muted):
                self._conference.mute(self._talking(side), muted=muted)
            case inputs.SendDigitsView(digits=digits):
                self._send_digits(self._talking(side), digits)
            case inputs.TransferView(to_view=to_view):
                to = self._leg(self._side(command.person_id, to_view))
                self._transfer.consult(self._leg(side), to)
            case inputs.BlindTransferView(dialled=dialled, target=target):
                self._transfer.blind(self._talking(side), dialled, target)
            case inputs.DivertView(dialled=dialled, target=target):
                self._divert(side, dialled, target)
            case inputs.ConferenceViews(others=others):
                legs = [self._leg(self._side(command.person_id, each)) for each in others]
                self._conference.merge(self._leg(side), legs)
            case inputs.EndConferenceView():
                self._end_conference(self._talking(side))
            case inputs.MuteParticipantView(muted=muted):
                self._mute_brought(side, muted=muted)
            case _:
                assert_never(command.action)

    # --- what they mean ---

    def _ask_to_answer(self, ring: Ring) -> None:
        ready = [call for each in ring.calls if (call := self._floor.calls[each]).correlation_id]
        if not ready:
            raise _refused("No phone of yours rings yet; try again in a moment.")
        for call in ready:
            self._floor.tell(call, AnswerRequested())

    def _decline(self, ring: Ring, reason: EndReason) -> None:
        self._routing.ring_over(self._floor.sessions[ring.session_id], ring, reason)

    def _hang_up(self, side: Side) -> None:
        if side.view_id in self._floor.rings:
            session = self._floor.sessions[side.session_id]
            if session.then is not None:
                self._ending.close(session, EndReason.CANCELLED, "caller")
            else:
                self._decline(self._ringing(side), EndReason.REJECTED)
        elif side.brought and self._floor.sessions[side.session_id].is_conference:
            self._conference.drop_brought(side)
        else:
            self._ending.leave(self._leg(side), EndReason.HANGUP, tell_it=True)

    def _send_digits(self, call: Call, digits: str) -> None:
        for digit in digits:
            if digit != ",":
                read_back(self._floor, call, digit)
        for other in self._floor.others_of(call):
            if other.active:
                self._floor.do(SendDigits(other.call_id, digits))

    def _divert(self, side: Side, dialled: str, target: Target) -> None:
        if side.view_id not in self._floor.rings:
            self._transfer.blind(self._talking(side), dialled, target)
            return
        session = self._floor.sessions[side.session_id]
        waiter = self._floor.waiter_of(session)
        if waiter is None:
            raise _refused("You dialled this call yourself; hang up instead.")
        if (obstacle := self._routing.obstacle(target, waiter)) is not None:
            raise _refused(f"The call cannot go there: {obstacle.replace('_', ' ')}.")
        self._routing.divert(session, Forward(dialled, target))

    def _end_conference(self, call: Call) -> None:
        session = self._floor.session_of(call)
        if not session.is_conference or session.host_id != call.call_id:
            raise _refused("Only the host of a conference can end it for everybody.")
        by = "caller" if session.caller_id == call.call_id else "callee"
        self._ending.close(session, EndReason.HANGUP, by)

    def _mute_brought(self, side: Side, *, muted: bool) -> None:
        self._talking(side)
        if not side.brought:
            raise _refused("This call is not part of a conference that you host.")
        for call_id in side.brought:
            if (call := self._floor.calls.get(call_id)) is not None:
                self._conference.mute(call, muted=muted)

    # --- finding ---

    def _side(self, person_id: str, view_id: str) -> Side:
        leg = self._floor.calls.get(view_id)
        side = self._floor.sides.get(leg.view_id if leg is not None else view_id)
        if side is None or side.party.person_id != person_id:
            raise ExchangeRefused(
                MobiusErrorCode.CALL_NOT_FOUND, "You have no such call; it may have ended."
            )
        return side

    def _ringing(self, side: Side) -> Ring:
        ring = self._floor.rings.get(side.view_id)
        if ring is None:
            raise _refused("This call does not ring.")
        return ring

    def _leg(self, side: Side) -> Call:
        call = self._floor.calls.get(side.call_id)
        if call is None:
            raise _refused("This call rings; answer it first.")
        return call

    def _talking(self, side: Side) -> Call:
        call = self._leg(side)
        if not isinstance(call.state, Talking):
            raise _refused("This call was not answered yet.")
        return call


def _refused(message: str) -> ExchangeRefused:
    return ExchangeRefused(MobiusErrorCode.INVALID_STATUS_UPDATE, message)
