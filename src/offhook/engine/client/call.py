"""The app's side of one call, sans-I/O: what the user does and what the cloud says go in with the
time, requests and events come out.

The wire is Mobius (wire document, 4). Events may come in any order that official clients accept:
the answer to our offer before or after the connect, an offer before or after the call's own event.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from offhook.wire.mobius import CallerId, CauseCode, MidCallState, MobiusEvent, MobiusEventType
from offhook.wire.name_addr import caller_of
from offhook.wire.roap import FIRST_OFFER_TIE_BREAKER, RoapErrorType, RoapMessage, RoapType

#: Seconds that the cloud has to take a call, and to confirm hold or resume.
SETUP_TIMEOUT = 10.0
SERVICE_TIMEOUT = 10.0
#: Seconds without any sign of progress after which a ringing call is given up.
RING_TIMEOUT = 60.0
#: Seconds between two keep-alives of a call.
KEEPALIVE = 600.0


class CallStatus(StrEnum):
    """Where a call is."""

    INITIATED = "initiated"
    RINGING = "ringing"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"


class Direction(StrEnum):
    """Who called."""

    INCOMING = "incoming"
    OUTGOING = "outgoing"


class EndReason(StrEnum):
    """Why a call ended, from the point of view of this app."""

    LOCAL_HANGUP = "local_hangup"
    REMOTE_HANGUP = "remote_hangup"
    LOCAL_CANCEL = "local_cancel"
    REMOTE_CANCEL = "remote_cancel"
    LOCAL_DECLINE = "local_decline"
    REJECTED = "rejected"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    NOT_FOUND = "not_found"
    UNAVAILABLE = "unavailable"
    ANSWERED_ELSEWHERE = "answered_elsewhere"
    MEDIA_LOST = "media_lost"
    SERVICE_LOST = "service_lost"
    ERROR = "error"


# --- what goes in ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Dial:
    """The user calls; our first offer is ready."""

    sdp: str


@dataclass(frozen=True, slots=True)
class Created:
    """The cloud took the call and named it."""

    call_id: str


@dataclass(frozen=True, slots=True)
class FromCloud:
    """An event about this call."""

    event: MobiusEvent


@dataclass(frozen=True, slots=True)
class Answer:
    """The user answers."""


@dataclass(frozen=True, slots=True)
class Reject:
    """The user declines."""


@dataclass(frozen=True, slots=True)
class Hangup:
    """The user hangs up, or gives up before an answer."""


@dataclass(frozen=True, slots=True)
class Dismiss:
    """This app cannot take the call; other devices ring on."""


@dataclass(frozen=True, slots=True)
class Hold:
    """The user holds the call."""


@dataclass(frozen=True, slots=True)
class Resume:
    """The user resumes it."""


@dataclass(frozen=True, slots=True)
class OfferMade:
    """The media made the offer that `MakeOffer` asked for."""

    sdp: str


@dataclass(frozen=True, slots=True)
class AnswerMade:
    """The media made the answer that `MakeAnswer` asked for."""

    sdp: str


@dataclass(frozen=True, slots=True)
class MediaConnected:
    """Audio can flow."""


@dataclass(frozen=True, slots=True)
class MediaFailed:
    """Audio cannot flow, or not any more."""


@dataclass(frozen=True, slots=True)
class RequestFailed:
    """A request that an effect asked for was refused or had no answer."""

    request: "Request"


@dataclass(frozen=True, slots=True)
class Gone:
    """The cloud does not know the call any more."""


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""


Input = (
    Dial
    | Created
    | FromCloud
    | Answer
    | Reject
    | Hangup
    | Dismiss
    | Hold
    | Resume
    | OfferMade
    | AnswerMade
    | MediaConnected
    | MediaFailed
    | RequestFailed
    | Gone
    | Tick
)

# --- what comes out -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SendCreate:
    """POST the call with our first offer."""

    message: RoapMessage


@dataclass(frozen=True, slots=True)
class SendAlerting:
    """PATCH: this client rings."""


@dataclass(frozen=True, slots=True)
class SendConnect:
    """PATCH: the user answered."""


@dataclass(frozen=True, slots=True)
class SendMedia:
    """POST a ROAP message."""

    message: RoapMessage


@dataclass(frozen=True, slots=True)
class SendHold:
    """POST hold."""


@dataclass(frozen=True, slots=True)
class SendResume:
    """POST resume."""


@dataclass(frozen=True, slots=True)
class SendKeepAlive:
    """POST the call's status."""


@dataclass(frozen=True, slots=True)
class SendEnd:
    """DELETE the call."""

    cause: CauseCode


