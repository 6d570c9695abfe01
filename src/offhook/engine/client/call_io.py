"""What goes into a `ClientCall` and what comes out of it."""

from dataclasses import dataclass
from enum import StrEnum

from offhook.engine.client.model import CallEnd, EndReason, Member
from offhook.engine.client.negotiation import NegotiationEffect
from offhook.errors import WebexError
from offhook.wire.mobius import CauseCode, MobiusEvent

# --- inputs: commands of the app ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Dial:
    """Place the call. Done when the service has accepted it."""

    command: int


@dataclass(frozen=True, slots=True)
class Answer:
    """Take the incoming call. Done when it is connected."""

    command: int


@dataclass(frozen=True, slots=True)
class Reject:
    """Decline the incoming call."""


@dataclass(frozen=True, slots=True)
class Hangup:
    """End the call, answered or not."""


@dataclass(frozen=True, slots=True)
class SetHold:
    """Hold (`held`) or resume. Done when the service confirmed it and the audio has followed."""

    command: int
    held: bool


Command = Dial | Answer | Reject | Hangup | SetHold

# --- inputs: what happened ----------------------------------------------------------------------


class Request(StrEnum):
    """The requests that a call makes."""

    CREATE = "create"
    ALERT = "alert"
    CONNECT = "connect"
    MEDIA = "media"
    HOLD = "hold"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class Created:
    """The service took the call and names it `call_id`. `tracking_id` is that of the request."""

    call_id: str
    tracking_id: str


@dataclass(frozen=True, slots=True)
class RequestDone:
    """A request was accepted."""

    request: Request


@dataclass(frozen=True, slots=True)
class RequestFailed:
    """A request was refused, or the service cannot be reached."""

    request: Request
    error: WebexError


@dataclass(frozen=True, slots=True)
class OfferMade:
    """Our audio's offer."""

    sdp: str


@dataclass(frozen=True, slots=True)
class AnswerMade:
    """Our audio's answer to the service's offer."""

    sdp: str


@dataclass(frozen=True, slots=True)
class AnswerApplied:
    """Our audio took the service's answer."""


@dataclass(frozen=True, slots=True)
class MediaRefused:
    """Our audio could not make or take a description."""

    error: WebexError


@dataclass(frozen=True, slots=True)
class MediaLost:
    """The audio connection could not be made, or is gone."""

    error: WebexError


@dataclass(frozen=True, slots=True)
class EventCame:
    """A Mobius event about this call. `tracking_id` is that of its envelope."""

    event: MobiusEvent
    tracking_id: str = ""


@dataclass(frozen=True, slots=True)
class Displaced:
    """Another call of this phone is up now: this one is on hold, if the service knows or not."""


@dataclass(frozen=True, slots=True)
class LeavingAs:
    """The service agreed to transfer or merge the call: its end, if a usual one, means that.

    None: it did not do so in time.
    """

    reason: EndReason | None


@dataclass(frozen=True, slots=True)
class ServiceBack:
    """The event connection stands again after it was lost: see whether the call still does."""


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""


Input = (
    Command
    | Created
    | RequestDone
    | RequestFailed
    | OfferMade
    | AnswerMade
    | AnswerApplied
    | MediaRefused
    | MediaLost
    | EventCame
    | Displaced
    | LeavingAs
    | ServiceBack
    | Tick
)

# --- effects ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PatchAlerting:
    """Tell the service that we ring."""


@dataclass(frozen=True, slots=True)
class PatchConnected:
    """Tell the service that the person answered."""


@dataclass(frozen=True, slots=True)
class PostHold:
    """Ask for hold (`held`) or resume."""

    held: bool


@dataclass(frozen=True, slots=True)
class PostStatus:
    """Tell the service that the call is still there, and learn whether it knows it."""


@dataclass(frozen=True, slots=True)
class Disconnect:
    """DELETE the call named `call_id`; overtakes requests that wait."""

    call_id: str
    cause: CauseCode


@dataclass(frozen=True, slots=True)
class CloseMedia:
    """Close the audio. Nothing follows for it."""


class Ringing(StrEnum):
    """Whose ringing it is."""

    INCOMING = "incoming"
    OUTGOING = "outgoing"


@dataclass(frozen=True, slots=True)
class Incoming:
    """Somebody calls: show it."""


@dataclass(frozen=True, slots=True)
class RingingStarted:
    """It rings. With `tone` the app should sound: no audio comes from the other side yet."""

    ringing: Ringing
    tone: bool = True


@dataclass(frozen=True, slots=True)
class RingingStopped:
    """It does not ring any more."""

    ringing: Ringing


@dataclass(frozen=True, slots=True)
class Connected:
    """The call is up."""


@dataclass(frozen=True, slots=True)
class InfoChanged:
    """The other party, or the tracking id, is known now or has changed."""


@dataclass(frozen=True, slots=True)
class HoldChanged:
    """The call is held, or resumed. `by_local`: because this app asked for it."""

    held: bool
    by_local: bool


class Change(StrEnum):
    """What changed about somebody in the call."""

    JOINED = "joined"
    LEFT = "left"
    HELD = "held"
    MUTED = "muted"


@dataclass(frozen=True, slots=True)
class MemberChanged:
    """Somebody joined or left, or holds or is muted now or not any more."""

    change: Change
    member: Member


@dataclass(frozen=True, slots=True)
class SpeakerChanged:
    """Somebody else is the loudest now; `before` is None if nobody was."""

    before: Member | None
    now: Member


@dataclass(frozen=True, slots=True)
class MutedByService:
    """The service passes on, or no more, what is said here."""

    muted: bool


@dataclass(frozen=True, slots=True)
class AnswerRequested:
    """The person asks from elsewhere that the call be answered here."""


@dataclass(frozen=True, slots=True)
class AssociatedEnded:
    """The consultation begun from this call came to nothing; `consultation` is its key."""

    consultation: str
    reason: EndReason


@dataclass(frozen=True, slots=True)
class Ended:
    """The call is over. The last news."""

    end: CallEnd


News = (
    Incoming
    | RingingStarted
    | RingingStopped
    | Connected
    | InfoChanged
    | HoldChanged
    | MemberChanged
    | SpeakerChanged
    | MutedByService
    | AnswerRequested
    | AssociatedEnded
    | Ended
)


@dataclass(frozen=True, slots=True)
class CommandDone:
    """The command has taken effect."""

    command: int


@dataclass(frozen=True, slots=True)
class CommandFailed:
    """The command has not taken effect."""

    command: int
    error: WebexError


@dataclass(frozen=True, slots=True)
class Transition:
    """For the log: ``old -> event -> new``."""

    old: str
    event: str
    new: str


Effect = (
    NegotiationEffect
    | PatchAlerting
    | PatchConnected
    | PostHold
    | PostStatus
    | Disconnect
    | CloseMedia
    | News
    | CommandDone
    | CommandFailed
    | Transition
)
