"""Who is in a call, as the app sees it."""

from dataclasses import dataclass
from enum import StrEnum

from offhook.engine.client import ClientCall
from offhook.engine.client.model import CallStatus, Direction, EndReason, Member
from offhook.wire.ids import ResourceKind, encode_id


class CallMembershipState(StrEnum):
    """Where somebody is in relation to a call."""

    UNKNOWN = "UNKNOWN"
    IDLE = "IDLE"  # not reached yet
    NOTIFIED = "NOTIFIED"  # it rings there
    JOINED = "JOINED"
    LEFT = "LEFT"
    DECLINED = "DECLINED"
    WAITING = "WAITING"  # in a meeting's lobby; nobody in a phone call ever is


@dataclass(frozen=True, slots=True)
class CallMembership:
    """Somebody in a call, at the moment at which it was asked for.

    `person_id` is the id that REST uses, empty for somebody outside; name and number may be empty
    as well. `is_host`: made the conference. `is_sending_audio` is False while that one is muted by
    the service, and for this app's own side also while it is muted here.
    `is_audio_muted_controlled`: muted by the service.
    """

    display_name: str = ""
    phone_number: str = ""
    person_id: str = ""
    state: CallMembershipState = CallMembershipState.UNKNOWN
    is_self: bool = False
    is_host: bool = False
    is_on_hold: bool = False
    is_sending_audio: bool = True
    is_audio_muted_controlled: bool = False
    is_active_speaker: bool = False


def membership(call: ClientCall, member: Member, *, sending: bool) -> CallMembership:
    """How `member` stands to `call`. `sending`: this side is not muted here."""
    speaker = call.info.roster.speaker
    return CallMembership(
        display_name=member.name,
        phone_number=member.number,
        person_id=encode_id(ResourceKind.PEOPLE, member.person_id) if member.person_id else "",
        state=_state(call, member),
        is_self=member.is_self,
        is_host=member.is_host,
        is_on_hold=member.held,
        is_sending_audio=not member.muted and (sending or not member.is_self),
        is_audio_muted_controlled=member.muted,
        is_active_speaker=speaker is not None and speaker.participant_id == member.participant_id,
    )


def _state(call: ClientCall, member: Member) -> CallMembershipState:
    called = member.is_self is (call.direction is Direction.INCOMING)
    match call.status:
        case CallStatus.CONNECTED:
            return CallMembershipState.JOINED
        case CallStatus.DISCONNECTED:
            declined = call.end is not None and call.end.reason in _DECLINED
            return CallMembershipState.DECLINED if declined and called else CallMembershipState.LEFT
        case CallStatus.RINGING if called:
            return CallMembershipState.NOTIFIED
        case _ if called:
            return CallMembershipState.IDLE
        case _:
            return CallMembershipState.JOINED


_DECLINED = (EndReason.REJECTED, EndReason.LOCAL_REJECT)
