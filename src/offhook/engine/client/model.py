"""The words of a call as the app sees it: status, direction, why it ended."""

from dataclasses import dataclass
from enum import StrEnum

from offhook.errors import WebexError


class CallStatus(StrEnum):
    """Where a call is. Names follow the calling guide's ``Call.CallStatus``."""

    INITIATED = "INITIATED"  # dialled, or announced to us
    RINGING = "RINGING"
    CONNECTED = "CONNECTED"
    DISCONNECTED = "DISCONNECTED"
    WAITING = "WAITING"  # in a meeting's lobby; phone calls never are


class Direction(StrEnum):
    """Who called."""

    INCOMING = "INCOMING"
    OUTGOING = "OUTGOING"


class EndReason(StrEnum):
    """Why a call ended, and who ended it."""

    LOCAL_HANGUP = "local_hangup"  # this app hung up
    LOCAL_CANCEL = "local_cancel"  # this app gave up before an answer
    LOCAL_REJECT = "local_reject"  # this app declined
    REMOTE_HANGUP = "remote_hangup"  # the other side hung up
    REMOTE_CANCEL = "remote_cancel"  # the caller gave up before an answer
    BUSY = "busy"
    REJECTED = "rejected"  # the called person declined
    NO_ANSWER = "no_answer"
    ANSWERED_ELSEWHERE = "answered_elsewhere"  # on another device of the person, or of the group
    TRANSFERRED = "transferred"  # the other party goes on with somebody else
    MERGED = "merged"  # it goes on in a conference, on another call of this phone
    NOT_FOUND = "not_found"  # the number leads nowhere
    UNAVAILABLE = "unavailable"  # the other side, or the service, is not there
    MEDIA_LOST = "media_lost"  # audio could not be set up, or fell silent and stayed so
    SERVICE_LOST = "service_lost"  # the service does not know the call any more
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class RemoteParty:
    """The other side of a call. Either may be empty."""

    name: str = ""
    number: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody in a call. `person_id` is a uuid; all but `participant_id` may be empty."""

    participant_id: str
    name: str = ""
    number: str = ""
    person_id: str = ""
    is_self: bool = False
    is_host: bool = False
    held: bool = False
    muted: bool = False


@dataclass(frozen=True, slots=True)
class CallEnd:
    """How a call ended. `error` is there if a request of ours, or our audio, was what failed."""

    reason: EndReason
    message: str = ""
    error: WebexError | None = None
