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
class Forward:
    """Where a call goes instead: what was dialled for it, and what that leads to."""

    dialled: str
    target: "Target"


@dataclass(frozen=True, slots=True)
class Rules:
    """What a person, or a group, has decided about calls that nobody there takes.

    `do_not_disturb` makes a person busy. `no_answer_seconds` is how long it rings before
    `no_answer` applies, the exchange's own time if None.
    """

    do_not_disturb: bool = False
    always: Forward | None = None
    busy: Forward | None = None
    no_answer: Forward | None = None
    no_answer_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class PersonTarget:
    """The number leads to a person: every line of theirs rings."""

    party: Party
    rules: Rules = Rules()


class HuntPolicy(StrEnum):
    """Which members of a group ring, in Webex's words."""

    SIMULTANEOUS = "SIMULTANEOUS"  # all at once
    REGULAR = "REGULAR"  # one after the other, from the top of the list
    CIRCULAR = "CIRCULAR"  # one after the other, from behind who was rung last
    LONGEST_IDLE = "UNIFORM"  # one after the other, who has been without a call longest first


@dataclass(frozen=True, slots=True)
class GroupTarget:
    """The number leads to a hunt group: its members ring as `policy` says.

    One after the other each rings `member_seconds`, and on if nobody else is free; whoever is on
    any call is passed over, and who declined is not asked again. `rules` are the group's: `busy`
    when every member is, `no_answer` when nobody took it in `rules.no_answer_seconds`. The members'
    own forwarding does not apply, do-not-disturb does.
    """

    group_id: str
    party: Party
    policy: HuntPolicy
    members: tuple[PersonTarget, ...]
    rules: Rules = Rules()
    member_seconds: float = 15.0


@dataclass(frozen=True, slots=True)
class ServiceTarget:
    """The number is one of the service's own."""

    service: ServiceNumber
    party: Party


@dataclass(frozen=True, slots=True)
class UnknownTarget:
    """The number leads nowhere."""

    dialled: str


Target = PersonTarget | GroupTarget | ServiceTarget | UnknownTarget


class RedirectionReason(StrEnum):
    """Why a call went on to somebody else, in Webex's words."""

    UNCONDITIONAL = "unconditional"
    BUSY = "busy"
    NO_ANSWER = "noAnswer"
    DIVERT = "divert"
    TRANSFER = "transfer"
    HUNT_GROUP = "huntGroup"


@dataclass(frozen=True, slots=True)
class Redirection:
    """A call went on from `party`, for `reason`."""

    reason: RedirectionReason
    party: Party


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
    TRANSFERRED = "transferred"  # a party was transferred away: the others go on without it
    MERGED = "merged"  # the call went on in a conference, on another leg of the same party
    MEDIA_LOST = "media_lost"  # audio could not be set up, or went silent and stayed so
    LINE_LOST = "line_lost"  # a client vanished: its registration ended under the call
    ERROR = "error"
    SHUTDOWN = "shutdown"  # the service stops


@dataclass(frozen=True, slots=True)
class CallRecord:
    """What is kept of a finished session. Times are Unix seconds; `answered` may be None.

    One with `sent_on` is kept before that, for the person whom the call was sent on from: by whom
    it was not answered, and why. It is how often the call had been sent on then, 0 for the session.
    """

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
    sent_on: int = 0
