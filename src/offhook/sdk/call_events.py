"""What happens to a call: one class an event, for observers and for ``async for`` alike."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from offhook.engine.client.model import CallEnd, EndReason
from offhook.errors import WebexError
from offhook.sdk.enums import RingerType, SendingAudioChangeResult
from offhook.sdk.membership import CallMembership

if TYPE_CHECKING:
    from offhook.sdk.call import Call


@dataclass(frozen=True, slots=True)
class HoldResumeInfo:
    """`initiated_by_local`: this app asked for it, if only by turning to another call."""

    is_on_hold: bool
    initiated_by_local: bool


@dataclass(frozen=True, slots=True)
class CallEvent:
    """Something happened to `call`."""

    call: "Call"


@dataclass(frozen=True, slots=True)
class RingingEvent(CallEvent):
    """The call rings: at the other side if it is outgoing, here if it is incoming."""


@dataclass(frozen=True, slots=True)
class StartRingingEvent(CallEvent):
    """Begin to sound this tone."""

    ringer_type: RingerType


@dataclass(frozen=True, slots=True)
class StopRingingEvent(CallEvent):
    """Stop sounding this tone."""

    ringer_type: RingerType


@dataclass(frozen=True, slots=True)
class ConnectedEvent(CallEvent):
    """The call is established."""


@dataclass(frozen=True, slots=True)
class InfoChangedEvent(CallEvent):
    """Tracking id, or name or number of the other party, are known or have changed."""


@dataclass(frozen=True, slots=True)
class CallHoldStateChangedEvent(CallEvent):
    """The call is held or resumed."""

    hold_resume_info: HoldResumeInfo


@dataclass(frozen=True, slots=True)
class DTMFReceivedEvent(CallEvent):
    """The other side pressed a key: one of ``0-9 * # A-D``."""

    digit: str


@dataclass(frozen=True, slots=True)
class MediaChangedEvent(CallEvent):
    """Something about the audio changed; the subclass says what."""


@dataclass(frozen=True, slots=True)
class SendingAudioEvent(MediaChangedEvent):
    """The call was muted or unmuted, or `result` says why not."""

    is_sending: bool
    result: SendingAudioChangeResult


@dataclass(frozen=True, slots=True)
class AudioSourceEndedEvent(MediaChangedEvent):
    """The source has no more audio; silence is sent from now on."""


@dataclass(frozen=True, slots=True)
class AudioFailedEvent(MediaChangedEvent):
    """A source or sink broke; the call goes on without it."""

    error: WebexError


@dataclass(frozen=True, slots=True)
class ActiveSpeakerChangedEvent(MediaChangedEvent):
    """Somebody else in the conference is the loudest now. None: nobody was before."""

    from_: CallMembership | None
    to: CallMembership


@dataclass(frozen=True, slots=True)
class CallMembershipChangedEvent(CallEvent):
    """Something about somebody in the call changed; the subclass says what."""

    membership: CallMembership


@dataclass(frozen=True, slots=True)
class MembershipJoinedEvent(CallMembershipChangedEvent):
    """Somebody joined a call that was connected already."""


@dataclass(frozen=True, slots=True)
class MembershipLeftEvent(CallMembershipChangedEvent):
    """Somebody left, and the call goes on."""


@dataclass(frozen=True, slots=True)
class MembershipSendingAudioEvent(CallMembershipChangedEvent):
    """Somebody was muted or unmuted by the service."""


@dataclass(frozen=True, slots=True)
class MembershipHeldEvent(CallMembershipChangedEvent):
    """Somebody put the call on hold, or resumed it: `membership.is_on_hold`."""


@dataclass(frozen=True, slots=True)
class AssociatedCallEndedEvent(CallEvent):
    """The consultation that was begun from `call` came to nothing: `call` can be resumed.

    `associated` is the consultation, `reason` why it ended: busy, rejected, hung up here.
    """

    associated: "Call"
    reason: EndReason


