"""What the SDK knows, as what there is to see."""

import time

from offhook import Call, CallMembership, CallStatus, Direction
from offhook.cli.desk.seat import Seat
from offhook.cli.desk.telling import name_of
from offhook.cli.desk.view import CallView, ParticipantView, State
from offhook.wire.phone_number import format_for_people


def call_view(seat: Seat, slots: dict[Call, int], owner: str) -> CallView:
    """The call of this seat, now. `slots` of all calls, `owner` is the person of this phone."""
    call = seat.call
    state = _state(call)
    others = [each for each in call.memberships if not each.is_self]
    origin = call.associated_with
    heard = seat.heard if state is State.CONNECTED else None
    return CallView(
        slot=seat.slot,
        state=state,
        name=name_of(call),
        number=format_for_people(call.caller_number),
        group=call.group_name,
        order=seat.order,
        is_incoming=call.direction is Direction.INCOMING,
        seconds=time.monotonic() - seat.since,
        is_muted=not call.is_sending_audio,
        is_muted_by_service=call.is_muted_by_service,
        held_there=not call.is_group_call and any(each.is_on_hold for each in others),
        participants=_participants(call, owner),
        may_transfer=call.is_transfer_supported,
        may_add=call.is_add_participant_supported,
        consults_for=slots.get(origin, 0) if origin is not None else 0,
        busy=seat.busy,
        can_be_taken_back=seat.waiting is not None,
        level=heard.level if heard is not None else None,
        tones=heard.tones if heard is not None else (),
    )


def _state(call: Call) -> State:
    match call.status:
        case CallStatus.CONNECTED:
            return State.ON_HOLD if call.is_on_hold else State.CONNECTED
        case CallStatus.RINGING:
            there = call.direction is Direction.OUTGOING
            return State.RINGING_THERE if there else State.RINGING_HERE
        case _:
            return State.CALLING


def _participants(call: Call, owner: str) -> tuple[ParticipantView, ...]:
    if not call.is_group_call:
        return ()
    return tuple(_participant(each, owner) for each in call.memberships)


def _participant(member: CallMembership, owner: str) -> ParticipantView:
    number = format_for_people(member.phone_number)
    name = member.display_name or (owner if member.is_self else number) or "somebody"
    return ParticipantView(
        name=name,
        number=number if number != name else "",
        is_self=member.is_self,
        is_host=member.is_host,
        is_on_hold=member.is_on_hold,
        is_muted=not member.is_sending_audio,
        speaks=member.is_active_speaker,
    )
