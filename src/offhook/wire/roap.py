"""ROAP, the offer/answer protocol that carries SDP between a client and Mobius.

One transaction is OFFER, ANSWER, OK with the same `seq`; the next one of the same
call has `seq` + 1. OFFER_REQUEST asks the client to make the next offer; its
OFFER_RESPONSE goes on as that transaction's offer. Source: draft-jennings-rtcweb-signaling.
"""

from enum import StrEnum

import msgspec


class RoapType(StrEnum):
    """`messageType` of a ROAP message."""

    OFFER = "OFFER"
    ANSWER = "ANSWER"
    OK = "OK"
    OFFER_REQUEST = "OFFER_REQUEST"
    OFFER_RESPONSE = "OFFER_RESPONSE"
    ERROR = "ERROR"


class RoapErrorType(StrEnum):
    """`errorType` of a ROAP ERROR."""

    OUT_OF_ORDER = "OUT_OF_ORDER"
    CONFLICT = "CONFLICT"
    DOUBLECONFLICT = "DOUBLECONFLICT"
    FAILED = "FAILED"
    INVALID_STATE = "INVALID_STATE"
    NOMATCH = "NOMATCH"
    REFUSED = "REFUSED"
    RETRY = "RETRY"
    TIMEOUT = "TIMEOUT"


class RoapMessage(msgspec.Struct, omit_defaults=True):
    """One ROAP message. `sdp` is present in OFFER, ANSWER and OFFER_RESPONSE only."""

    seq: int
    messageType: RoapType
    sdp: str | None = None
    tieBreaker: int | None = None
    version: str | None = None
    errorType: RoapErrorType | None = None
    errorCause: str | None = None


#: What a client puts into its first offer.
FIRST_OFFER_TIE_BREAKER = 4294967294
