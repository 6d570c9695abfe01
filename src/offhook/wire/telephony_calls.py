"""A call as REST and the webhook `telephony_calls` show it to one of its parties (wire, 7.2).

Source: developer.webex.com, "Call Controls"; wxc-sdk, `telephony.calls`.
"""

from enum import StrEnum

import msgspec

from offhook.wire.members import always_sent


class Personality(StrEnum):
    """Which side of the call the person is. `CLICK_TO_DIAL`: the person's own phones ring."""

    ORIGINATOR = "originator"
    TERMINATOR = "terminator"
    CLICK_TO_DIAL = "clickToDial"


class TelephonyCallState(StrEnum):
    """Where the call is.

    `CONNECTING`: the other side is called; `ALERTING`: the person's phones ring; `REMOTE_HELD`: the
    other side holds it.
    """

    CONNECTING = "connecting"
    ALERTING = "alerting"
    CONNECTED = "connected"
    HELD = "held"
    REMOTE_HELD = "remoteHeld"
    DISCONNECTED = "disconnected"


class CallEventType(StrEnum):
    """What happened, in the words of calling. `FORWARDED`: it goes to somebody else now."""

    RECEIVED = "received"
    UPDATED = "updated"
    FORWARDED = "forwarded"
    ANSWERED = "answered"
    HELD = "held"
    RESUMED = "resumed"
    DISCONNECTED = "disconnected"


class RedirectReason(StrEnum):
    """Why a call went on to somebody else. Webex has more.

    `HUNT_GROUP`: the group was called, and one of its members rings. `DIVERT`: also commonly
    referred to as a blind transfer.
    """

    BUSY = "busy"
    NO_ANSWER = "noAnswer"
    UNCONDITIONAL = "unconditional"
    DIVERT = "divert"
    HUNT_GROUP = "huntGroup"


class TelephonyParty(msgspec.Struct, omit_defaults=True):
    """One of a call's parties. `callType` is organization for people of the service."""

    name: str = always_sent("")
    number: str = always_sent("")
    personId: str | None = None
    privacyEnabled: bool = always_sent(False)
    callType: str = always_sent("organization")


class Redirected(msgspec.Struct):
    """The call came from `redirectingParty`, who sent it on."""

    reason: RedirectReason
    redirectingParty: TelephonyParty


class TelephonyCall(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A call, by `id` in REST and by `callId` in webhooks. Times are ISO 8601.

    `redirections` only while it rings, the latest first.
    """

    id: str | None = None
    callId: str | None = None
    callSessionId: str
    personality: Personality
    state: TelephonyCallState
    remoteParty: TelephonyParty
    created: str
    answered: str | None = None
    disconnected: str | None = None
    redirections: list[Redirected] = []
    muteCapable: bool = always_sent(False)
    muted: bool = always_sent(False)
    completedElsewhere: bool | None = None
    externalTrackingId: str | None = None


class TelephonyCallData(TelephonyCall, omit_defaults=True, kw_only=True):
    """`data` of a `telephony_calls` event."""

    eventType: CallEventType
    eventTimestamp: str
