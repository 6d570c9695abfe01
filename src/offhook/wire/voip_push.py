"""The payload that wakes a phone for a call: written by the phone service, read by the SDK.

Whatever carries it in between takes it as bytes. Webex's own payload is not published; the SDK
reads from either what it needs, by the names that are known of both.
"""

import msgspec

from offhook.wire.members import always_sent

NEW_CALL = "NewCall"
#: What APNs and FCM let through.
LARGEST_PAYLOAD = 4096
#: Key of the FCM data map under which the payload travels as one string.
FCM_KEY = "webhookTelephonyPush"
#: Key under which Cisco's sample app looks for it, as JSON text of ``{FCM_KEY: payload}``.
PINPOINT_KEY = "pinpoint.jsonBody"


class NewCall(msgspec.Struct, omit_defaults=True):
    """Somebody calls: what is needed to find the call and to show the caller before it connects.

    `callId` is the same for all devices and all pushes of a call, `pushId` is new in each push, and
    `externalTrackingId` is the one id from webhook to call record. `ringUntil` is the end of the
    ring window in Unix milliseconds. The group is the hunt group that was called, if one was.
    """

    pushId: str
    callId: str
    externalTrackingId: str
    ringUntil: int
    displayName: str = always_sent("")
    displayNumber: str = always_sent("")
    groupName: str | None = None
    groupNumber: str | None = None
    type: str = always_sent(NEW_CALL)
    version: int = always_sent(1)


class ApnsNewCall(NewCall, omit_defaults=True):
    """The same with the member that Apple asks of every payload."""

    aps: dict[str, str] = msgspec.field(default_factory=lambda: dict[str, str]())


class PayloadHints(msgspec.Struct):
    """What a backend looks at in a payload that it passes on; Webex's may have none of it."""

    ringUntil: float | None = None
    externalTrackingId: str = ""
