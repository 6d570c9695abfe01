"""A party's view of its call, in the words of REST and webhooks."""

from typing import Any

from offhook.engine.exchange.model import Party, RedirectionReason
from offhook.engine.exchange.views import CallView, Personality, ViewState
from offhook.service.firehose.firehose import iso_time
from offhook.wire import telephony_calls as wire
from offhook.wire.ids import ResourceKind, encode_id
from offhook.wire.telephony import CallInfo
from offhook.wire.telephony_calls import Redirected, RedirectReason, TelephonyCall, TelephonyParty

#: To divert a call is what Webex calls a blind transfer; it has no other word for a transfer.
_REASONS = {
    RedirectionReason.UNCONDITIONAL: RedirectReason.UNCONDITIONAL,
    RedirectionReason.BUSY: RedirectReason.BUSY,
    RedirectionReason.NO_ANSWER: RedirectReason.NO_ANSWER,
    RedirectionReason.DIVERT: RedirectReason.DIVERT,
    RedirectionReason.TRANSFER: RedirectReason.DIVERT,
    RedirectionReason.HUNT_GROUP: RedirectReason.HUNT_GROUP,
}


def shown(view: CallView) -> TelephonyCall:
    """The call as REST lists it."""
    return TelephonyCall(id=rest_id(view.view_id), **facts(view))


def info(view_id: str, session_id: str) -> CallInfo:
    """The ids of a call."""
    return CallInfo(rest_id(view_id), encode_id(ResourceKind.CALL_SESSION, session_id))


def rest_id(view_id: str) -> str:
    """The id by which REST and webhooks know a party's call."""
    return encode_id(ResourceKind.CALL, view_id)


def facts(view: CallView) -> dict[str, Any]:
    """What REST and webhooks show alike; all but the id."""
    state = _state(view)
    rings = state is wire.TelephonyCallState.ALERTING
    return {
        "callSessionId": encode_id(ResourceKind.CALL_SESSION, view.session_id),
        "personality": _personality(view),
        "state": state,
        "remoteParty": _party(view.remote),
        "created": iso_time(view.created),
        "answered": None if view.answered is None else iso_time(view.answered),
        "disconnected": None if view.disconnected is None else iso_time(view.disconnected),
        "redirections": [
            Redirected(_REASONS[each.reason], _party(each.party))
            for each in reversed(view.redirections)
            if rings
        ],
        "muteCapable": view.answered is not None and view.disconnected is None,
        "muted": view.muted,
        "completedElsewhere": view.completed_elsewhere or None,
        "externalTrackingId": view.tracking_id,
    }


def _personality(view: CallView) -> wire.Personality:
    """Who dialled from elsewhere is the originator once a phone of theirs has answered."""
    if view.personality is Personality.CLICK_TO_DIAL and view.call_id:
        return wire.Personality.ORIGINATOR
    return wire.Personality(view.personality.value)


def _state(view: CallView) -> wire.TelephonyCallState:
    """Webex has phones alert for those alone whom they belong to."""
    calls = _personality(view) is wire.Personality.ORIGINATOR and view.answered is None
    if calls and view.state in (ViewState.ALERTING, ViewState.CONNECTED):
        return wire.TelephonyCallState.CONNECTING
    return wire.TelephonyCallState(view.state.value)


def _party(party: Party) -> TelephonyParty:
    person = encode_id(ResourceKind.PEOPLE, party.person_id) if party.person_id else None
    return TelephonyParty(party.name, party.number, person)
