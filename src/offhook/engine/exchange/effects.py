"""What comes out of the exchange, for the shell to carry out in order.

`Tell` goes to a client over Mercury; the leg effects go to the media plane; what becomes of a ring
window goes to who wakes phones; `Record` to the store; `Transition` to the log. An effect about a
call never follows the effect that closed it.
"""

from dataclasses import dataclass
from enum import StrEnum

from offhook.engine.exchange.model import CallRecord, EndReason, Party
from offhook.engine.exchange.views import CallView
from offhook.wire.roap import RoapMessage

# --- to a client --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Incoming:
    """Ring: `caller` calls. Sent after the OFFER, so that a client may answer at once.

    `group` is the hunt group that was called, `answer_now` asks the client to answer by itself:
    its own person dialled, from elsewhere.
    """

    caller: Party
    group: Party | None = None
    answer_now: bool = False


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
class Participant:
    """One party of a call, as the others see it. `participant_id` is the id of its call."""

    participant_id: str
    party: Party
    held: bool = False
    muted: bool = False
    is_host: bool = False


@dataclass(frozen=True, slots=True)
class Participants:
    """Who is in the call now, the client itself included.

    Sent whenever that, or who is on hold or muted by the service, has changed. `conference` once
    there are more than two.
    """

    participants: tuple[Participant, ...]
    conference: bool


@dataclass(frozen=True, slots=True)
class ActiveSpeaker:
    """Who is the loudest in the conference now."""

    participant_id: str


@dataclass(frozen=True, slots=True)
class AnswerRequested:
    """The person wants this client to answer the call that rings; asked for over REST."""


@dataclass(frozen=True, slots=True)
class Muted:
    """The service passes on, or no more, what the client says; asked for over REST."""

    muted: bool


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The call is over. Not sent to a client that ended it itself."""

    reason: EndReason


News = (
    Incoming
    | Progress
    | Connected
    | Negotiate
    | Held
    | Resumed
    | InfoChanged
    | Participants
    | ActiveSpeaker
    | AnswerRequested
    | Muted
    | Disconnected
)


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


@dataclass(frozen=True, slots=True)
class MixLegs:
    """From now on each of these legs hears all the others, and not itself.

    Replaces whatever each heard before. `call_id` names the mix; the same mix is told again with
    other legs when somebody joins or leaves it. What a leg hears that is not named any more comes
    as an effect of its own, before or after. A mix of which nobody is left is over.
    """

    call_id: str
    call_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MuteLeg:
    """What the client says is not passed on to whoever hears it, or is again.

    Whatever is joined or mixed meanwhile; a leg begins unmuted. Its digits are passed on.
    """

    call_id: str
    muted: bool


@dataclass(frozen=True, slots=True)
class SendDigits:
    """The client is sent these digits (``0-9 * # A-D``, ``,`` is a pause) as telephone events.

    As tones where it knows no telephone events. Queued behind digits that are still being sent.
    """

    call_id: str
    digits: str


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
    OpenLeg
    | AnswerLeg
    | RenegotiateLeg
    | JoinLegs
    | MixLegs
    | MuteLeg
    | SendDigits
    | PlaySound
    | PlayDigits
    | EchoLeg
    | CloseLeg
)

# --- about the ring window: one a person who is called, by the id of that person's side ---


@dataclass(frozen=True, slots=True)
class WindowOpened:
    """`callee` is called from now until `until` at the latest; devices that sleep may be woken.

    `group` is the hunt group that was called, if one was.
    """

    ring_id: str
    tracking_id: str
    caller: Party
    callee: Party
    until: float
    group: Party | None = None


@dataclass(frozen=True, slots=True)
class LineOffered:
    """A line of the called person is there and is offered the call."""

    ring_id: str
    line_id: str


@dataclass(frozen=True, slots=True)
class LineRings:
    """The client of that line says that it rings."""

    ring_id: str
    line_id: str


@dataclass(frozen=True, slots=True)
class LineLost:
    """That line is out while the call still rings: it vanished, or will not have the call."""

    ring_id: str
    line_id: str


@dataclass(frozen=True, slots=True)
class WindowClosed:
    """Nobody rings any more. `reason` is None for a call that was answered."""

    ring_id: str
    reason: EndReason | None


@dataclass(frozen=True, slots=True)
class CallerChanged:
    """It rings for somebody else now, to whom the call was transferred meanwhile."""

    ring_id: str
    caller: Party


WindowEffect = WindowOpened | LineOffered | LineRings | LineLost | CallerChanged | WindowClosed

# --- to the store and the log -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Record:
    """A session ended, or goes on from a person who was called: keep its record."""

    record: CallRecord


@dataclass(frozen=True, slots=True)
class Transition:
    """For the log: ``old -> event -> new`` of a call, with its tracking id."""

    call_id: str
    tracking_id: str
    old: str
    event: str
    new: str


@dataclass(frozen=True, slots=True)
class ViewChanged:
    """What one party sees of a call has changed, for REST and webhooks.

    `before` is None for a call that is new; one that is over comes once more, disconnected.
    """

    before: CallView | None
    view: CallView


Effect = Tell | MediaEffect | WindowEffect | Record | Transition | ViewChanged
