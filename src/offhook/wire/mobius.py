"""Mobius: discovery, registration and call control over HTTP, and its events over Mercury.

Paths are relative to a Mobius base, ``<uri>/calling/web/``. Names are the wire's
own. Every field that a client or a server may leave out has a default, so that
both ends read what the other one really sends.
"""

from enum import IntEnum, StrEnum

import msgspec

from offhook.wire.members import always_sent
from offhook.wire.roap import RoapMessage

# --- discovery ----------------------------------------------------------------------------------


class ServerGroup(msgspec.Struct):
    """The servers of one region: `uris` are bases without ``/calling/web/``."""

    region: str = ""
    uris: list[str] = []


class Discovery(msgspec.Struct):
    """GET ``{mobius}/calling/web/?regionCode=&countryCode=``. Official clients need both groups."""

    primary: ServerGroup
    backup: ServerGroup


# --- registration -------------------------------------------------------------------------------


class ServiceIndicator(StrEnum):
    """`indicator` of a line's `ServiceData`."""

    CALLING = "calling"
    CONTACT_CENTER = "contactcenter"
    GUEST_CALLING = "guestcalling"


class ServiceData(msgspec.Struct, omit_defaults=True):
    """Which flavour of calling a line is for."""

    indicator: ServiceIndicator = always_sent(ServiceIndicator.CALLING)
    domain: str = always_sent("")
    guestName: str | None = None
    jwe: str | None = None


class RegisterRequest(msgspec.Struct):
    """POST ``device``: `userId` is the WDM userId, `clientDeviceUri` the WDM device url."""

    userId: str
    clientDeviceUri: str
    serviceData: ServiceData = msgspec.field(default_factory=ServiceData)


class MobiusDevice(msgspec.Struct, omit_defaults=True):
    """A registered line. `uri` is exactly base + ``devices/`` + `deviceId`."""

    deviceId: str
    uri: str
    status: str = always_sent("active")
    lastSeen: str | None = None
    addresses: list[str] = []
    clientDeviceUri: str | None = None


class Registration(msgspec.Struct):
    """The answer to POST ``device``. Intervals in seconds, re-homing in minutes.

    `keepaliveInterval` must be there: without it the official client posts in a tight loop.
    """

    userId: str
    device: MobiusDevice
    keepaliveInterval: int
    callKeepaliveInterval: int = 600
    rehomingIntervalMin: int = 60
    rehomingIntervalMax: int = 120
    voicePortalNumber: str | int | None = None
    voicePortalExtension: str | int | None = None


class DeviceList(msgspec.Struct):
    """GET ``devices?userid=``, and the body of a 403 with errorCode 101."""

    userId: str
    devices: list[MobiusDevice] = []


class MobiusErrorCode(IntEnum):
    """`errorCode` in the JSON body of a 403 or 503.

    `NUMBER_NOT_FOUND` is our own, for a transfer to a number that leads nowhere; official clients
    take any error of a transfer for one that failed.
    """

    DEVICE_LIMIT = 101
    DEVICE_CREATION_DISABLED = 102
    DEVICE_CREATION_FAILED = 103
    INVALID_STATUS_UPDATE = 111
    DEVICE_NOT_REGISTERED = 112
    CALL_NOT_FOUND = 113
    CALL_PROCESSING_ERROR = 114
    USER_BUSY = 115
    PARSING_ERROR = 116
    TIMEOUT = 117
    NOT_ACCEPTABLE = 118
    CALL_REJECTED = 119
    NOT_AVAILABLE = 120
    NUMBER_NOT_FOUND = 213


class MobiusError(msgspec.Struct, omit_defaults=True):
    """An error body of Mobius. `devices` comes with DEVICE_LIMIT."""

    message: str
    errorCode: int | None = None
    trackingId: str | None = None
    userId: str | None = None
    devices: list[MobiusDevice] | None = None


# --- calls: requests ----------------------------------------------------------------------------


class CallDevice(msgspec.Struct):
    """Whose leg a request is about.

    `correlationId` is made by the client, one for each of its calls.
    """

    deviceId: str
    correlationId: str


