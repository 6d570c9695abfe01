"""What goes into the exchange: commands of clients, news from the media plane, and time passing.

An input names the call it is about; everything random (ids) and everything looked up (what a number
leads to) is decided by the shell and comes in as data.
"""

from dataclasses import dataclass

from offhook.engine.exchange.model import Party, Target
from offhook.wire.mobius import CauseCode
from offhook.wire.roap import RoapMessage

# --- lines --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LineRegistered:
    """A client registered a line of `party`'s person.

    A call that still rings for that person is offered to it.
    """

    line_id: str
    party: Party


@dataclass(frozen=True, slots=True)
class LineGone:
    """A line was unregistered, expired or taken over. Its calls end."""

    line_id: str


# --- commands of a client -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """A line calls `target` with its first OFFER. `call_id` names the caller's leg."""

    call_id: str
    line_id: str
    correlation_id: str
    session_id: str
    tracking_id: str
    dialled: str
    target: Target
    offer: RoapMessage


@dataclass(frozen=True, slots=True)
class Alert:
    """The called client rings; this is where the exchange learns that client's correlation id."""

    line_id: str
    call_id: str
    correlation_id: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The called person answered on this line."""

    line_id: str
    call_id: str
    correlation_id: str


@dataclass(frozen=True, slots=True)
class Roap:
    """A ROAP message of the client: ANSWER, OK, OFFER_RESPONSE, OFFER or ERROR.

    `correlation_id` finds a call whose creator does not know its id yet: its socket may bring our
    ANSWER before its request for the call is answered.
    """

    line_id: str
    call_id: str
    message: RoapMessage
    correlation_id: str = ""


@dataclass(frozen=True, slots=True)
class Hold:
    """Hold the call of this line."""

    line_id: str
    call_id: str


@dataclass(frozen=True, slots=True)
class Resume:
    """Resume the call of this line."""

    line_id: str
    call_id: str


@dataclass(frozen=True, slots=True)
class End:
    """Hang up, cancel or decline.

    `correlation_id` finds a call whose creator does not know its id yet.
    """

    line_id: str
    call_id: str
    correlation_id: str
    cause: CauseCode


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """The client says that the call is still there; refused if it is not."""

    line_id: str
    call_id: str


@dataclass(frozen=True, slots=True)
class BlindTransfer:
    """The other party of this line's call goes on to `target`; the line's own call ends at once."""

    line_id: str
    call_id: str
    target: Target


@dataclass(frozen=True, slots=True)
class ConsultTransfer:
    """The other parties of two calls of this line talk with each other; both its calls end.

    Where nobody has answered the second call yet, the first one's other party waits for that.
    """

    line_id: str
    call_id: str
    to_call_id: str


Command = (
    Place
    | Alert
    | Answer
    | Roap
    | Hold
    | Resume
    | End
    | KeepAlive
    | BlindTransfer
    | ConsultTransfer
)

# --- commands of a person over REST, about a view (`CallView`) or a leg of theirs ----------------


@dataclass(frozen=True, slots=True)
class ClickToDial:
    """Ring the person's own lines; once one answers, call `target` from there.

    `view_id` names the person's view of the call.
    """

    person_id: str
    view_id: str
    session_id: str
    tracking_id: str
    dialled: str
    target: Target


@dataclass(frozen=True, slots=True)
class AnswerView:
    """Ask the lines that ring to answer; the first that does has the call."""


@dataclass(frozen=True, slots=True)
class RejectView:
    """Decline a call that rings. With `busy` the caller is told so, else that nobody answered."""

    busy: bool = True


@dataclass(frozen=True, slots=True)
class HangUpView:
    """Leave, cancel, or decline: end this party's side."""


@dataclass(frozen=True, slots=True)
class HoldView:
    """Hold, or resume with `held` false; the line's other call is held first."""

    held: bool


@dataclass(frozen=True, slots=True)
class MuteView:
    """Mute or unmute the party at the service."""

    muted: bool


@dataclass(frozen=True, slots=True)
class SendDigitsView:
    """Send digits to the other parties."""

    digits: str


@dataclass(frozen=True, slots=True)
class TransferView:
    """Consult transfer: join the other parties of this call and of `to_view`."""

    to_view: str


@dataclass(frozen=True, slots=True)
class BlindTransferView:
    """Send the other party on to a number."""

    target: Target


@dataclass(frozen=True, slots=True)
class DivertView:
    """Send a call that rings on to a number, or a call that is up as a blind transfer does."""

    dialled: str
    target: Target


@dataclass(frozen=True, slots=True)
class ConferenceViews:
    """Join this call and all of these into one conference, on the leg of this one.

    The person's other legs end as merged; their views stay, each for the party that it brought.
    """

    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EndConferenceView:
    """The host ends the conference for everybody."""


@dataclass(frozen=True, slots=True)
class MuteParticipantView:
    """The host mutes, or unmutes, the participant that this view brought in."""

    muted: bool


Action = (
    AnswerView
    | RejectView
    | HangUpView
    | HoldView
    | MuteView
    | SendDigitsView
    | TransferView
    | BlindTransferView
    | DivertView
    | ConferenceViews
    | EndConferenceView
    | MuteParticipantView
)


@dataclass(frozen=True, slots=True)
class Control:
    """A person commands a call of theirs. `view_id` may also be the id of a leg of theirs."""

    person_id: str
    view_id: str
    action: Action


# --- news from the media plane ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LegOffered:
    """The answer to `OpenLeg` without an offer: our offer to the called client."""

    call_id: str
    sdp: str


@dataclass(frozen=True, slots=True)
class LegAnswered:
    """The answer to `OpenLeg` or `RenegotiateLeg` with an offer: our SDP answer to it."""

    call_id: str
    sdp: str


@dataclass(frozen=True, slots=True)
class LegConnected:
    """ICE and DTLS are up: audio can flow."""

    call_id: str


@dataclass(frozen=True, slots=True)
class LegFailed:
    """The leg could not be set up (bad SDP, no path in time), or it went silent and stayed so."""

    call_id: str
    why: str


@dataclass(frozen=True, slots=True)
class LegDtmf:
    """The client sent a digit (RFC 4733): one of ``0-9 * # A-D``."""

    call_id: str
    digit: str


@dataclass(frozen=True, slots=True)
class LegPlayed:
    """A sound that ends by itself has ended."""

    call_id: str


@dataclass(frozen=True, slots=True)
class LegSpeaks:
    """In its mix this leg is the loudest now, and has been for a moment; told when that changes."""

    call_id: str


MediaNews = LegOffered | LegAnswered | LegConnected | LegFailed | LegDtmf | LegPlayed | LegSpeaks

# --- the rest -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed: timers that are due fire."""


@dataclass(frozen=True, slots=True)
class Shutdown:
    """End every call."""


Input = LineRegistered | LineGone | Command | ClickToDial | Control | MediaNews | Tick | Shutdown
