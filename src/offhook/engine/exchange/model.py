"""The exchange's nouns.

Who is called, what a number leads to, why a call ended, what is left of it.
"""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Party:
    """One side of a call as the other side sees it.

    `person_id` is a uuid, empty for a service number.
    """

    name: str
    number: str
    person_id: str = ""


class ServiceNumber(StrEnum):
    """The test numbers, which the service answers itself."""

    ECHO = "echo"
    ANNOUNCEMENT = "announcement"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    DTMF = "dtmf"


@dataclass(frozen=True, slots=True)
class PersonTarget:
    """The number leads to a person: every line of theirs rings."""

    party: Party


@dataclass(frozen=True, slots=True)
class ServiceTarget:
    """The number is one of the service's own."""

    service: ServiceNumber
    party: Party


@dataclass(frozen=True, slots=True)
class UnknownTarget:
    """The number leads nowhere."""

    dialled: str


Target = PersonTarget | ServiceTarget | UnknownTarget


class EndReason(StrEnum):
    """Why a call ended, from the point of view of the exchange."""

    HANGUP = "hangup"  # a party ended an answered call
    CANCELLED = "cancelled"  # the caller gave up before an answer
    BUSY = "busy"
    REJECTED = "rejected"  # the called person declined
    NO_ANSWER = "no_answer"  # the ring window ended
    ANSWERED_ELSEWHERE = "answered_elsewhere"  # another line of the same person took it
    DECLINED_ELSEWHERE = "declined_elsewhere"  # another line of the same person declined it
    NOT_FOUND = "not_found"  # the number leads nowhere
    UNAVAILABLE = "unavailable"  # no line could take the call
    MEDIA_LOST = "media_lost"  # audio could not be set up, or went silent and stayed so
    LINE_LOST = "line_lost"  # a client vanished: its registration ended under the call
    ERROR = "error"
    SHUTDOWN = "shutdown"  # the service stops


@dataclass(frozen=True, slots=True)
class CallRecord:
    """What is kept of a finished session. Times are Unix seconds; `answered` may be None."""

    session_id: str
    tracking_id: str
    caller: Party
    callee: Party
    dialled: str
    placed: float
    answered: float | None
    ended: float
    reason: EndReason
    ended_by: str  # "caller", "callee" or "service"
