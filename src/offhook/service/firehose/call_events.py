"""What happens to calls, as events for the webhooks `telephony_calls` of those who are in them."""

from collections.abc import Callable

import msgspec

from offhook.engine.exchange.effects import Effect, ViewChanged
from offhook.engine.exchange.inputs import Input
from offhook.engine.exchange.views import CallView, Personality, ViewState
from offhook.service.firehose.event import FirehoseEvent
from offhook.service.firehose.firehose import iso_time
from offhook.service.telephony.shown import facts, rest_id
from offhook.wire.telephony_calls import CallEventType, TelephonyCallData
from offhook.wire.webhooks import TELEPHONY_CALLS, WebhookEventType

#: Seconds for which an event about a call is of use.
_USE = 60.0


class CallEvents:
    """Give `observe` to the shell around the exchange. `publish` is the firehose's.

    The events of one person are delivered in order, whichever of the person's calls they are about.
    """

    def __init__(self, publish: Callable[[FirehoseEvent], None]) -> None:
        self._publish = publish

    def observe(self, now: float, what: Input | Effect) -> None:
        """An input or effect of the exchange at `now`, in Unix seconds."""
        if not isinstance(what, ViewChanged) or not what.view.party.person_id:
            return
        before, view = what.before, what.view
        shown = facts(view)
        if before is not None and facts(before) == shown:
            return  # The exchange tells apart what Webex does not.
        event, kind = _what_happened(before, view)
        data = TelephonyCallData(
            eventType=kind, eventTimestamp=iso_time(now), callId=rest_id(view.view_id), **shown
        )
        person_id = view.party.person_id
        self._publish(
            FirehoseEvent(
                TELEPHONY_CALLS,
                event,
                person_id,
                msgspec.json.encode(data),
                now + _USE,
                f"calls of {person_id}",
            )
        )


def _what_happened(
    before: CallView | None, view: CallView
) -> tuple[WebhookEventType, CallEventType]:
    if before is None:
        return WebhookEventType.CREATED, CallEventType.RECEIVED
    if view.state is ViewState.DISCONNECTED:
        return WebhookEventType.DELETED, CallEventType.DISCONNECTED
    return WebhookEventType.UPDATED, _change(before, view)


def _change(before: CallView, view: CallView) -> CallEventType:
    if view.answered is not None and before.answered is None:
        return CallEventType.ANSWERED
    calls = view.personality is not Personality.TERMINATOR and view.answered is None
    if calls and view.remote != before.remote:
        return CallEventType.FORWARDED
    if view.state is not before.state:
        if view.state is ViewState.HELD:
            return CallEventType.HELD
        if before.state is ViewState.HELD:
            return CallEventType.RESUMED
    return CallEventType.UPDATED
