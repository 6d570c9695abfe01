"""What happens to a call, as news: a name and fields for programs, a sentence for people."""

from dataclasses import dataclass, field
from typing import Any

from offhook import (
    ActiveSpeakerChangedEvent,
    AnswerRequestedEvent,
    AssociatedCallEndedEvent,
    AudioFailedEvent,
    Call,
    CallDisconnectedEvent,
    CallErrorEvent,
    CallEvent,
    CallHoldStateChangedEvent,
    CallMembership,
    CallMembershipChangedEvent,
    ConnectedEvent,
    Direction,
    DTMFReceivedEvent,
    EndReason,
    MembershipHeldEvent,
    MembershipJoinedEvent,
    MembershipLeftEvent,
    MembershipSendingAudioEvent,
    RingingEvent,
    SendingAudioEvent,
)
from offhook.cli.desk.endings import words_for
from offhook.wire.phone_number import format_for_people


@dataclass(frozen=True, slots=True)
class News:
    """Something that happened. With an empty `text` it is for programs only."""

    name: str
    text: str
    fields: dict[str, Any] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """The text as it stands by itself."""
        return self.text[:1].upper() + self.text[1:]


def name_of(call: Call) -> str:
    """Who is at the other side, for people."""
    if call.is_group_call:
        return "the conference"
    return _named(call.title, call.caller_number)


def member_name(member: CallMembership) -> str:
    """Who that is, for people."""
    return "You" if member.is_self else _named(member.display_name, member.phone_number)


def arrived(call: Call, *, conflicts_with: str) -> News:
    """Somebody calls. `conflicts_with`: who would be put on hold by answering."""
    through = f" through {call.group_name}" if call.group_name else ""
    then = f"; answering puts {conflicts_with} on hold" if conflicts_with else ""
    return News(
        "incoming",
        f"{name_of(call)} calls{through}{then}",
        {
            "caller": call.title,
            "number": call.caller_number,
            "group": call.group_name,
            "tracking_id": call.external_tracking_id,
            "waiting": bool(conflicts_with),
        },
    )


def news_of(event: CallEvent) -> News | None:
    """What is worth telling about an event; None if it is told by another one."""
    call = event.call
    who = name_of(call)
    match event:
        case RingingEvent() if call.direction is Direction.OUTGOING:
            return News("ringing", f"{who}: it rings there")
        case ConnectedEvent():
            fields = {
                "party": call.title,
                "number": call.caller_number,
                "tracking_id": call.external_tracking_id,
            }
            return News("connected", f"Connected with {who}", fields)
        case CallHoldStateChangedEvent(hold_resume_info=info):
            text = f"{who}: on hold" if info.is_on_hold else f"Talking with {who} again"
            return News(
                "hold", text, {"on_hold": info.is_on_hold, "by_local": info.initiated_by_local}
            )
        case SendingAudioEvent(is_sending=is_sending):
            return News("mute", "Unmuted" if is_sending else "Muted", {"muted": not is_sending})
        case DTMFReceivedEvent(digit=digit):
            return News("dtmf", f"{who} pressed {digit}", {"digit": digit})
        case AudioFailedEvent(error=error):
            return News("audio_failed", str(error), {"code": error.code.name})
        case ActiveSpeakerChangedEvent(to=member):
            return News("speaker", "", {"member": _told(member)})  # it is seen at the call
        case CallMembershipChangedEvent():
            return _membership(event)
        case AssociatedCallEndedEvent(associated=associated, reason=reason):
            words = words_for(reason, associated.direction)
            return News(
                "consultation_ended",
                f"{name_of(associated)}: {words}; {who} is still there",
                {"reason": reason, "associated": associated.call_id},
            )
        case AnswerRequestedEvent():
            return News("answer_requested", f"Asked from elsewhere to answer {who}")
        case CallDisconnectedEvent(reason=reason):
            text = f"{who}: {words_for(reason, call.direction)}"
            if reason is EndReason.LOCAL_HANGUP and call.is_group_call:
                text = "You left the conference"
            if reason is EndReason.MERGED:
                text = ""  # The conference itself says who is in it.
            if isinstance(event, CallErrorEvent):
                text += f". {event.error}"
            return News("ended", text, {"reason": reason, "quality": call.quality})
        case _:
            return None


def regrouped(call: Call) -> News:
    """It has become a conference, or an ordinary call again."""
    others = [member_name(each) for each in call.memberships if not each.is_self]
    text = (
        f"In a conference with {_listed(others)}"
        if call.is_group_call
        else (f"no conference any more: talking with {name_of(call)}")
    )
    participants = [_told(member) for member in call.memberships]
    return News("conference", text, {"on": call.is_group_call, "participants": participants})


def with_another(call: Call) -> News:
    """Somebody else is at the other side now."""
    return News(
        "party", f"Now with {name_of(call)}", {"party": call.title, "number": call.caller_number}
    )


def _membership(event: CallMembershipChangedEvent) -> News | None:
    member = event.membership
    name, fields = member_name(member), {"member": _told(member)}
    match event:
        case MembershipJoinedEvent():
            return News("joined", f"{name} joined", fields)
        case MembershipLeftEvent():
            return News("left", f"{name} left", fields)
        case MembershipHeldEvent() if not member.is_self:
            on_hold = "is on hold" if event.call.is_group_call else "has put you on hold"
            text = f"{name} {on_hold if member.is_on_hold else 'is back'}"
            return News("member_held", text, {**fields, "on_hold": member.is_on_hold})
        case MembershipSendingAudioEvent():
            muted = member.is_audio_muted_controlled
            be = "are" if member.is_self else "is"
            text = f"{name} {be} {'muted' if muted else 'heard again'} by the service"
            return News("member_muted", text, {**fields, "muted": muted})
        case _:
            return None


def _told(member: CallMembership) -> dict[str, Any]:
    return {
        "name": member.display_name,
        "number": member.phone_number,
        "is_self": member.is_self,
        "is_host": member.is_host,
        "on_hold": member.is_on_hold,
        "muted": member.is_audio_muted_controlled
        or (member.is_self and not member.is_sending_audio),
        "speaks": member.is_active_speaker,
    }


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def _named(name: str, number: str) -> str:
    if name and name != number:
        return name
    return format_for_people(number) if number else "Somebody"
