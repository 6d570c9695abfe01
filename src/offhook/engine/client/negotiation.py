"""One call's offer and answer, as the client runs it: ROAP over signalling, SDP by the media leg.

The client never begins a renegotiation: the service offers, or asks for an offer. What comes while
a transaction is under way waits for its end. `seq` rules: wire document, 4.4.
"""

from collections import deque
from dataclasses import dataclass
from typing import assert_never

from offhook.wire.roap import FIRST_OFFER_TIE_BREAKER, RoapErrorType, RoapMessage, RoapType

# --- effects ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MakeOffer:
    """The leg is to make an offer: `Negotiation.offer_made`."""


@dataclass(frozen=True, slots=True)
class MakeAnswer:
    """The leg is to answer `offer`: `Negotiation.answer_made`."""

    offer: str


@dataclass(frozen=True, slots=True)
class ApplyAnswer:
    """The leg is to take `answer` to its offer: `Negotiation.answer_applied`."""

    answer: str


@dataclass(frozen=True, slots=True)
class PostRoap:
    """Send this ROAP message with POST ``media``."""

    message: RoapMessage


@dataclass(frozen=True, slots=True)
class PostOffer:
    """The first offer is ready: create the call with it."""

    message: RoapMessage


NegotiationEffect = MakeOffer | MakeAnswer | ApplyAnswer | PostRoap | PostOffer

# --- states -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stable:
    """Nothing is under way."""


@dataclass(frozen=True, slots=True)
class MakingOffer:
    """The leg makes our offer, the first one or the one that was asked for."""

    first: bool


@dataclass(frozen=True, slots=True)
class AwaitingAnswer:
    """Our offer is with the service."""


@dataclass(frozen=True, slots=True)
class ApplyingAnswer:
    """The leg takes the service's answer."""


@dataclass(frozen=True, slots=True)
class OfferWaits:
    """The caller's offer waits until the person answers."""

    offer: str


@dataclass(frozen=True, slots=True)
class MakingAnswer:
    """The leg answers the service's offer."""


@dataclass(frozen=True, slots=True)
class AwaitingOk:
    """Our answer is with the service."""


State = (
    Stable | MakingOffer | AwaitingAnswer | ApplyingAnswer | OfferWaits | MakingAnswer | AwaitingOk
)


class Negotiation:
    """See the module. Each method returns what has to be done; `completed` counts transactions.

    With `wait` the first offer of the service is kept until `answer` is called.
    """

    def __init__(self, *, wait: bool) -> None:
        self.state: State = Stable()
        self.seq = 0
        self.completed = 0
        self._wait = wait
        self._answer_wanted = not wait
        self._waiting: deque[RoapMessage] = deque(maxlen=4)

    @property
    def stable(self) -> bool:
        """Whether nothing is under way."""
        return isinstance(self.state, Stable)

    def begin(self) -> list[NegotiationEffect]:
        """Make the first offer of an outgoing call."""
        self.seq = 1
        self.state = MakingOffer(first=True)
        return [MakeOffer()]

    def answer(self) -> list[NegotiationEffect]:
        """The person answered: answer the offer that waits, or the next one that comes."""
        self._answer_wanted = True
        if isinstance(self.state, OfferWaits):
            offer = self.state.offer
            self.state = MakingAnswer()
            return [MakeAnswer(offer)]
        if isinstance(self.state, Stable) and self._waiting:
            return self._next()
        return []

    def message(self, message: RoapMessage) -> list[NegotiationEffect]:
        """The service sent `message`. What does not fit is passed over."""
        match message.messageType:
            case RoapType.OFFER | RoapType.OFFER_REQUEST:
                return self._offered(message)
            case RoapType.ANSWER:
                if isinstance(self.state, AwaitingAnswer) and message.sdp:
                    self.state = ApplyingAnswer()
                    return [ApplyAnswer(message.sdp)]
            case RoapType.OK:
                if isinstance(self.state, AwaitingOk):
                    return self._complete()
            case RoapType.ERROR:
                # Our message was refused. A call that stands goes on as it was before.
                if self.completed and not self.stable:
                    return self._complete(count=False)
            case RoapType.OFFER_RESPONSE:
                pass  # only clients send these
            case _:
                assert_never(message.messageType)
        return []

    def _offered(self, message: RoapMessage) -> list[NegotiationEffect]:
        if not isinstance(self.state, Stable):
            repeated = message.seq <= self.seq or any(
                each.seq == message.seq for each in self._waiting
            )
            if not repeated:
                self._waiting.append(message)
            return []
        if message.messageType is RoapType.OFFER_REQUEST:
            if not self._answer_wanted:
                self._waiting.append(message)
                return []
            self.seq += 1
            self.state = MakingOffer(first=False)
            return [MakeOffer()]
        if message.seq <= self.seq and self.completed:
            return []  # one that we have answered already
        if not message.sdp:
            return [self._error(message.seq, RoapErrorType.NOMATCH)]
        self.seq = message.seq
        if not self._answer_wanted:
            self.state = OfferWaits(message.sdp)
            return []
        self.state = MakingAnswer()
        return [MakeAnswer(message.sdp)]

    def offer_made(self, sdp: str) -> list[NegotiationEffect]:
        """The leg made our offer."""
        if not isinstance(self.state, MakingOffer):
            return []
        first, self.state = self.state.first, AwaitingAnswer()
        if first:
            offer = RoapMessage(
                self.seq, RoapType.OFFER, sdp=sdp, tieBreaker=FIRST_OFFER_TIE_BREAKER
            )
            return [PostOffer(offer)]
        return [PostRoap(RoapMessage(self.seq, RoapType.OFFER_RESPONSE, sdp=sdp))]

    def answer_made(self, sdp: str) -> list[NegotiationEffect]:
        """The leg answered the service's offer."""
        if not isinstance(self.state, MakingAnswer):
            return []
        self.state = AwaitingOk()
        return [PostRoap(RoapMessage(self.seq, RoapType.ANSWER, sdp=sdp))]

    def answer_applied(self) -> list[NegotiationEffect]:
        """The leg took the service's answer."""
        if not isinstance(self.state, ApplyingAnswer):
            return []
        return [PostRoap(RoapMessage(self.seq, RoapType.OK)), *self._complete()]

    def media_failed(self) -> list[NegotiationEffect]:
        """The leg could not do its part: the transaction is refused, the call goes on as it was."""
        if self.stable:
            return []
        error = self._error(self.seq, RoapErrorType.FAILED)
        return [error, *self._complete(count=False)]

    def give_up(self) -> list[NegotiationEffect]:
        """The service did not finish the transaction in time."""
        return [] if self.stable else self._complete(count=False)

    def _complete(self, *, count: bool = True) -> list[NegotiationEffect]:
        self.state = Stable()
        self.completed += count
        return self._next() if self._waiting else []

    def _next(self) -> list[NegotiationEffect]:
        return self._offered(self._waiting.popleft())

    @staticmethod
    def _error(seq: int, kind: RoapErrorType) -> PostRoap:
        return PostRoap(RoapMessage(seq, RoapType.ERROR, errorType=kind))