@dataclass(frozen=True, slots=True)
class AnswerRequestedEvent(CallEvent):
    """The person asks from elsewhere that this phone take the call; see `set_remote_answer`."""


@dataclass(frozen=True, slots=True)
class CallDisconnectedEvent(CallEvent):
    """The call is over: its last event. `reason` says why, and who ended it."""

    reason: EndReason


@dataclass(frozen=True, slots=True)
class CallEnded(CallDisconnectedEvent):
    """The call ended in one of the usual ways."""


@dataclass(frozen=True, slots=True)
class OtherConnected(CallDisconnectedEvent):
    """The call was answered on another device, or by another member of the group."""


@dataclass(frozen=True, slots=True)
class CallErrorEvent(CallDisconnectedEvent):
    """The call failed."""

    error: WebexError


class CallObserver:
    """Told what happens to a call. Subclass and override what is of interest.

    Methods may be coroutine functions. What they raise goes to the event loop's exception handler,
    and never disturbs the call.
    """

    def on_ringing(self, call: "Call") -> Any:
        """It rings: the other side's device if the call is outgoing."""

    def on_start_ringing(self, call: "Call", ringer_type: RingerType) -> Any:
        """Begin to sound this tone."""

    def on_stop_ringing(self, call: "Call", ringer_type: RingerType) -> Any:
        """Stop sounding this tone."""

    def on_connected(self, call: "Call") -> Any:
        """The call is established."""

    def on_disconnected(self, event: CallDisconnectedEvent) -> Any:
        """The call is over. If it was shown as incoming, take it away."""

    def on_info_changed(self, call: "Call") -> Any:
        """Details are known or have changed; `call.external_tracking_id` is valid from now on."""

    def on_call_hold_state_changed(self, call: "Call", hold_resume_info: HoldResumeInfo) -> Any:
        """The call is held or resumed."""

    def on_media_changed(self, event: MediaChangedEvent) -> Any:
        """Something about the audio changed."""

    def on_dtmf_received(self, call: "Call", digit: str) -> Any:
        """The other side pressed a key: one of ``0-9 * # A-D``."""

    def on_call_membership_changed(self, event: CallMembershipChangedEvent) -> Any:
        """Somebody joined or left, holds or does not, was muted or unmuted."""

    def on_associated_call_ended(self, event: AssociatedCallEndedEvent) -> Any:
        """The consultation begun from this call came to nothing: `resume` this one."""

    def on_answer_requested(self, call: "Call") -> Any:
        """The person asks from elsewhere that this phone take the call."""


def tell(observer: CallObserver, event: CallEvent) -> Any:
    """Call the observer's method for `event`."""
    match event:
        case RingingEvent():
            return observer.on_ringing(event.call)
        case StartRingingEvent():
            return observer.on_start_ringing(event.call, event.ringer_type)
        case StopRingingEvent():
            return observer.on_stop_ringing(event.call, event.ringer_type)
        case ConnectedEvent():
            return observer.on_connected(event.call)
        case CallDisconnectedEvent():
            return observer.on_disconnected(event)
        case InfoChangedEvent():
            return observer.on_info_changed(event.call)
        case CallHoldStateChangedEvent():
            return observer.on_call_hold_state_changed(event.call, event.hold_resume_info)
        case MediaChangedEvent():
            return observer.on_media_changed(event)
        case DTMFReceivedEvent():
            return observer.on_dtmf_received(event.call, event.digit)
        case CallMembershipChangedEvent():
            return observer.on_call_membership_changed(event)
        case AssociatedCallEndedEvent():
            return observer.on_associated_call_ended(event)
        case AnswerRequestedEvent():
            return observer.on_answer_requested(event.call)
        case _:
            return None


def disconnected(call: "Call", end: CallEnd) -> CallDisconnectedEvent:
    """The last event of a call that ended this way."""
    if end.error is not None:
        return CallErrorEvent(call, end.reason, end.error)
    if end.reason is EndReason.ANSWERED_ELSEWHERE:
        return OtherConnected(call, end.reason)
    return CallEnded(call, end.reason)
