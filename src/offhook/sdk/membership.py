"""Who is in a call, as the app sees it."""

from dataclasses import dataclass
from enum import StrEnum


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
    as well. `is_initiator`: placed the call. `is_host`: made the conference. `is_sending_audio` is
    False while that one is muted by the service, and for this app's own side also while it is muted
    here. `is_audio_muted_controlled`: muted by the service.
    """

    display_name: str = ""
    phone_number: str = ""
    person_id: str = ""
    state: CallMembershipState = CallMembershipState.UNKNOWN
    is_self: bool = False
    is_initiator: bool = False
    is_host: bool = False
    is_on_hold: bool = False
    is_sending_audio: bool = True
    is_audio_muted_controlled: bool = False
    is_active_speaker: bool = False
