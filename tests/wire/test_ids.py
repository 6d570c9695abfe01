"""Resource ids of the REST API."""

import base64
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offhook.wire.ids import InvalidIdError, ResourceKind, bare_uuid, decode_id, encode_id

UUID = "9b0d8a5e-93c7-4e3c-8a40-6a2f2f7b0a01"
ALICE = "Y2lzY29zcGFyazovL3VzL1BFT1BMRS85YjBkOGE1ZS05M2M3LTRlM2MtOGE0MC02YTJmMmY3YjBhMDE"


def test_a_person_is_written_as_webex_writes_it() -> None:
    assert encode_id(ResourceKind.PEOPLE, UUID) == ALICE


@pytest.mark.parametrize("text", [ALICE, ALICE + "=", ALICE + "==", f" {ALICE}\n"])
def test_an_id_is_read_with_and_without_padding(text: str) -> None:
    decoded = decode_id(text)

    assert (decoded.kind, decoded.uuid) == (ResourceKind.PEOPLE, UUID)


@given(st.sampled_from(ResourceKind), st.uuids())
@settings(max_examples=100, deadline=None)
def test_every_id_survives_the_round_trip(kind: ResourceKind, uuid: object) -> None:
    text = encode_id(kind, str(uuid))

    assert decode_id(text).kind is kind
    assert bare_uuid(text) == str(uuid)


def test_a_bare_uuid_stands_for_itself_in_any_spelling() -> None:
    assert bare_uuid(UUID.upper()) == UUID


def spelled(plain: str) -> str:
    return base64.b64encode(plain.encode()).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "alice",
        "ü" * 8,
        spelled("https://us/PEOPLE/" + UUID),
        spelled("ciscospark://us/PEOPLE"),
        spelled("ciscospark://us/MARTIANS/" + UUID),
        spelled("ciscospark://us/PEOPLE/a/b"),
        "////",
    ],
)
def test_anything_else_is_not_an_id(text: str) -> None:
    with pytest.raises(InvalidIdError):
        decode_id(text)
    with pytest.raises(InvalidIdError):
        bare_uuid(text)


@given(st.text(max_size=200))
@settings(max_examples=300, deadline=None)
def test_reading_an_id_fails_in_one_way_only(text: str) -> None:
    for read in (decode_id, bare_uuid):
        with suppress(InvalidIdError):
            read(text)
