"""One leg's ROAP transactions, as the service runs them (draft-jennings-rtcweb-signaling).

A transaction is OFFER, ANSWER, OK with one `seq`; the next has `seq` + 1. A renegotiation that the
service wants begins with OFFER_REQUEST, and never before the OK of the one before: official clients
keep an offer that skips a number for ever.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stable:
    """No transaction is under way; `seq` is that of the last one."""

    seq: int = 0


@dataclass(frozen=True, slots=True)
class Answering:
    """The client's offer is with the media plane, which makes our answer."""

    seq: int


@dataclass(frozen=True, slots=True)
class AwaitingOk:
    """Our answer is with the client. It counts: only the next transaction waits for the OK."""

    seq: int
    since: float


@dataclass(frozen=True, slots=True)
class Offering:
    """The media plane makes our first offer."""

    seq: int


@dataclass(frozen=True, slots=True)
class AwaitingAnswer:
    """Our offer is with the client."""

    seq: int


@dataclass(frozen=True, slots=True)
class AwaitingOffer:
    """The client was asked for an offer."""

    seq: int
    since: float


Transaction = Stable | Answering | AwaitingOk | Offering | AwaitingAnswer | AwaitingOffer
