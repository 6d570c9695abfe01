"""Call control over REST: what ``/telephony/calls`` and ``/telephony/conference`` take and give.

Any body may have `lineOwnerId`, whose line it is about. Lines are not shared: it is one's own.

Source: developer.webex.com, "Call Controls" and "Conference Controls"; wxc-sdk; wire document, 7.3.
"""

from enum import StrEnum

import msgspec

from offhook.wire.telephony_calls import TelephonyCall


class CallsBody(msgspec.Struct, omit_defaults=True):
    """What every body may have."""

    lineOwnerId: str | None = None


class CallCommand(CallsBody, omit_defaults=True):
    """Do something to a call; of a conference, to the host where no call is named."""

    callId: str = ""


class Dial(CallsBody, omit_defaults=True):
    """``dial``. One of the last two asks for a certain phone, which is not offered."""

    destination: str = ""
    endpointId: str | None = None
    singleNumberReachPhoneNumber: str | None = None


class AnswerCall(CallCommand, omit_defaults=True):
    """``answer``, on the phone `endpointId` if one is named, which is not offered."""

    endpointId: str | None = None


class RejectAction(StrEnum):
    """What the caller is to believe."""

    BUSY = "busy"
    TEMPORARILY_UNAVAILABLE = "temporarilyUnavailable"
    IGNORE = "ignore"


class RejectCall(CallCommand, omit_defaults=True):
    """``reject``."""

    action: RejectAction = RejectAction.BUSY


class DivertCall(CallCommand, omit_defaults=True):
    """``divert``. There is no voicemail."""

    destination: str = ""
    toVoicemail: bool = False


class TransferCalls(CallsBody, omit_defaults=True):
    """``transfer``: two calls, or one and a destination, or neither where there are just two."""

    callId1: str = ""
    callId2: str = ""
    destination: str = ""


class TransmitDtmf(CallCommand, omit_defaults=True):
    """``transmitDtmf``: ``0-9 * # A-D``; a comma is a pause."""

    dtmf: str = ""


class CallInfo(msgspec.Struct):
    """The ids of a call that was made."""

    callId: str
    callSessionId: str


class CallList(msgspec.Struct):
    """All calls of a person."""

    items: list[TelephonyCall]


class HistoryType(StrEnum):
    """`MISSED`: nobody answered; `RECEIVED`: somebody called, and it was answered."""

    PLACED = "placed"
    MISSED = "missed"
    RECEIVED = "received"


class HistoryRecord(msgspec.Struct):
    """A call that is over: when it was placed, answered or, if it was missed, given up."""

    type: HistoryType
    name: str
    number: str
    time: str
    privacyEnabled: bool = False


class HistoryList(msgspec.Struct):
    """A person's latest calls of each type, newest first."""

    items: list[HistoryRecord]


class StartConference(CallsBody, omit_defaults=True):
    """Join the calls of the person."""

    callIds: list[str] = []


class ConferenceState(StrEnum):
    """Whether the host takes part."""

    CONNECTED = "connected"
    HELD = "held"


class ConferenceParticipant(msgspec.Struct):
    """Somebody in a conference, by the host's call with them."""

    callId: str
    muted: bool
    deafened: bool = False


class ConferenceDetails(msgspec.Struct, omit_defaults=True):
    """A conference as its host sees it; empty if there is none. `muted` is the host."""

    state: ConferenceState | None = None
    created: str | None = None
    muted: bool | None = None
    participants: list[ConferenceParticipant] | None = None
