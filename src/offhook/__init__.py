"""Offhook: calling for Python.

::

    async with Webex(TokenAuthenticator(token), cloud="http://127.0.0.1:8008") as webex:
        await webex.phone.ready()
        async with await webex.phone.dial_phone_number("1002") as call:
            await call.connected()
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from offhook.engine.client.model import CallStatus, Direction, EndReason
    from offhook.engine.rtp.statistics import CallQuality
    from offhook.errors import (
        CallAssociationError,
        CallEndedError,
        CallError,
        CallMediaError,
        CallStateError,
        CallTimeoutError,
        InitializationError,
        InvalidApiError,
        NetworkError,
        NotAuthorizedError,
        PermissionRequiredError,
        PhoneServicesError,
        ServiceError,
        SignInError,
        TooManyRequestsError,
        TransferFailedError,
        WebexError,
        WebexErrorCode,
        WebSocketError,
    )
    from offhook.sdk.auth import (
        Authenticator,
        FileTokenStorage,
        JWTAuthenticator,
        OAuthAuthenticator,
        StoredSignIn,
        TokenAuthenticator,
        TokenStorage,
    )
    from offhook.sdk.call import Call
    from offhook.sdk.call_events import (
        ActiveSpeakerChangedEvent,
        AnswerRequestedEvent,
        AssociatedCallEndedEvent,
        AudioFailedEvent,
        AudioSourceEndedEvent,
        CallDisconnectedEvent,
        CallEnded,
        CallErrorEvent,
        CallEvent,
        CallHoldStateChangedEvent,
        CallMembershipChangedEvent,
        CallObserver,
        ConnectedEvent,
        DTMFReceivedEvent,
        HoldResumeInfo,
        InfoChangedEvent,
        MediaChangedEvent,
        MembershipHeldEvent,
        MembershipJoinedEvent,
        MembershipLeftEvent,
        MembershipSendingAudioEvent,
        OtherConnected,
        RingingEvent,
        SendingAudioEvent,
        StartRingingEvent,
        StopRingingEvent,
    )
    from offhook.sdk.delegates import WebexAuthDelegate, WebexUCLoginDelegate
    from offhook.sdk.enums import (
        CallAssociationType,
        CallingType,
        DirectTransferResult,
        PhoneConnectionResult,
        PhoneServiceRegistrationFailureReason,
        PushNotificationResult,
        RingerType,
        SendingAudioChangeResult,
        UCLoginFailureReason,
        UCLoginServerConnectionStatus,
        UCSSOFailureReason,
    )
    from offhook.sdk.media_option import MediaOption
    from offhook.sdk.membership import CallMembership, CallMembershipState
    from offhook.sdk.people import Person, PersonClient
    from offhook.sdk.phone import IncomingCallListener, Phone
    from offhook.sdk.push_info import VoicePushInfo
    from offhook.sdk.webex import Webex

#: Where the names are, to be loaded when one is used: server code that imports `offhook.wire` does
#: not pay for the SDK.
_HOMES = (
    "offhook.errors",
    "offhook.engine.client.model",
    "offhook.engine.rtp.statistics",
    "offhook.sdk.enums",
    "offhook.sdk.delegates",
    "offhook.sdk.auth",
    "offhook.sdk.call_events",
    "offhook.sdk.call",
    "offhook.sdk.media_option",
    "offhook.sdk.membership",
    "offhook.sdk.people",
    "offhook.sdk.phone",
    "offhook.sdk.push_info",
    "offhook.sdk.webex",
)

__all__ = [
    "ActiveSpeakerChangedEvent",
    "AnswerRequestedEvent",
    "AssociatedCallEndedEvent",
    "AudioFailedEvent",
    "AudioSourceEndedEvent",
    "Authenticator",
    "Call",
    "CallAssociationError",
    "CallAssociationType",
    "CallDisconnectedEvent",
    "CallEnded",
    "CallEndedError",
    "CallError",
    "CallErrorEvent",
    "CallEvent",
    "CallHoldStateChangedEvent",
    "CallMediaError",
    "CallMembership",
    "CallMembershipChangedEvent",
    "CallMembershipState",
    "CallObserver",
    "CallQuality",
    "CallStateError",
    "CallStatus",
    "CallTimeoutError",
    "CallingType",
    "ConnectedEvent",
    "DTMFReceivedEvent",
    "DirectTransferResult",
    "Direction",
    "EndReason",
    "FileTokenStorage",
    "HoldResumeInfo",
    "IncomingCallListener",
    "InfoChangedEvent",
    "InitializationError",
    "InvalidApiError",
    "JWTAuthenticator",
    "MediaChangedEvent",
    "MediaOption",
    "MembershipHeldEvent",
    "MembershipJoinedEvent",
    "MembershipLeftEvent",
    "MembershipSendingAudioEvent",
    "NetworkError",
    "NotAuthorizedError",
    "OAuthAuthenticator",
    "OtherConnected",
    "PermissionRequiredError",
    "Person",
    "PersonClient",
    "Phone",
    "PhoneConnectionResult",
    "PhoneServiceRegistrationFailureReason",
    "PhoneServicesError",
    "PushNotificationResult",
    "RingerType",
    "RingingEvent",
    "SendingAudioChangeResult",
    "SendingAudioEvent",
    "ServiceError",
    "SignInError",
    "StartRingingEvent",
    "StopRingingEvent",
    "StoredSignIn",
    "TokenAuthenticator",
    "TokenStorage",
    "TooManyRequestsError",
    "TransferFailedError",
    "UCLoginFailureReason",
    "UCLoginServerConnectionStatus",
    "UCSSOFailureReason",
    "VoicePushInfo",
    "WebSocketError",
    "Webex",
    "WebexAuthDelegate",
    "WebexError",
    "WebexErrorCode",
    "WebexUCLoginDelegate",
]


def __getattr__(name: str) -> object:
    if name in __all__:
        for home in _HOMES:
            found: object = getattr(import_module(home), name, None)
            if found is not None:
                return found
    raise AttributeError(f"module 'offhook' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
