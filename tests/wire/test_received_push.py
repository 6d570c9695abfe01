"""What a phone is handed when it is woken, in every wrapping, and anything else."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.wire.received_push import (
    EmptyPushError,
    NotACallPushError,
    ReceivedPush,
    read_push,
)
from offhook.wire.voip_push import ApnsNewCall, NewCall

FACTS = {
    "pushId": "push-1",
    "callId": "call-1",
    "externalTrackingId": "track-1",
    "ringUntil": 1_790_000_030_500,
    "displayName": "Ada Lovelace",
    "displayNumber": "+15550001",
}
PAYLOAD = msgspec.json.encode(NewCall(**FACTS))
READ = ReceivedPush(
    "1", "push-1", "Ada Lovelace", "+15550001", "track-1", "call-1", 1_790_000_030.5
)


def as_flat_strings(payload: bytes) -> dict[str, str]:
    return {name: str(value) for name, value in json.loads(payload).items()}


WRAPPINGS = {
    "the payload as text": PAYLOAD.decode(),
    "the payload as bytes": PAYLOAD,
    "the payload as a mapping": json.loads(PAYLOAD),
    "an iPhone's whole dictionary": msgspec.json.encode(ApnsNewCall(**FACTS)).decode(),
    "the map of FCM with one string": {"webhookTelephonyPush": PAYLOAD.decode()},
    "the same as JSON": json.dumps({"webhookTelephonyPush": PAYLOAD.decode()}),
    "an object instead of the string": {"webhookTelephonyPush": json.loads(PAYLOAD)},
    "the sample app's map": {
        "pinpoint.jsonBody": json.dumps({"webhookTelephonyPush": PAYLOAD.decode()})
    },
    "each member as a string": as_flat_strings(PAYLOAD),
    "a string made JSON twice": json.dumps(PAYLOAD.decode()),
    "a whole FCM message": {"data": {"webhookTelephonyPush": PAYLOAD.decode()}, "token": "x"},
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_a_call_is_read_from_every_wrapping(wrapping: str) -> None:
    assert read_push(WRAPPINGS[wrapping]) == READ  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "number"),
    [("name", "number"), ("callerName", "callerNumber"), ("displayname", "displaynumber")],
)
def test_the_caller_is_found_by_the_names_that_callers_have_elsewhere(name: str, number: str):
    push = read_push(
        {
            "type": "NewCall",
            "pushid": "p",
            name: "Ada",
            number: "1002",
            "ringexpiretime": "1790000030",
        }
    )
    assert (push.name, push.number, push.push_id) == ("Ada", "1002", "p")
    assert push.ring_until == 1_790_000_030.0


def test_a_payload_without_a_type_is_known_by_its_ids() -> None:
    assert read_push({"pushId": "p", "externalTrackingId": "t"}).tracking_id == "t"
    with pytest.raises(NotACallPushError):
        read_push({"pushId": "p", "name": "A newsletter"})


@pytest.mark.parametrize("message", ["", b"", {}, "  ", b"\n"])
def test_nothing_is_told_as_nothing(message: Any) -> None:
    with pytest.raises(EmptyPushError):
        read_push(message)


@pytest.mark.parametrize(
    "message",
    [
        "a newsletter",
        b"\xff\xfe",
        "[1, 2]",
        "null",
        '{"aps": {"alert": "Hello"}}',
        {"type": "CallMembership", "pushId": "p", "callId": "c"},
        {"webhookTelephonyPush": ""},
        {"webhookTelephonyPush": None},
        {"pinpoint.jsonBody": '{"webhookTelephonyPush": 7}'},
        "[" * 10_000,
        '{"webhookTelephonyPush":' * 40 + "1" + "}" * 40,
        PAYLOAD.decode() + " " * 70_000,
    ],
)
def test_anything_else_is_not_a_call(message: Any) -> None:
    with pytest.raises(NotACallPushError):
        read_push(message)


def test_an_end_of_the_window_that_is_no_time_is_left_out() -> None:
    for strange in ("soon", "nan", "inf", -5, True, [1], None, 1e300):
        assert read_push({"type": "NewCall", "ringUntil": strange}).ring_until is None


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "webhookTelephonyPush", "pinpoint.jsonBody", "data", "pushId", "ringUntil"]
            )
            | st.text(max_size=8),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.text() | st.binary() | st.dictionaries(st.text(max_size=8) | st.integers(), ANYTHING))
def test_no_message_can_do_harm(message: Any) -> None:
    assert_harmless(message)


@given(ANYTHING, st.sampled_from(["webhookTelephonyPush", "pinpoint.jsonBody", "type"]))
def test_no_wrapping_can_do_harm(inside: Any, key: str) -> None:
    assert_harmless({key: inside})
    assert_harmless({key: json.dumps(inside, default=repr), "type": "NewCall"})


@given(st.integers(0, 200), st.binary(max_size=3))
def test_no_damage_of_a_real_one_can_do_harm(where: int, instead: bytes) -> None:
    assert_harmless(PAYLOAD[:where] + instead + PAYLOAD[where + 1 :])


def assert_harmless(message: Any) -> None:
    try:
        push = read_push(message)
    except (EmptyPushError, NotACallPushError):
        return
    assert isinstance(push, ReceivedPush)
