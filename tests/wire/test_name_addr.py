"""Who calls: names and numbers in the wire's `callerId`."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offhook.wire.mobius import CallerId
from offhook.wire.name_addr import (
    MAX_NAME,
    NameAddr,
    caller_of,
    parse_name_addr,
    render_name_addr,
)


def test_a_caller_is_written_as_official_clients_expect_it() -> None:
    assert (
        render_name_addr(NameAddr("Alice", "1001"), "example.org")
        == '"Alice" <sip:1001@example.org;user=phone>'
    )


def test_a_caller_without_a_name_is_a_number() -> None:
    assert render_name_addr(NameAddr("", "+1800123456"), "x.org") == (
        "<sip:+1800123456@x.org;user=phone>"
    )


def test_a_caller_who_withholds_the_number_is_anonymous() -> None:
    text = render_name_addr(NameAddr("Alice", ""), "example.org")

    assert text == '"Alice" <sip:anonymous@anonymous.invalid>'
    assert parse_name_addr(text) == NameAddr("Alice", "")


def test_a_name_cannot_break_out_of_its_quotes_or_its_line() -> None:
    text = render_name_addr(NameAddr('A"\\\r\n<sip:evil@x>', "1001"), "example.org")

    assert "\r" not in text
    assert "\n" not in text
    assert parse_name_addr(text) == NameAddr('A"\\<sip:evil@x>', "1001")


@pytest.mark.parametrize(
    ("text", "name", "number"),
    [
        ('"Alice" <sip:1001@example.org;user=phone>;tag=1', "Alice", "1001"),
        ('"Zoë Ångström 山田" <sip:+1800123456@x.org>', "Zoë Ångström 山田", "+1800123456"),
        ("Alice <sip:1001@example.org>", "Alice", "1001"),
        ("Alice Adams<sips:1001@example.org:5061>", "Alice Adams", "1001"),
        ("<sip:1001@example.org>", "", "1001"),
        ("sip:1001@example.org", "", "1001"),
        ("sip:1001;phone-context=x@example.org", "", "1001"),
        ('"Alice"<tel:+1-800-555-0100>', "Alice", "+1-800-555-0100"),
        ("<tel:+18005550100;ext=5>", "", "+18005550100"),
        ('"Doe, Jane" <sip:%2B18005550100@x.org>', "Doe, Jane", "+18005550100"),
        ('"Alice" <sip:alice@example.org>', "Alice", ""),
        ('"Alice"', "Alice", ""),
        ('"Alice" <sip:1001>', "Alice", ""),
        ("<>", "", ""),
        ("", "", ""),
        ('"unfinished', "", ""),
        ("https://example.org/1001@x", "", ""),
        ("<" * 2000, "", ""),
    ],
)
def test_what_others_write_is_read_as_far_as_it_makes_sense(
    text: str, name: str, number: str
) -> None:
    assert parse_name_addr(text) == NameAddr(name, number)


def test_the_asserted_identity_comes_first_and_from_fills_the_gaps() -> None:
    asserted = '"Alice" <sip:1001@example.org>'
    sender = '"Somebody" <sip:9999@example.org>;tag=1'

    assert caller_of(CallerId(from_=sender, p_asserted_identity=asserted)) == NameAddr(
        "Alice", "1001"
    )
    assert caller_of(
        CallerId(from_=sender, p_asserted_identity="<sip:1001@example.org>")
    ) == NameAddr("Somebody", "1001")
    assert caller_of(
        CallerId(from_=sender, p_asserted_identity='"Alice" <sip:alice@example.org>')
    ) == NameAddr("Alice", "9999")
    assert caller_of(CallerId(from_=sender)) == NameAddr("Somebody", "9999")
    assert caller_of(CallerId()) == caller_of(None) == NameAddr()


NAMES = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=MAX_NAME).map(str.strip)
NUMBERS = st.from_regex(r"\+[0-9]{4,15}|[0-9]{1,12}", fullmatch=True)


def test_half_a_character_does_no_harm() -> None:
    """Lone surrogates come from careless decoding; no encoder takes them."""
    text = render_name_addr(NameAddr("A\udcff", "1\udcff"), "example.org")

    assert text.encode() == b'"A" <sip:1%3F@example.org>'


@given(NAMES, NUMBERS)
@settings(max_examples=200, deadline=None)
def test_every_name_and_number_survives_the_round_trip(name: str, number: str) -> None:
    who = NameAddr(name, number)

    assert parse_name_addr(render_name_addr(who, "example.org")) == who


@given(st.text() | st.text('"\\<>@:;sip tel1+ ', max_size=40), st.text(max_size=20))
@settings(max_examples=400, deadline=None)
def test_nothing_that_anybody_sends_as_a_name_does_harm(text: str, number: str) -> None:
    read = parse_name_addr(text)
    written = render_name_addr(NameAddr(text, number), "example.org")

    assert len(read.name) <= MAX_NAME
    assert "\n" not in written
    assert caller_of(CallerId(from_=text)) == read
