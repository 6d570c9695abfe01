"""What `from offhook import ...` offers. A change here is a change for everybody who uses it."""

import enum
import inspect
import subprocess
import sys

import pytest

import offhook
import offhook.testing

_SORTED = """
    ActiveSpeakerChangedEvent AnswerRequestedEvent AssociatedCallEndedEvent AudioFailedEvent
    AudioSourceEndedEvent Authenticator Call CallAssociationError CallAssociationType
    CallDisconnectedEvent CallEnded CallEndedError CallError CallErrorEvent CallEvent
    CallHoldStateChangedEvent CallMediaError CallMembership CallMembershipChangedEvent
    CallMembershipState CallObserver CallQuality CallStateError CallStatus CallTimeoutError
    CallingType ConnectedEvent DTMFReceivedEvent DirectTransferResult Direction EndReason
    FileTokenStorage HoldResumeInfo IncomingCallListener InfoChangedEvent InitializationError
    InvalidApiError JWTAuthenticator MediaChangedEvent MediaOption MembershipHeldEvent
    MembershipJoinedEvent MembershipLeftEvent MembershipSendingAudioEvent NetworkError
    NotAuthorizedError OAuthAuthenticator OtherConnected PermissionRequiredError Person PersonClient
    Phone PhoneConnectionResult PhoneServiceRegistrationFailureReason PhoneServicesError
    PushNotificationResult RingerType RingingEvent SendingAudioChangeResult SendingAudioEvent
    ServiceError SignInError StartRingingEvent StopRingingEvent StoredSignIn TokenAuthenticator
    TokenStorage TooManyRequestsError TransferFailedError UCLoginFailureReason
    UCLoginServerConnectionStatus UCSSOFailureReason VoicePushInfo WebSocketError Webex
    WebexAuthDelegate WebexError WebexErrorCode WebexUCLoginDelegate
"""
NAMES = _SORTED.split()

MEMBERS = {
    "Webex": """
        auth_delegate authenticator close delegate initialize is_uc_logged_in parse_voip_payload
        people
        phone uc_server_connection_status
    """,
    "Phone": """
        calling_type calls cancel connect_phone_services dial dial_phone_number
        disconnect_phone_services incoming_call_listener incoming_calls
        process_push_notification ready
        set_incoming_call_listener set_remote_answer
    """,
    "Call": """
        answer associated_with association_type audio call_id caller_number connected correlation_id
        direct_transfer_call direction end_reason ended events external_tracking_id group_name
        group_number hangup hold is_add_participant_supported is_group_call is_muted_by_service
        is_on_hold is_sending_audio is_transfer_supported memberships merge_calls mute observer
        quality reject resume send_dtmf set_observer start_associated_call status title
        transfer_call unmute
    """,
    "CallObserver": """
        on_answer_requested on_associated_call_ended on_call_hold_state_changed
        on_call_membership_changed on_connected on_disconnected on_dtmf_received on_info_changed
        on_media_changed on_ringing on_start_ringing on_stop_ringing
    """,
    "WebexUCLoginDelegate": """
        hide_uc_sso_browser load_uc_sso_view_in_background on_uc_logged_in on_uc_login_failed
        on_uc_server_connection_state_changed on_uc_sso_login_failed show_uc_non_sso_login_view
        show_uc_sso_browser
    """,
    "WebexAuthDelegate": "on_login_failed on_re_login_required",
    "OAuthAuthenticator": """
        authorization_url authorize deauthorize email is_authorized token
    """,
    "JWTAuthenticator": "authorize deauthorize email expiration is_authorized refresh_token token",
    "TokenAuthenticator": """
        authorize deauthorize email is_authorized on_token_expired set_on_token_expired_listener
        token
    """,
    "MediaOption": "audio_only has_video",
    "PersonClient": "get_me",
}

#: Used between the parts of the SDK; nobody else should.
INTERNAL = {
    "Phone": {
        "close",
        "end_calls",
        "initialized",
        "line_failed",
        "line_ready",
        "service_back",
        "take",
    },
    "Call": {"tracking_id"},
    "Authenticator": {"attach", "close", "renew", "restore"},
    "MediaOption": {"close", "error_of", "open", "sink", "source", "uses_devices"},
}


def test_the_names_are_exactly_these() -> None:
    assert sorted(offhook.__all__) == sorted(NAMES)
    assert set(NAMES) <= set(dir(offhook))


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_there_and_says_what_it_is_for(name: str) -> None:
    thing = getattr(offhook, name)
    assert thing.__name__ == name
    doc = vars(thing).get("__doc__")
    assert doc, f"{name} has no docstring of its own"
    # A dataclass without one is given its signature.
    assert not doc.startswith(f"{name}("), f"{name} has no docstring of its own"


def public_members(kind: type) -> set[str]:
    members = {name for name in dir(kind) if not name.startswith("_")}
    for base in kind.__mro__:
        members -= INTERNAL.get(base.__name__, set())
    if kind is offhook.Webex:
        members |= {"auth_delegate", "authenticator", "delegate", "people", "phone"}
    if kind is offhook.Call:
        members.add("audio")
    return members


@pytest.mark.parametrize("name", MEMBERS)
def test_the_members_are_exactly_these(name: str) -> None:
    assert public_members(getattr(offhook, name)) == set(MEMBERS[name].split())


@pytest.mark.parametrize("name", NAMES)
def test_every_method_and_property_says_what_it_is_for(name: str) -> None:
    thing = getattr(offhook, name)
    if issubclass(thing, enum.Enum):
        return
    for member, value in vars(thing).items():
        if member.startswith("_") or not (
            inspect.isfunction(value) or isinstance(value, property | classmethod)
        ):
            continue
        documented = any(
            inspect.getdoc(vars(base)[member]) for base in thing.__mro__ if member in vars(base)
        )
        assert documented, f"{name}.{member} has no docstring"


def test_every_error_is_a_webex_error_with_a_code_and_is_drawn_in_the_tree() -> None:
    import offhook.errors as tree

    for name in NAMES:
        thing = getattr(offhook, name)
        if issubclass(thing, BaseException):
            assert issubclass(thing, offhook.WebexError)
            assert thing.code in offhook.WebexErrorCode
            assert name in (tree.__doc__ or "")


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Telegraph"):
        _ = offhook.Telegraph  # type: ignore[attr-defined]


def test_server_code_does_not_load_the_sdk() -> None:
    check = (
        "import sys, offhook.wire.mobius; "
        "sys.exit(any(name.startswith(('aiohttp', 'av', 'offhook.sdk')) for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", check], check=False, timeout=60).returncode == 0


def test_what_is_there_for_tests_is_exactly_this_and_loaded_only_when_it_is_used() -> None:
    names = """
        ApnsServer FcmServer LocalCloud LocalPerson LocalPush ReceivedMessage ReceivedPush
        WebhookSender local_cloud local_push
    """
    assert sorted(offhook.testing.__all__) == names.split()
    assert set(names.split()) <= set(dir(offhook.testing))
    for name in offhook.testing.__all__:
        thing = getattr(offhook.testing, name)
        assert thing.__name__ == name
        assert thing.__doc__
    with pytest.raises(AttributeError, match="Telegraph"):
        _ = offhook.testing.Telegraph  # type: ignore[attr-defined]
    check = (
        "import sys, offhook.testing; "
        "sys.exit(any(name.startswith(('aiohttp', 'h2', 'offhook.s')) for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", check], check=False, timeout=60).returncode == 0
