"""What a phone that was woken asks the service about the call that it was woken for.

GET ``{mobius}/calling/web/ringing/{callId}``: our own addition to Mobius. A cloud without it
answers 404 without an `errorCode`.
"""

from enum import StrEnum

import msgspec

from offhook.wire.members import always_sent


class RingingState(StrEnum):
    """`RINGING`: register a line and it rings there. All others: it is over, and why."""

    RINGING = "ringing"
    ANSWERED = "answeredElsewhere"
    DECLINED = "declinedElsewhere"
    CANCELLED = "cancelled"
    NO_ANSWER = "noAnswer"
    FAILED = "failed"


class RingingCall(msgspec.Struct, omit_defaults=True):
    """The answer; `ringUntil` in Unix milliseconds."""

    callId: str
    state: RingingState
    trackingId: str = always_sent("")
    ringUntil: int = always_sent(0)