class LocalMedia(msgspec.Struct):
    """A client's ROAP message; `mediaId` is new in each request."""

    roap: RoapMessage
    mediaId: str = ""


class Callee(msgspec.Struct):
    """Whom to call.

    `address` is ``tel:<digits>`` or, from our SDK, ``sip:user@domain`` with type `uri`.
    """

    type: str
    address: str


class CreateCallRequest(msgspec.Struct, omit_defaults=True):
    """POST ``devices/{deviceId}/call``."""

    device: CallDevice
    localMedia: LocalMedia
    callee: Callee | None = None


class CallData(msgspec.Struct):
    """State of a call in the answer to its creation."""

    callState: str = "sig_proceeding"


class CreateCallResponse(msgspec.Struct):
    """The answer to POST ``devices/{deviceId}/call``; `callId` names the leg from here on."""

    device: CallDevice
    callId: str
    callData: CallData = msgspec.field(default_factory=CallData)


class CallState(StrEnum):
    """`callState` of PATCH ``devices/{deviceId}/calls/{callId}``."""

    ALERTING = "sig_alerting"
    CONNECTED = "sig_connected"


class UpdateCallRequest(msgspec.Struct):
    """PATCH ``devices/{deviceId}/calls/{callId}``: the called client rings, or was answered."""

    device: CallDevice
    callId: str
    callState: CallState
    inbandMedia: bool = False


class MediaRequest(msgspec.Struct):
    """POST ``devices/{deviceId}/calls/{callId}/media``."""

    device: CallDevice
    callId: str
    localMedia: LocalMedia


#: What stands for a call's id, with a uuid behind it, before the service has named the call.
LOCAL_CALL_ID = "DefaultLocalId_"


class CallRequest(msgspec.Struct):
    """POST ``.../status`` and ``services/callhold/{hold,resume}``; also what those answer."""

    device: CallDevice
    callId: str


class DisconnectRequest(msgspec.Struct, omit_defaults=True):
    """DELETE ``devices/{deviceId}/calls/{callId}``, which has a body.

    `metrics` is kept as it came, undecoded; empty if there is none.
    """

    device: CallDevice
    callId: str
    metrics: msgspec.Raw = msgspec.Raw()
    causecode: int = always_sent(0)
    cause: str = always_sent("")


class TransferType(StrEnum):
    """`transferType` of a transfer."""

    BLIND = "BLIND"
    CONSULT = "CONSULT"


class BlindTransferContext(msgspec.Struct):
    """Transfer to a number that is not called yet."""

    transferorCallId: str
    destination: str


class ConsultTransferContext(msgspec.Struct):
    """Transfer to the far end of another call of the same client."""

    transferorCallId: str
    transferToCallId: str


class TransferRequest(msgspec.Struct, omit_defaults=True):
    """POST ``services/calltransfer/commit``."""

    device: CallDevice
    callId: str
    transferType: TransferType
    blindTransferContext: BlindTransferContext | None = None
    consultTransferContext: ConsultTransferContext | None = None


class CauseCode(IntEnum):
    """Why a call ended, in DELETE and in `mobius.calldisconnected`.

    0, 115 and 131 are what official clients send. Official clients ignore the value
    that they receive, so the others, which follow `MobiusErrorCode`, are free to tell
    our SDK the truth; 200 is SIP's "completed elsewhere".
    """

    NORMAL = 0
    NOT_FOUND = 113
    PROCESSING_ERROR = 114
    BUSY = 115
    NO_ANSWER = 117
    REJECTED = 119
    NOT_AVAILABLE = 120
    MEDIA_INACTIVITY = 131
    COMPLETED_ELSEWHERE = 200
    TRANSFERRED = 201
    MERGED = 202


