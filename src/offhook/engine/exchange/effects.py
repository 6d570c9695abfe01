"""What comes out of the exchange, for the shell to carry out in order.

`Tell` goes to a client over Mercury; the leg effects go to the media plane; what becomes of a ring
window goes to who wakes phones; `Record` to the store; `Transition` to the log. An effect about a
call never follows the effect that closed it.
"""

from dataclasses import dataclass
from enum import StrEnum

from offhook.engine.exchange.model import CallRecord, EndReason, Party
from offhook.wire.roap import RoapMessage

# --- to a client --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Incoming:
    """Ring: `caller` calls. Sent after the OFFER, so that a client may answer at once."""

    caller: Party


@dataclass(frozen=True, slots=True)
class Progress:
    """The other side rings.

    Repeated while it does, since official clients give up after 60 s without.
    """

    callee: Party
    inband_media: bool = False


@dataclass(frozen=True, slots=True)
class Connected:
    """The other side answered; `party` is who."""

    party: Party


@dataclass(frozen=True, slots=True)
class Negotiate:
    """A ROAP message for the client."""

    message: RoapMessage


@dataclass(frozen=True, slots=True)
class Held:
    """The client's hold took effect."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """The client's resume took effect."""


@dataclass(frozen=True, slots=True)
class InfoChanged:
    """The other party is somebody else now."""

    party: Party


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The call is over. Not sent to a client that ended it itself."""

    reason: EndReason


News = Incoming | Progress | Connected | Negotiate | Held | Resumed | InfoChanged | Disconnected


@dataclass(frozen=True, slots=True)
class Tell:
    """Send `news` to the client of `line_id`.

    `correlation_id` is that client's own, empty until known.
    """

    line_id: str
    call_id: str
    correlation_id: str
    tracking_id: str
    news: News


# --- to the media plane -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenLeg:
    """Open a WebRTC leg.

    With an offer: answer it (`LegAnswered`); without: make one (`LegOffered`).
    """

    call_id: str
    offer: str | None = None


@dataclass(frozen=True, slots=True)
class AnswerLeg:
    """The client's answer to our offer."""

    call_id: str
    answer: str


@dataclass(frozen=True, slots=True)
class RenegotiateLeg:
    """The client's new offer on an open leg; the answer (`LegAnswered`) is inactive when `held`."""

    call_id: str
    offer: str
    held: bool


@dataclass(frozen=True, slots=True)
class JoinLegs:
    """From now on each of the two hears the other. Replaces whatever each heard before."""

    call_id: str
    other_call_id: str


class Sound(StrEnum):
    """What the service itself plays."""

    SILENCE = "silence"
    MUSIC_ON_HOLD = "music_on_hold"
    ANNOUNCEMENT = "announcement"
    RINGBACK = "ringback"
    BUSY_TONE = "busy_tone"


@dataclass(frozen=True, slots=True)
class PlaySound:
    """From now on the client hears `sound`.

    Replaces what it heard before; what it says is not passed on.
    """

    call_id: str
    sound: Sound


@dataclass(frozen=True, slots=True)
class PlayDigits:
    """The client hears these digits as dual tones, queued behind digits that still play."""

    call_id: str
    digits: str


@dataclass(frozen=True, slots=True)
class EchoLeg:
    """From now on the client hears itself."""

    call_id: str


@dataclass(frozen=True, slots=True)
class CloseLeg:
    """The leg is done with. Last media effect of a call."""

    call_id: str


MediaEffect = (
    OpenLeg | AnswerLeg | RenegotiateLeg | JoinLegs | PlaySound | PlayDigits | EchoLeg | CloseLeg
)

# --- about the ring window ---


@dataclass(frozen=True, slots=True)
class WindowOpened:
    """`callee` is called from now until `until` at the latest; devices that sleep may be woken."""

    session_id: str
    tracking_id: str
    caller: Party
    callee: Party
    until: float


@dataclass(frozen=True, slots=True)
class LineOffered:
    """A line of the called person is there and is offered the call."""

    session_id: str
    line_id: str


@dataclass(frozen=True, slots=True)
class LineRings:
    """The client of that line says that it rings."""

    session_id: str
    line_id: str


@dataclass(frozen=True, slots=True)
class LineLost:
    """That line is out while the call still rings: it vanished, or will not have the call."""

    session_id: str
    line_id: str


@dataclass(frozen=True, slots=True)
class WindowClosed:
    """Nobody rings any more. `reason` is None for a call that was answered."""

    session_id: str
    reason: EndReason | None


WindowEffect = WindowOpened | LineOffered | LineRings | LineLost | WindowClosed

# --- to the store and the log -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Record:
    """A session ended: keep its record."""

    record: CallRecord


@dataclass(frozen=True, slots=True)
class Transition:
    """For the log: ``old -> event -> new`` of a call, with its tracking id."""

    call_id: str
    tracking_id: str
    old: str
    event: str
    new: str


Effect = Tell | MediaEffect | WindowEffect | Record | Transition
