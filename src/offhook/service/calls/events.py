"""The exchange's news as Mobius events."""

from typing import Any, assert_never

from msgspec.structs import replace

from offhook.engine.exchange.effects import (
    ActiveSpeaker,
    AnswerRequested,
    Connected,
    Disconnected,
    Held,
    Incoming,
    InfoChanged,
    Muted,
    Negotiate,
    Participant,
    Participants,
    Progress,
    Resumed,
    Tell,
)
from offhook.engine.exchange.model import EndReason, Party
from offhook.service.lines.registry import Line
from offhook.wire.mobius import (
    CAUSE_TEXT,
    CallerId,
    CallParticipant,
    CallProgressData,
    CauseCode,
    MidCallEventData,
    MidCallEventType,
    MidCallService,
    MidCallState,
    MobiusEvent,
    MobiusEventType,
)
from offhook.wire.name_addr import NameAddr, render_name_addr

SIP_DOMAIN = "offhook.invalid"

CAUSES: dict[EndReason, CauseCode] = {
    EndReason.HANGUP: CauseCode.NORMAL,
    EndReason.CANCELLED: CauseCode.NORMAL,
    EndReason.BUSY: CauseCode.BUSY,
    EndReason.REJECTED: CauseCode.REJECTED,
    EndReason.NO_ANSWER: CauseCode.NO_ANSWER,
    EndReason.ANSWERED_ELSEWHERE: CauseCode.COMPLETED_ELSEWHERE,
    EndReason.DECLINED_ELSEWHERE: CauseCode.NORMAL,
    EndReason.NOT_FOUND: CauseCode.NOT_FOUND,
    EndReason.UNAVAILABLE: CauseCode.NOT_AVAILABLE,
    EndReason.TRANSFERRED: CauseCode.TRANSFERRED,
    EndReason.MERGED: CauseCode.MERGED,
    EndReason.MEDIA_LOST: CauseCode.MEDIA_INACTIVITY,
    EndReason.LINE_LOST: CauseCode.NOT_AVAILABLE,
    EndReason.ERROR: CauseCode.PROCESSING_ERROR,
    EndReason.SHUTDOWN: CauseCode.NOT_AVAILABLE,
}


def mobius_event(tell: Tell, line: Line) -> MobiusEvent:
    """What the client of `line` is sent."""
    event = MobiusEvent(
        eventType=MobiusEventType.CALL,
        callId=tell.call_id,
        deviceId=tell.line_id,
        correlationId=tell.correlation_id,
        callUrl=f"{line.uri}/calls/{tell.call_id}",
        trackingId=tell.tracking_id,
    )
    news = tell.news
    match news:
        case Incoming():
            event.callerId = caller_id(news.caller)
            event.alertType = "full"
            event.group = caller_id(news.group) if news.group is not None else None
            event.answerNow = news.answer_now or None
        case Progress():
            event.eventType = MobiusEventType.CALL_PROGRESS
            event.callProgressData = CallProgressData(True, news.inband_media)
            event.callerId = caller_id(news.callee)
        case Connected():
            event.eventType = MobiusEventType.CALL_CONNECTED
            event.callerId = caller_id(news.party)
        case Negotiate():
            event.eventType = MobiusEventType.MEDIA
            event.message = replace(news.message, version="2")
        case Held():
            event.midCallService = [_state(MidCallState.HELD)]
        case Resumed():
            event.midCallService = [_state(MidCallState.CONNECTED)]
        case InfoChanged():
            event.midCallService = [
                _mid_call(MidCallEventType.CALL_INFO, callerId=caller_id(news.party))
            ]
        case Participants():
            event.midCallService = [
                _mid_call(
                    MidCallEventType.PARTICIPANTS,
                    participants=[_participant(each, tell.call_id) for each in news.participants],
                    conference=news.conference,
                )
            ]
        case ActiveSpeaker():
            event.midCallService = [
                _mid_call(MidCallEventType.ACTIVE_SPEAKER, participantId=news.participant_id)
            ]
        case AnswerRequested():
            event.midCallService = [_mid_call(MidCallEventType.ANSWER_REQUESTED)]
        case Muted():
            event.midCallService = [_mid_call(MidCallEventType.MUTED, muted=news.muted)]
        case Disconnected():
            event.eventType = MobiusEventType.CALL_DISCONNECTED
            cause = CAUSES[news.reason]
            event.causecode, event.cause = int(cause), CAUSE_TEXT[cause]
        case _:
            assert_never(news)
    return event


def caller_id(party: Party) -> CallerId:
    """Name and number as SIP writes them."""
    address = render_name_addr(NameAddr(party.name, party.number), SIP_DOMAIN)
    return CallerId(from_=f"{address};tag=1", p_asserted_identity=address)


def _state(state: MidCallState) -> MidCallService:
    return _mid_call(MidCallEventType.CALL_STATE, callState=state)


def _mid_call(kind: MidCallEventType, **data: Any) -> MidCallService:
    return MidCallService(kind, MidCallEventData(**data))


def _participant(participant: Participant, own_call_id: str) -> CallParticipant:
    party = participant.party
    return CallParticipant(
        participantId=participant.participant_id,
        name=party.name,
        number=party.number,
        personId=party.person_id or None,
        isSelf=participant.participant_id == own_call_id,
        isHost=participant.is_host,
        held=participant.held,
        muted=participant.muted,
    )
