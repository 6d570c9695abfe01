"""Offers and answers of each leg, by the rules of ROAP (wire document, 4.4)."""

from collections.abc import Callable
from typing import assert_never

from offhook.engine.exchange.call import Call, Talking, Unconfirmed
from offhook.engine.exchange.effects import (
    AnswerLeg,
    Held,
    Incoming,
    Negotiate,
    RenegotiateLeg,
    Resumed,
)
from offhook.engine.exchange.floor import Floor
from offhook.engine.exchange.inputs import LegAnswered, LegOffered
from offhook.engine.exchange.parties import remote_of
from offhook.engine.exchange.roap import (
    MAX_SEQ,
    NEGOTIATION_TIMEOUT,
    Answering,
    AwaitingAnswer,
    AwaitingOffer,
    AwaitingOk,
    Offering,
    Stable,
)
from offhook.wire.roap import RoapErrorType, RoapMessage, RoapType


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
        match message.messageType:
            case RoapType.ANSWER:
                self._answer_came(call, message)
            case RoapType.OK:
                if isinstance(call.transaction, AwaitingOk):
                    self._settle(call, call.transaction.acknowledged(message.seq))
            case RoapType.OFFER_RESPONSE | RoapType.OFFER:
                self._offer_came(call, message)
            case RoapType.ERROR:
                self._error_came(call)
            case RoapType.OFFER_REQUEST:
                self._object(call, message.seq, RoapErrorType.OUT_OF_ORDER)
            case _:
                assert_never(message.messageType)

    def leg_offered(self, news: LegOffered) -> None:
        """Our first offer to a called line: it goes out before the line is told to ring."""
        call = self._floor.calls.get(news.call_id)
        if call is None or not isinstance(call.transaction, Offering):
            return
        seq = call.transaction.seq
        call.transaction = call.transaction.offered()
        self._floor.tell(call, Negotiate(RoapMessage(seq, RoapType.OFFER, sdp=news.sdp)))
        if call.rings:
            session = self._floor.session_of(call)
            group = session.attempt.group if session.attempt is not None else None
            call.told = remote_of(self._floor, call)
            self._floor.tell(call, Incoming(call.told, group, answer_now=session.then is not None))

    def leg_answered(self, news: LegAnswered) -> None:
        """Our answer to the client's offer."""
        call = self._floor.calls.get(news.call_id)
        if call is None or not isinstance(call.transaction, Answering):
            return
        seq = call.transaction.seq
        call.transaction = call.transaction.answered()
        self._floor.tell(call, Negotiate(RoapMessage(seq, RoapType.ANSWER, sdp=news.sdp)))

    def confirm(self, call: Call, news: Held | Resumed) -> None:
        """Confirm a hold or resume together with a renegotiation, once that may begin."""
        waiting = call.unconfirmed
        if isinstance(call.transaction, Stable):
            self._ask_for_offer(call, news)
            return
        if waiting is not None and waiting.news != news:
            # Overtaken: its client still gets an answer to it.
            self._floor.tell(call, waiting.news)
        until = waiting.until if waiting is not None else self._floor.now + NEGOTIATION_TIMEOUT
        call.unconfirmed = Unconfirmed(news, until)
        self._floor.call_timers.arm(call.call_id)

    def tick(self, call: Call) -> bool:
        """Give up waiting for a client that does not reply.

        True if a hold or resume could not be renegotiated in time.
        """
        transaction, now = call.transaction, self._floor.now
        if isinstance(transaction, AwaitingOffer) and transaction.until <= now:
            # What it hears is decided here, so hold and resume have taken effect all the same;
            # only its own description of the media is behind.
            self._settle(call, transaction.failed())
        if call.unconfirmed is None or call.unconfirmed.until > now:
            return False
        call.unconfirmed = None
        return True

    def _ask_for_offer(self, call: Call, news: Held | Resumed) -> None:
        if isinstance(call.transaction, Stable):
            call.unconfirmed = None
            call.transaction = call.transaction.ask(self._floor.now)
            request = RoapMessage(call.transaction.seq, RoapType.OFFER_REQUEST)
            self._floor.tell(call, news)
            self._floor.tell(call, Negotiate(request))
            self._floor.call_timers.arm(call.call_id)

    def _settle(self, call: Call, stable: Stable | None) -> None:
        """A transaction is over: the next begins if one waits for it."""
        if stable is None:
            return
        call.transaction = stable
        if call.unconfirmed is not None:
            self._ask_for_offer(call, call.unconfirmed.news)

    def _answer_came(self, call: Call, message: RoapMessage) -> None:
        match call.transaction:
            case AwaitingAnswer(seq=seq) if message.sdp:
                self._floor.do(AnswerLeg(call.call_id, message.sdp))
                self._floor.tell(call, Negotiate(RoapMessage(seq, RoapType.OK)))
                self._settle(call, call.transaction.answered())
                self._on_answer(call)
            case Stable(seq=seq) if seq == message.seq:
                # Posted again, since the first reply was lost: perhaps our OK as well.
                self._floor.tell(call, Negotiate(RoapMessage(seq, RoapType.OK)))
            case _:
                self._object(call, message.seq, RoapErrorType.OUT_OF_ORDER)

    def _offer_came(self, call: Call, message: RoapMessage) -> None:
        match call.transaction:
            case Stable() | AwaitingOk() as transaction if message.sdp:
                answering = transaction.offered(message.seq)
            case AwaitingOffer() as transaction if message.sdp:
                answering = transaction.offered()
            case AwaitingAnswer() if message.messageType is RoapType.OFFER:
                # Glare: the called client has our offer, which stands.
                self._object(call, message.seq, RoapErrorType.CONFLICT)
                return
            case _:
                answering = None
        if answering is None or not message.sdp:
            self._object(call, message.seq, RoapErrorType.OUT_OF_ORDER)
            return
        call.transaction = answering
        if call.unconfirmed is not None:
            # This offer is answered as things stand now: it is the renegotiation that was due.
            self._floor.tell(call, call.unconfirmed.news)
            call.unconfirmed = None
        self._floor.do(RenegotiateLeg(call.call_id, message.sdp, held=call.held))

    def _error_came(self, call: Call) -> None:
        if not (isinstance(call.state, Talking) and call.media_up):
            self._on_error(call)
            return
        if isinstance(call.transaction, AwaitingOk | AwaitingOffer):
            self._settle(call, call.transaction.failed())

    def _object(self, call: Call, seq: int, kind: RoapErrorType) -> None:
        """Tell a client that its message does not fit; the call goes on as it was."""
        error = RoapMessage(max(0, min(seq, MAX_SEQ)), RoapType.ERROR, errorType=kind)
        self._floor.tell(call, Negotiate(error))
