"""One leg's ROAP transactions, as the service runs them (draft-jennings-rtcweb-signaling).

A transaction is OFFER, ANSWER, OK with one `seq`; the next has `seq` + 1. A renegotiation that the
service wants begins with OFFER_REQUEST, and never before the OK of the one before: official clients
keep an offer that skips a number for ever. For the same reason the number of a transaction that
came to nothing is used again.

::

    Stable --offer--> Answering --our answer--> AwaitingOk --OK--> Stable
    Stable --we ask--> AwaitingOffer --offer--> Answering
                       AwaitingOffer --no offer, ERROR--> Stable
    Offering --our offer--> AwaitingAnswer --ANSWER--> Stable
"""

from dataclasses import dataclass

#: Seconds that a client has for its part of a negotiation.
NEGOTIATION_TIMEOUT = 10.0
#: `seq` is a number of 32 bits without a sign.
MAX_SEQ = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Stable:
    """No transaction is under way; `seq` is that of the last one."""

    seq: int = 0

    def ask(self, now: float) -> "AwaitingOffer":
        """The service wants to renegotiate."""
        return AwaitingOffer(self.seq + 1, now + NEGOTIATION_TIMEOUT)

    def offered(self, seq: int) -> "Answering | None":
        """The client's offer; None if it is out of order."""
        return Answering(seq) if self.seq < seq <= MAX_SEQ else None


@dataclass(frozen=True, slots=True)
class Answering:
    """The client's offer is with the media plane, which makes our answer."""

    seq: int

    def answered(self) -> "AwaitingOk":
        """Our answer goes out."""
        return AwaitingOk(self.seq)


@dataclass(frozen=True, slots=True)
class AwaitingOk:
    """Our answer is with the client. It counts: only the next transaction waits for the OK."""

    seq: int

    def acknowledged(self, seq: int) -> "Stable | None":
        """The client's OK; None for the late OK of an earlier transaction."""
        return Stable(self.seq) if seq >= self.seq else None

    def offered(self, seq: int) -> "Answering | None":
        """The client's next offer says OK as well; None if it is out of order."""
        return Answering(seq) if self.seq < seq <= MAX_SEQ else None

    def failed(self) -> Stable:
        """The client cannot use our answer."""
        return Stable(self.seq - 1)


@dataclass(frozen=True, slots=True)
class Offering:
    """The media plane makes our first offer."""

    seq: int = 1

    def offered(self) -> "AwaitingAnswer":
        """Our offer goes out."""
        return AwaitingAnswer(self.seq)


@dataclass(frozen=True, slots=True)
class AwaitingAnswer:
    """Our offer is with the client."""

    seq: int

    def answered(self) -> Stable:
        """The client's answer, which we acknowledge at once."""
        return Stable(self.seq)


@dataclass(frozen=True, slots=True)
class AwaitingOffer:
    """The client was asked for an offer, and has time for it until `until`."""

    seq: int
    until: float

    def offered(self) -> Answering:
        """The offer asked for, or the client's own one that crossed our request: as good."""
        return Answering(self.seq)

    def failed(self) -> Stable:
        """There will be no offer. A late one is welcome all the same."""
        return Stable(self.seq - 1)


Transaction = Stable | Answering | AwaitingOk | Offering | AwaitingAnswer | AwaitingOffer
