"""The payload of a push: the same facts for both kinds of phone, within what they let through."""

from uuid import uuid4

import msgspec

from offhook.engine.wakeup.ring_windows import SendPush
from offhook.wire.voip_push import LARGEST_PAYLOAD, ApnsNewCall, NewCall
from offhook.wire.webhooks import TelephonyPushData

#: Characters of a caller's name or number that are sent; a screen shows fewer.
_LONGEST = 128


def push_data(push: SendPush) -> bytes:
    """`data` of the `telephony_push` event, as JSON."""
    facts = {
        "pushId": str(uuid4()),
        "callId": push.call_id,
        "externalTrackingId": push.tracking_id,
        "ringUntil": int(push.until * 1000),
        "displayName": push.caller.name[:_LONGEST],
        "displayNumber": push.caller.number[:_LONGEST],
    }
    if push.group is not None:
        facts["groupName"] = push.group.name[:_LONGEST]
        facts["groupNumber"] = push.group.number[:_LONGEST]
    payloads = [
        msgspec.json.encode(msgspec.convert(facts, each)) for each in (ApnsNewCall, NewCall)
    ]
    assert max(map(len, payloads)) <= LARGEST_PAYLOAD
    return msgspec.json.encode(TelephonyPushData(*map(msgspec.Raw, payloads)))