Request = (
    SendCreate
    | SendAlerting
    | SendConnect
    | SendMedia
    | SendHold
    | SendResume
    | SendKeepAlive
    | SendEnd
)


@dataclass(frozen=True, slots=True)
class MakeOffer:
    """Have the media make an offer (`OfferMade`)."""


@dataclass(frozen=True, slots=True)
class MakeAnswer:
    """Have the media answer this offer (`AnswerMade`)."""

    offer: str


@dataclass(frozen=True, slots=True)
class ApplyAnswer:
    """Give the media the answer to its offer."""

    sdp: str


@dataclass(frozen=True, slots=True)
class CloseMedia:
    """The media is done with."""


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """The call's `status` is another."""

    old: CallStatus
    new: CallStatus


@dataclass(frozen=True, slots=True)
class HoldChanged:
    """The call was held or resumed."""

    on_hold: bool


@dataclass(frozen=True, slots=True)
class HoldFailed:
    """Hold or resume was not confirmed; the call is as it was."""

    wanted: bool


@dataclass(frozen=True, slots=True)
class InfoChanged:
    """Name, number or tracking id of the call changed."""


@dataclass(frozen=True, slots=True)
class Established:
    """Both sides agreed on the media after an answer, hold or resume."""


Effect = (
    Request
    | MakeOffer
    | MakeAnswer
    | ApplyAnswer
    | CloseMedia
    | StatusChanged
    | HoldChanged
    | HoldFailed
    | InfoChanged
    | Established
)


class WrongStateError(Exception):
    """The user asked for something that the call cannot do now; nothing has changed."""


