"""The wire's types against messages as official clients and servers exchange them.

Each file under ``captures`` is one body. What a type does not model is listed here by name, so that
nothing gets lost unnoticed.
"""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from offhook.wire import catalog, mercury, mobius, rest, wdm

CAPTURES = Path(__file__).parent / "captures"

TYPES: dict[str, type[msgspec.Struct]] = {
    "catalog": catalog.Catalog,
    "wdm_device_request": wdm.DeviceRequest,
    "wdm_device": wdm.Device,
    "mercury_authorization": mercury.ClientFrame,
    "mercury_ping": mercury.ClientFrame,
    "mercury_ack": mercury.ClientFrame,
    "mercury_pong": mercury.Pong,
    "mercury_buffer_state": mercury.Envelope,
    "mobius_discovery": mobius.Discovery,
    "mobius_register_request": mobius.RegisterRequest,
    "mobius_registration": mobius.Registration,
    "mobius_device_limit": mobius.MobiusError,
    "mobius_create_call_request": mobius.CreateCallRequest,
    "mobius_create_call_response": mobius.CreateCallResponse,
    "mobius_alerting_request": mobius.UpdateCallRequest,
    "mobius_connected_request": mobius.UpdateCallRequest,
    "mobius_media_answer_request": mobius.MediaRequest,
    "mobius_media_ok_request": mobius.MediaRequest,
    "mobius_media_offer_response_request": mobius.MediaRequest,
    "mobius_hold_request": mobius.CallRequest,
    "mobius_disconnect_request": mobius.DisconnectRequest,
    "mobius_blind_transfer_request": mobius.TransferRequest,
    "mobius_consult_transfer_request": mobius.TransferRequest,
    "event_call": mobius.MobiusEvent,
    "event_media_offer": mobius.MobiusEvent,
    "event_media_offer_request": mobius.MobiusEvent,
    "event_progress": mobius.MobiusEvent,
    "event_connected": mobius.MobiusEvent,
    "event_held": mobius.MobiusEvent,
    "event_resumed": mobius.MobiusEvent,
    "event_call_info": mobius.MobiusEvent,
    "event_disconnected": mobius.MobiusEvent,
    "rest_error": rest.ErrorBody,
    "rest_people_me": rest.Person,
    "rest_token": rest.TokenResponse,
    "rest_jwt_login": rest.JwtLogin,
}

#: Members that are understood as "nothing" and not written again.
DROPPED = {
    "wdm_device": {"services"},
}

#: Bodies of which the other side may read a part only; an empty object is fine.
ALL_OPTIONAL = {"mercury_pong"}


def read(name: str) -> bytes:
    return (CAPTURES / f"{name}.json").read_bytes()


def contains(written: Any, captured: Any, path: str = "") -> list[str]:
    """Where `written` lacks or changes something of `captured`."""
    if isinstance(captured, dict) and isinstance(written, dict):
        return [
            problem
            for key, value in captured.items()
            for problem in (
                contains(written[key], value, f"{path}.{key}")
                if key in written
                else [f"{path}.{key} is missing"]
            )
        ]
    if isinstance(captured, list) and isinstance(written, list) and len(captured) == len(written):
        return [
            problem
            for index, (ours, theirs) in enumerate(zip(written, captured, strict=True))
            for problem in contains(ours, theirs, f"{path}[{index}]")
        ]
    return [] if written == captured else [f"{path}: {captured!r} became {written!r}"]


def test_every_capture_is_tested() -> None:
    assert {file.stem for file in CAPTURES.glob("*.json")} == set(TYPES)


@pytest.mark.parametrize("name", TYPES)
def test_what_was_read_is_written_again_in_full(name: str) -> None:
    captured = json.loads(read(name))
    for dropped in DROPPED.get(name, ()):
        del captured[dropped]

    written = json.loads(msgspec.json.encode(msgspec.json.decode(read(name), type=TYPES[name])))

    assert contains(written, captured) == []


