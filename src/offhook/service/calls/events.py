"""The exchange's news as Mobius events."""

from typing import assert_never

from msgspec.structs import replace

from offhook.engine.exchange.effects import (
    Connected,
    Disconnected,
    Held,
    Incoming,
    InfoChanged,
    Negotiate,
    Progress,
    Resumed,
    Tell,
)
from offhook.engine.exchange.model import EndReason, Party
from offhook.service.lines.registry import Line
from offhook.wire.mobius import (
    CAUSE_TEXT,
    CallerId,
    CallProgressData,
    CauseCode,
    MidCallEventData,
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
            data = MidCallEventData(callerId=caller_id(news.party))
            event.midCallService = [MidCallService("callInfo", data)]
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
    return MidCallService("callState", MidCallEventData(callState=state))