class ClientCall:
    """One call. `handle` takes an input and the time (seconds) and returns what is to be done."""

    def __init__(
        self, direction: Direction, *, correlation_id: str, now: float, call_id: str = ""
    ) -> None:
        self.direction = direction
        self.correlation_id = correlation_id
        self.call_id = call_id
        self.status = CallStatus.INITIATED
        self.end_reason: EndReason | None = None
        self.name = ""
        self.number = ""
        self.tracking_id = ""
        self.on_hold = False
        self.inband_media = False
        self._seq = 0
        self._offer: RoapMessage | None = None
        self._asked: int | None = None
        self._announced = False
        self._answering = False
        self._wants_hold: bool | None = None
        self._created = bool(call_id)
        self._deadline: float | None = now + SETUP_TIMEOUT
        self._hold_deadline: float | None = None
        self._keepalive_at: float | None = None
        self._out: list[Effect] = []
        self._now = now

    @property
    def deadline(self) -> float | None:
        """When the next `Tick` is due."""
        times = (self._deadline, self._hold_deadline, self._keepalive_at)
        return min((each for each in times if each is not None), default=None)

    @property
    def is_over(self) -> bool:
        """Whether the call has ended."""
        return self.status is CallStatus.DISCONNECTED

    def handle(self, event: Input, now: float) -> list[Effect]:
        """Take an input. Raises WrongStateError for what the user cannot do now."""
        self._out, self._now = [], now
        if self.is_over:
            self._handle_after_end(event)
        else:
            self._handle(event)
        return self._out

    def _handle(self, event: Input) -> None:
        match event:
            case Dial():
                self._seq = 1
                self._do(
                    SendCreate(RoapMessage(1, RoapType.OFFER, event.sdp, FIRST_OFFER_TIE_BREAKER))
                )
            case Created():
                self._created = True
                self.call_id = event.call_id
            case FromCloud():
                self._from_cloud(event.event)
            case Answer():
                self._answer()
            case Reject():
                self._require_ringing("rejected")
                self._end(EndReason.LOCAL_DECLINE, CauseCode.BUSY)
            case Dismiss():
                self._require_ringing("dismissed")
                self._end(EndReason.LOCAL_DECLINE, CauseCode.NOT_AVAILABLE)
            case Hangup():
                self._hangup()
            case Hold() | Resume():
                self._hold(isinstance(event, Hold))
            case OfferMade():
                self._offer_made(event.sdp)
            case AnswerMade():
                self._answer_made(event.sdp)
            case MediaConnected():
                if self.status is CallStatus.CONNECTED:
                    self._do(Established())
            case MediaFailed():
                self._end(EndReason.MEDIA_LOST, CauseCode.MEDIA_INACTIVITY)
            case RequestFailed():
                self._request_failed(event.request)
            case Gone():
                self._end(EndReason.SERVICE_LOST, None)
            case Tick():
                self._tick()
            case _:
                assert_never(event)

    def _handle_after_end(self, event: Input) -> None:
        match event:
            case Answer() | Reject() | Hold() | Resume() | Hangup():
                raise WrongStateError("The call has ended.")
            case Created():
                # Given up while the cloud was still taking it: now it can be named.
                self.call_id = event.call_id
                self._do(SendEnd(CauseCode.NORMAL))
            case _:
                return

    # --- the user ---

    def _require_ringing(self, what: str) -> None:
        if self.direction is not Direction.INCOMING or self.status is CallStatus.CONNECTED:
            raise WrongStateError(f"Only an incoming call that rings can be {what}.")

    def _answer(self) -> None:
        self._require_ringing("answered")
        if self._answering:
            raise WrongStateError("The call is being answered already.")
        self._answering = True
        self._deadline = self._now + SETUP_TIMEOUT
        if self._offer is not None and self._offer.sdp:
            self._do(MakeAnswer(self._offer.sdp))

    def _hangup(self) -> None:
        if self.direction is Direction.INCOMING and self.status is not CallStatus.CONNECTED:
            raise WrongStateError("A call that was not answered is rejected, not hung up.")
        connected = self.status is CallStatus.CONNECTED
        reason = EndReason.LOCAL_HANGUP if connected else EndReason.LOCAL_CANCEL
        self._end(reason, CauseCode.NORMAL)

    def _hold(self, wanted: bool) -> None:
        if self.status is not CallStatus.CONNECTED:
            raise WrongStateError("Only a connected call can be held or resumed.")
        if self._wants_hold is not None:
            raise WrongStateError("The call is being held or resumed already.")
        self._wants_hold = wanted
        self._hold_deadline = self._now + SERVICE_TIMEOUT
        self._do(SendHold() if wanted else SendResume())

    # --- the cloud ---

    def _from_cloud(self, event: MobiusEvent) -> None:
        if event.trackingId and event.trackingId != self.tracking_id:
            self.tracking_id = event.trackingId
            self._do(InfoChanged())
        match event.eventType:
            case MobiusEventType.CALL:
                self._call_event(event)
            case MobiusEventType.CALL_PROGRESS:
                self._learn_party(event)
                if self.direction is Direction.OUTGOING:
                    self._deadline = self._now + RING_TIMEOUT
                    data = event.callProgressData
                    self.inband_media = data is not None and data.inbandMedia
                    if self.status is CallStatus.INITIATED:
                        self._set_status(CallStatus.RINGING)
            case MobiusEventType.CALL_CONNECTED:
                self._learn_party(event)
                if self.direction is Direction.OUTGOING:
                    self._connected()
            case MobiusEventType.MEDIA:
                if event.message is not None:
                    self._roap(event.message)
            case MobiusEventType.CALL_DISCONNECTED:
                # An official client says DELETE to this as well, and the cloud expects it.
                self._end(self._remote_reason(event.causecode), self._closing_cause())
            case _:
                assert_never(event.eventType)

    def _call_event(self, event: MobiusEvent) -> None:
        if event.midCallService is None:
            self._learn_party(event)
            if self.direction is Direction.INCOMING and not self._announced:
                self._announced = True
                self._deadline = self._now + RING_TIMEOUT
                self._do(SendAlerting())
                self._set_status(CallStatus.RINGING)
            return
        for service in event.midCallService:
            data = service.eventData
            if data.callerId is not None:
                self._learn(*_party(data.callerId))
            if data.callState is not None:
                self._hold_confirmed(data.callState is MidCallState.HELD)

    def _hold_confirmed(self, on_hold: bool) -> None:
        if self._wants_hold == on_hold:
            self._wants_hold = self._hold_deadline = None
        if self.on_hold != on_hold:
            self.on_hold = on_hold
            self._do(HoldChanged(on_hold))

    def _learn_party(self, event: MobiusEvent) -> None:
        if event.callerId is not None:
            self._learn(*_party(event.callerId))

    def _learn(self, name: str, number: str) -> None:
        if (name or number) and (name, number) != (self.name, self.number):
            self.name, self.number = name, number
            self._do(InfoChanged())

    def _connected(self) -> None:
        if self.status is not CallStatus.CONNECTED:
            self._deadline = None
            self._keepalive_at = self._now + KEEPALIVE
            self._set_status(CallStatus.CONNECTED)

    def _remote_reason(self, code: int | None) -> EndReason:
        match code:
            case CauseCode.BUSY:
                return EndReason.BUSY
            case CauseCode.REJECTED:
                return EndReason.REJECTED
            case CauseCode.NO_ANSWER:
                return EndReason.NO_ANSWER
            case CauseCode.NOT_FOUND:
                return EndReason.NOT_FOUND
            case CauseCode.NOT_AVAILABLE:
                return EndReason.UNAVAILABLE
            case CauseCode.COMPLETED_ELSEWHERE:
                return EndReason.ANSWERED_ELSEWHERE
            case CauseCode.MEDIA_INACTIVITY:
                return EndReason.MEDIA_LOST
            case CauseCode.PROCESSING_ERROR:
                return EndReason.ERROR
        if self.status is CallStatus.CONNECTED:
            return EndReason.REMOTE_HANGUP
        if self.direction is Direction.INCOMING:
            return EndReason.REMOTE_CANCEL
        return EndReason.UNAVAILABLE

    def _closing_cause(self) -> CauseCode:
        never_answered = self.status is not CallStatus.CONNECTED
        if self.direction is Direction.INCOMING and never_answered:
            return CauseCode.BUSY
        return CauseCode.NORMAL

    # --- ROAP ---

    def _roap(self, message: RoapMessage) -> None:
        match message.messageType:
            case RoapType.OFFER:
                self._offer_came(message)
            case RoapType.ANSWER:
                if message.sdp:
                    self._do(ApplyAnswer(message.sdp))
                    self._do(SendMedia(RoapMessage(self._seq, RoapType.OK)))
            case RoapType.OFFER_REQUEST:
                self._seq += 1
                self._asked = self._seq
                self._do(MakeOffer())
            case RoapType.OK:
                self._answer_taken()
            case RoapType.ERROR | RoapType.OFFER_RESPONSE:
                # Official clients log an error of the cloud and go on; so does this one.
                return
            case _:
                assert_never(message.messageType)

    def _offer_came(self, message: RoapMessage) -> None:
        if not message.sdp:
            return
        if message.seq < self._seq:
            self._do(
                SendMedia(
                    RoapMessage(message.seq, RoapType.ERROR, errorType=RoapErrorType.OUT_OF_ORDER)
                )
            )
            return
        self._seq = message.seq
        self._offer = message
        if self.status is CallStatus.CONNECTED or self._answering:
            self._do(MakeAnswer(message.sdp))

    def _offer_made(self, sdp: str) -> None:
        if self._asked is not None:
            self._do(SendMedia(RoapMessage(self._asked, RoapType.OFFER_RESPONSE, sdp)))
            self._asked = None

    def _answer_made(self, sdp: str) -> None:
        if self._answering and self.status is not CallStatus.CONNECTED:
            self._do(SendConnect())
        self._do(SendMedia(RoapMessage(self._seq, RoapType.ANSWER, sdp)))

    def _answer_taken(self) -> None:
        if self._answering and self.status is not CallStatus.CONNECTED:
            self._connected()

    # --- ends ---

    def _request_failed(self, request: Request) -> None:
        match request:
            case SendHold() | SendResume():
                if self._wants_hold is not None:
                    self._do(HoldFailed(self._wants_hold))
                    self._wants_hold = self._hold_deadline = None
            case SendCreate():
                self._end(EndReason.ERROR, CauseCode.NORMAL)
            case SendAlerting() | SendConnect():
                self._end(EndReason.ERROR, CauseCode.NORMAL)
            case SendMedia():
                if self.status is not CallStatus.CONNECTED:
                    self._end(EndReason.ERROR, CauseCode.NORMAL)
            case SendKeepAlive() | SendEnd():
                return
            case _:
                assert_never(request)

    def _tick(self) -> None:
        if self._deadline is not None and self._deadline <= self._now:
            outgoing = self.direction is Direction.OUTGOING
            rang = self.status is CallStatus.RINGING
            reason = EndReason.NO_ANSWER if outgoing and rang else EndReason.ERROR
            if not outgoing and not self._answering:
                reason = EndReason.REMOTE_CANCEL
            self._end(reason, CauseCode.NORMAL)
            return
        if self._hold_deadline is not None and self._hold_deadline <= self._now:
            if self._wants_hold is not None:
                self._do(HoldFailed(self._wants_hold))
            self._wants_hold = self._hold_deadline = None
        if self._keepalive_at is not None and self._keepalive_at <= self._now:
            self._keepalive_at = self._now + KEEPALIVE
            self._do(SendKeepAlive())

    def _end(self, reason: EndReason, cause: CauseCode | None) -> None:
        self.end_reason = reason
        if cause is not None:
            self._do(SendEnd(cause))
        if self._wants_hold is not None:
            self._do(HoldFailed(self._wants_hold))
            self._wants_hold = None
        self._deadline = self._hold_deadline = self._keepalive_at = None
        self._do(CloseMedia())
        self._set_status(CallStatus.DISCONNECTED)

    def _set_status(self, new: CallStatus) -> None:
        old, self.status = self.status, new
        self._do(StatusChanged(old, new))

    def _do(self, effect: Effect) -> None:
        self._out.append(effect)


def _party(caller_id: CallerId) -> tuple[str, str]:
    who = caller_of(caller_id)
    return who.name, who.number
