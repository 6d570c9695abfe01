"""Offers and answers of each leg, by the rules of ROAP (wire document, 4.4)."""

from collections.abc import Callable
from typing import assert_never

from offhook.engine.exchange.call import Call, Talking
from offhook.engine.exchange.effects import AnswerLeg, Incoming, Negotiate, RenegotiateLeg
from offhook.engine.exchange.floor import Floor
from offhook.engine.exchange.inputs import LegAnswered, LegOffered
from offhook.engine.exchange.roap import (
    Answering,
    AwaitingAnswer,
    AwaitingOffer,
    AwaitingOk,
    Offering,
    Stable,
)
from offhook.wire.roap import RoapErrorType, RoapMessage, RoapType

#: Seconds that a client has for its part of a negotiation, and media to come up after an answer.
NEGOTIATION_TIMEOUT = 10.0


class Negotiation:
    """`on_answer` is told of a called line's ANSWER, `on_error` of a client that gave up."""

    def __init__(
        self,
        floor: Floor,
        on_answer: Callable[[Call], None],
        on_error: Callable[[Call], None],
    ) -> None:
        self._floor = floor
        self._on_answer = on_answer
        self._on_error = on_error

    def client_says(self, call: Call, message: RoapMessage) -> None:
        """A ROAP message of the client."""
        call.heard_from = self._floor.now
        match message.messageType:
            case RoapType.ANSWER:
                self._answer_came(call, message)
            case RoapType.OK:
                if isinstance(call.transaction, AwaitingOk):
                    self._stable(call)
            case RoapType.OFFER_RESPONSE | RoapType.OFFER:
                self._offer_came(call, message)
            case RoapType.ERROR:
                if isinstance(call.state, Talking) and call.state.media:
                    self._stable(call)
                else:
                    self._on_error(call)
            case RoapType.OFFER_REQUEST:
                self._out_of_order(call, message.seq)
            case _:
                assert_never(message.messageType)

    def leg_offered(self, news: LegOffered) -> None:
        """Our first offer to a called line: it goes out before the line is told to ring."""
        call = self._floor.calls.get(news.call_id)
        if call is None or not isinstance(call.transaction, Offering):
            return
        seq = call.transaction.seq
        call.transaction = AwaitingAnswer(seq)
        self._floor.tell(call, Negotiate(RoapMessage(seq, RoapType.OFFER, sdp=news.sdp)))
        self._floor.tell(call, Incoming(self._floor.session_of(call).caller))

    def leg_answered(self, news: LegAnswered) -> None:
        """Our answer to the client's offer."""
        call = self._floor.calls.get(news.call_id)
        if call is None or not isinstance(call.transaction, Answering):
            return
        seq = call.transaction.seq
        call.transaction = AwaitingOk(seq, self._floor.now)
        self._floor.tell(call, Negotiate(RoapMessage(seq, RoapType.ANSWER, sdp=news.sdp)))

    def ask_for_offer(self, call: Call) -> None:
        """Begin a renegotiation, at once or as soon as the one under way is over."""
        if not isinstance(call.transaction, Stable):
            call.renegotiation_due = True
            return
        seq = call.transaction.seq + 1
        call.renegotiation_due = False
        call.transaction = AwaitingOffer(seq, self._floor.now)
        self._floor.tell(call, Negotiate(RoapMessage(seq, RoapType.OFFER_REQUEST)))

    def deadline(self, call: Call) -> float | None:
        """When `tick` has something to do for this call."""
        match call.transaction:
            case AwaitingOffer(since=since):
                return since + NEGOTIATION_TIMEOUT
            case AwaitingOk(since=since) if call.renegotiation_due:
                return since + NEGOTIATION_TIMEOUT
            case _:
                return None

    def tick(self, call: Call) -> None:
        """Give up waiting for a client that does not answer.

        What it hears is decided here, so hold and resume have taken effect all the same; only its
        own description of the media is behind.
        """
        deadline = self.deadline(call)
        if deadline is not None and deadline <= self._floor.now:
            self._stable(call)

    def _answer_came(self, call: Call, message: RoapMessage) -> None:
        if not isinstance(call.transaction, AwaitingAnswer) or not message.sdp:
            self._out_of_order(call, message.seq)
            return
        self._floor.do(AnswerLeg(call.call_id, message.sdp))
        self._floor.tell(call, Negotiate(RoapMessage(call.transaction.seq, RoapType.OK)))
        self._stable(call)
        self._on_answer(call)

    def _offer_came(self, call: Call, message: RoapMessage) -> None:
        match call.transaction:
            case AwaitingOffer(seq=seq):
                pass
            case AwaitingOk(seq=last) | Stable(seq=last) if message.seq > last:
                seq = message.seq
            case _:
                self._out_of_order(call, message.seq)
                return
        if not message.sdp:
            self._out_of_order(call, message.seq)
            return
        call.renegotiation_due = False
        call.transaction = Answering(seq)
        self._floor.do(RenegotiateLeg(call.call_id, message.sdp, held=call.held))

    def _stable(self, call: Call) -> None:
        call.transaction = Stable(call.transaction.seq)
        if call.renegotiation_due:
            self.ask_for_offer(call)

    def _out_of_order(self, call: Call, seq: int) -> None:
        error = RoapMessage(seq, RoapType.ERROR, errorType=RoapErrorType.OUT_OF_ORDER)
        self._floor.tell(call, Negotiate(error))