CAUSE_TEXT: dict[CauseCode, str] = {
    CauseCode.NORMAL: "Normal Disconnect.",
    CauseCode.NOT_FOUND: "Number Not Found.",
    CauseCode.PROCESSING_ERROR: "Call Processing Error.",
    CauseCode.BUSY: "User Busy.",
    CauseCode.NO_ANSWER: "No Answer.",
    CauseCode.REJECTED: "Call Rejected.",
    CauseCode.NOT_AVAILABLE: "Not Available.",
    CauseCode.MEDIA_INACTIVITY: "Media Inactivity.",
    CauseCode.COMPLETED_ELSEWHERE: "Call Completed Elsewhere.",
    CauseCode.TRANSFERRED: "Call Transferred.",
    CauseCode.MERGED: "Call Merged.",
}


# --- calls: events (the `data` of a Mercury envelope) -------------------------------------------


class MobiusEventType(StrEnum):
    """`eventType` of the Mobius events."""

    CALL = "mobius.call"
    CALL_PROGRESS = "mobius.callprogress"
    CALL_CONNECTED = "mobius.callconnected"
    MEDIA = "mobius.media"
    CALL_DISCONNECTED = "mobius.calldisconnected"


class CallerId(msgspec.Struct, omit_defaults=True):
    """Who the other party is, as SIP name-addr values.

    For example ``"Alice" <sip:1001@example.org;user=phone>``. See `offhook.wire.name_addr`.
    """

    from_: str | None = msgspec.field(default=None, name="from")
    p_asserted_identity: str | None = msgspec.field(default=None, name="p-asserted-identity")
    remote_party_info: str | None = msgspec.field(
        default=None, name="x-broadworks-remote-party-info"
    )


class CallProgressData(msgspec.Struct):
    """`alerting`: the other side rings.

    `inbandMedia`: audio is already there, do not play a ring-back tone.
    """

    alerting: bool = True
    inbandMedia: bool = False


class MidCallState(StrEnum):
    """`callState` of a mid-call event."""

    HELD = "HELD"
    CONNECTED = "CONNECTED"


class CallParticipant(msgspec.Struct, omit_defaults=True):
    """Somebody in a call, as the others see it. `personId` is a uuid, absent for outsiders."""

    participantId: str
    name: str = always_sent("")
    number: str = always_sent("")
    personId: str | None = None
    isSelf: bool = False
    isHost: bool = False
    held: bool = False
    muted: bool = False


class MidCallEventType(StrEnum):
    """`eventType` of a mid-call event.

    From `PARTICIPANTS` on they are our own; official clients log what they do not know.
    """

    CALL_STATE = "callState"
    CALL_INFO = "callInfo"
    PARTICIPANTS = "participants"  # participants, conference
    ACTIVE_SPEAKER = "activeSpeaker"  # participantId
    ANSWER_REQUESTED = "answerRequested"  # nothing more
    MUTED = "muted"  # muted


class MidCallEventData(msgspec.Struct, omit_defaults=True):
    """Which of them are there, the event's type tells."""

    callState: MidCallState | None = None
    callerId: CallerId | None = None
    participants: list[CallParticipant] | None = None
    conference: bool | None = None
    participantId: str | None = None
    muted: bool | None = None


class MidCallService(msgspec.Struct):
    """One thing that happened in mid-call; `eventType` is one of `MidCallEventType`, or unknown."""

    eventType: str
    eventData: MidCallEventData


class MobiusEvent(msgspec.Struct, omit_defaults=True):
    """Any Mobius event. Which members are there depends on `eventType`.

    `correlationId` must be the receiving client's own (empty only before that client has told it).
    Extensions, ignored by official clients: `trackingId` is the call's external tracking id,
    `group` the hunt group through which an incoming call comes, and `answerNow` asks the client to
    answer by itself, since its own person dialled from elsewhere.
    """

    eventType: MobiusEventType
    callId: str
    deviceId: str = always_sent("")
    correlationId: str = always_sent("")
    callUrl: str = ""
    callerId: CallerId | None = None
    callProgressData: CallProgressData | None = None
    message: RoapMessage | None = None
    midCallService: list[MidCallService] | None = None
    alertType: str | None = None
    causecode: int | None = None
    cause: str | None = None
    trackingId: str | None = None
    group: CallerId | None = None
    answerNow: bool | None = None
