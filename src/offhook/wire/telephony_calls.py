"""A call as REST and the webhook `telephony_calls` show it to one of its parties (wire, 7.2)."""

from enum import StrEnum

import msgspec

from offhook.wire.members import always_sent


class Personality(StrEnum):
    """Which side of the call the person is."""

    ORIGINATOR = "originator"
    TERMINATOR = "terminator"


class TelephonyCallState(StrEnum):
    """Where the call is. `REMOTE_HELD`: the other side holds it."""

    CONNECTING = "connecting"
    ALERTING = "alerting"
    CONNECTED = "connected"
    HELD = "held"
    REMOTE_HELD = "remoteHeld"
    DISCONNECTED = "disconnected"


class CallEventType(StrEnum):
    """What happened, in the words of calling. Webex has more."""

    RECEIVED = "received"
    UPDATED = "updated"
    ANSWERED = "answered"
    HELD = "held"
    RESUMED = "resumed"
    DISCONNECTED = "disconnected"


class RemoteParty(msgspec.Struct, omit_defaults=True):
    """Who is at the other end. `callType` is organization for people of the service."""

    name: str = always_sent("")
    number: str = always_sent("")
    personId: str | None = None
    privacyEnabled: bool = always_sent(False)
    callType: str = always_sent("organization")


class TelephonyCallData(msgspec.Struct, omit_defaults=True):
    """`data` of a `telephony_calls` event. Times are ISO 8601."""

    eventType: CallEventType
    eventTimestamp: str
    callId: str
    callSessionId: str
    personality: Personality
    state: TelephonyCallState
    remoteParty: RemoteParty
    appearance: int = always_sent(1)
    created: str = always_sent("")
    answered: str | None = None
    disconnected: str | None = None
    externalTrackingId: str | None = None
