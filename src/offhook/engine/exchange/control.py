"""What a person commands over REST, about any call of theirs and from anywhere."""

from typing import assert_never

from offhook.engine.exchange import inputs
from offhook.engine.exchange.call import Call, Talking
from offhook.engine.exchange.conference import Conference
from offhook.engine.exchange.effects import AnswerRequested, SendDigits
from offhook.engine.exchange.ending import Ending
from offhook.engine.exchange.floor import Floor
from offhook.engine.exchange.holding import Holding
from offhook.engine.exchange.model import EndReason, Forward, Target
from offhook.engine.exchange.parties import mute, report
from offhook.engine.exchange.refusal import unknown, untimely
from offhook.engine.exchange.routing import Routing
from offhook.engine.exchange.service_number import read_back
from offhook.engine.exchange.session import Ring
from offhook.engine.exchange.side import Side
from offhook.engine.exchange.transfer import Transfer
from offhook.engine.exchange.viewing import Viewing


class Control:
    """See the module. `handle` raises ExchangeRefused."""

    def __init__(
        self,
        floor: Floor,
        viewing: Viewing,
        ending: Ending,
        holding: Holding,
        routing: Routing,
        transfer: Transfer,
        conference: Conference,
    ) -> None:
        self._floor = floor
        self._viewing = viewing
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
                self._mute([self._talking(side)], command.person_id if muted else "")
            case inputs.SendDigitsView(digits=digits):
                self._send_digits(self._talking(side), digits)
            case inputs.TransferView(to_view=to_view):
                to = self._leg(self._side(command.person_id, to_view))
                self._transfer.consult(self._leg(side), to)
            case inputs.BlindTransferView(target=target):
                self._transfer.blind(self._talking(side), target)
            case inputs.DivertView(dialled=dialled, target=target):
                self._divert(side, dialled, target)
            case inputs.ConferenceViews(others=others):
                legs = [self._leg(self._side(command.person_id, each)) for each in others]
                self._conference.merge(self._leg(side), legs)
            case inputs.EndConferenceView():
                self._end_conference(self._talking(side))
            case inputs.MuteParticipantView(muted=muted):
                self._mute(self._brought(side), command.person_id if muted else "")
            case _:
                assert_never(command.action)

    # --- what they mean ---

    def _ask_to_answer(self, ring: Ring) -> None:
        """The phones that ring, and each that will: who asks may be quicker than a phone."""
        ring.answer_wanted = True
        for call_id in ring.calls:
            if (call := self._floor.calls[call_id]).correlation_id:
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
        elif len(self._viewing.sides_of(leg := self._leg(side))) > 1:
            self._conference.drop_brought(side)
        else:
            self._ending.leave(leg, EndReason.HANGUP, tell_it=True)

    def _send_digits(self, call: Call, digits: str) -> None:
        for digit in digits:
            if digit != ",":
                read_back(self._floor, call, digit)
        for other in self._floor.others_of(call):
            if other.active:
                self._floor.do(SendDigits(other.call_id, digits))

    def _divert(self, side: Side, dialled: str, target: Target) -> None:
        if side.view_id not in self._floor.rings:
            self._transfer.blind(self._talking(side), target)
            return
        session = self._floor.sessions[side.session_id]
        waiter = self._floor.waiter_of(session)
        if waiter is None:
            raise untimely("You dialled this call yourself; hang up instead.")
        sent_on = len(session.redirections) + 1
        if (obstacle := self._routing.obstacle(target, waiter, sent_on)) is not None:
            raise untimely(f"The call cannot go there: {obstacle.replace('_', ' ')}.")
        self._routing.divert(session, Forward(dialled, target))

    def _end_conference(self, call: Call) -> None:
        session = self._floor.session_of(call)
        if not session.is_conference or session.host_id != call.call_id:
            raise untimely("Only the host of a conference can end it for everybody.")
        self._ending.close(session, EndReason.HANGUP, session.role_of(call.call_id))

    def _mute(self, calls: list[Call], muted_by: str) -> None:
        for call in calls:
            mute(self._floor, call, muted_by)
        report(self._floor, self._floor.session_of(calls[0]))

    def _brought(self, side: Side) -> list[Call]:
        self._talking(side)
        if not side.brought:
            raise untimely("You brought nobody into a conference with this call.")
        return [self._floor.calls[call_id] for call_id in side.brought]

    # --- finding ---

    def _side(self, person_id: str, view_id: str) -> Side:
        leg = self._floor.calls.get(view_id)
        side = self._floor.sides.get(leg.view_id if leg is not None else view_id)
        if side is None or side.party.person_id != person_id:
            raise unknown("You have no such call; it may have ended.")
        return side

    def _ringing(self, side: Side) -> Ring:
        ring = self._floor.rings.get(side.view_id)
        if ring is None:
            raise untimely("This call does not ring.")
        return ring

    def _leg(self, side: Side) -> Call:
        call = self._floor.calls.get(side.call_id)
        if call is None:
            raise untimely("This call rings; answer it first.")
        return call

    def _talking(self, side: Side) -> Call:
        call = self._leg(side)
        if not isinstance(call.state, Talking):
            raise untimely("This call was not answered yet.")
        return call
