"""Bodies from outside: read, or refused in one way, whatever they contain."""

import json
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offhook.wire import catalog, mercury, mobius, rest, wdm
from offhook.wire.body import MalformedBodyError, read_body
from offhook.wire.roap import RoapErrorType, RoapMessage, RoapType

KINDS: list[type[msgspec.Struct]] = [
    RoapMessage,
    catalog.Catalog,
    mercury.ClientFrame,
    mercury.ServerFrame,
    mobius.CreateCallRequest,
    mobius.DisconnectRequest,
    mobius.MediaRequest,
    mobius.MobiusError,
    mobius.MobiusEvent,
    mobius.RegisterRequest,
    mobius.Registration,
    mobius.TransferRequest,
    mobius.UpdateCallRequest,
    rest.ErrorBody,
    rest.Person,
    wdm.Device,
    wdm.DeviceRequest,
]


def test_a_roap_message_is_read_by_its_type() -> None:
    message = read_body(b'{"seq":1,"messageType":"OFFER","sdp":"v=0","tieBreaker":1}', RoapMessage)

    assert message == RoapMessage(1, RoapType.OFFER, "v=0", 1)


def test_an_error_of_the_media_engine_says_which() -> None:
    body = '{"seq":2,"messageType":"ERROR","errorType":"OUT_OF_ORDER"}'

    assert read_body(body, RoapMessage).errorType is RoapErrorType.OUT_OF_ORDER


def test_an_ok_is_written_without_members_it_does_not_have() -> None:
    assert json.loads(msgspec.json.encode(RoapMessage(3, RoapType.OK))) == {
        "seq": 3,
        "messageType": "OK",
    }


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "truncated"),
        (b"\xff", "malformed"),
        (b'{"seq":1,"messageType":"\xff"}', "utf-8"),
        (b'{"seq":1,"messageType":"SHOUT"}', r"\$\.messageType"),
        (b'{"seq":"1","messageType":"OK"}', r"\$\.seq"),
        (b'{"seq":1.5,"messageType":"OK"}', r"\$\.seq"),
        (b'{"seq":true,"messageType":"OK"}', r"\$\.seq"),
        (b'{"messageType":"OK"}', "seq"),
        (b"[1]", "object"),
        (b"null", "object"),
        (b'{"deep":' + b"[" * 100_000, "nested too deeply"),
        (b'{"deep":' + b'{"a":' * 100_000, "nested too deeply"),
    ],
)
def test_a_body_that_makes_no_sense_is_refused_with_the_place(body: bytes, said: str) -> None:
    with pytest.raises(MalformedBodyError, match=said):
        read_body(body, RoapMessage)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner),
    max_leaves=12,
)


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_any_body_is_refused_in_one_way_only(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(KINDS))
    members = [field.encode_name for field in msgspec.structs.fields(kind)]
    body: Any = data.draw(
        st.binary(max_size=200)
        | JSON.map(json.dumps)
        | st.dictionaries(st.sampled_from(members), JSON).map(json.dumps)
    )

    with suppress(MalformedBodyError):
        assert isinstance(read_body(body, kind), kind)