@pytest.mark.parametrize("name", TYPES)
def test_members_that_nobody_knows_yet_are_tolerated(name: str) -> None:
    def grown(value: Any) -> Any:
        if isinstance(value, dict):
            return {**{k: grown(v) for k, v in value.items()}, "unknownMember": {"deep": [1, None]}}
        return [grown(item) for item in value] if isinstance(value, list) else value

    body = json.loads(read(name))
    if name == "catalog":  # its links are a map whose keys are free, so it grows on top only
        body["unknownMember"] = {"deep": [1, None]}
    elif name == "mercury_buffer_state":  # so are the headers
        body |= {"unknownMember": {"deep": [1, None]}}
    else:
        body = grown(body)

    assert msgspec.json.decode(json.dumps(body), type=TYPES[name])


def required_members(name: str) -> list[str]:
    fields = msgspec.structs.fields(TYPES[name])
    return [field.encode_name for field in fields if field.required]


@pytest.mark.parametrize(
    ("name", "member"), [(name, member) for name in TYPES for member in required_members(name)]
)
def test_a_body_without_a_needed_member_is_refused_by_its_name(name: str, member: str) -> None:
    body = json.loads(read(name))
    del body[member]

    with pytest.raises(msgspec.ValidationError, match=member):
        msgspec.json.decode(json.dumps(body), type=TYPES[name])


def test_the_members_that_official_clients_cannot_do_without_are_required_of_a_server() -> None:
    """Without them the official client stalls silently or posts in a tight loop."""
    assert {"primary", "backup"} <= set(required_members("mobius_discovery"))
    assert "keepaliveInterval" in required_members("mobius_registration")
    assert {"url", "webSocketUrl"} <= set(required_members("wdm_device"))
    assert "callId" in required_members("mobius_create_call_response")


def test_a_registration_says_what_it_is_for_though_that_is_the_usual_thing() -> None:
    request = mobius.RegisterRequest(userId="u", clientDeviceUri="https://cloud.example.org/d")

    assert json.loads(msgspec.json.encode(request))["serviceData"] == {
        "indicator": "calling",
        "domain": "",
    }


def test_a_normal_hang_up_is_written_with_its_cause() -> None:
    request = mobius.DisconnectRequest(mobius.CallDevice("d", "k"), "c")

    body = json.loads(msgspec.json.encode(request))

    assert (body["causecode"], body["cause"]) == (0, "")
    assert "metrics" not in body


def test_an_event_always_carries_its_correlation_id() -> None:
    """Official clients look it up in every event; before it is known it is empty, not absent."""
    event = mobius.MobiusEvent(mobius.MobiusEventType.CALL, "c1")

    body = json.loads(msgspec.json.encode(event))

    assert body == {
        "eventType": "mobius.call",
        "callId": "c1",
        "deviceId": "",
        "correlationId": "",
    }


def test_a_token_answer_names_its_type() -> None:
    body = json.loads(msgspec.json.encode(rest.TokenResponse("a_b_c", 3600)))

    assert body == {"access_token": "a_b_c", "expires_in": 3600, "token_type": "Bearer"}


def test_an_event_and_a_pong_are_told_apart_on_the_same_socket() -> None:
    pong = msgspec.json.decode(read("mercury_pong"), type=mercury.ServerFrame)
    event = msgspec.json.decode(read("mercury_buffer_state"), type=mercury.ServerFrame)

    assert pong.type == mercury.FrameType.PONG
    assert not pong.data
    assert event.type is None
    kind = msgspec.json.decode(event.data, type=mercury.EventType)
    assert kind.eventType == mercury.BUFFER_STATE


def test_every_cause_of_an_ended_call_has_its_sentence() -> None:
    assert set(mobius.CAUSE_TEXT) == set(mobius.CauseCode)
    assert mobius.CAUSE_TEXT[mobius.CauseCode.NORMAL] == "Normal Disconnect."
    assert mobius.CAUSE_TEXT[mobius.CauseCode.BUSY] == "User Busy."
    assert mobius.CAUSE_TEXT[mobius.CauseCode.MEDIA_INACTIVITY] == "Media Inactivity."
