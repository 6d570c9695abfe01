"""What people type into a dial pad, paste from a page, or read on a display."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offhook.wire.phone_number import (
    DialString,
    NotAPhoneNumberError,
    format_for_people,
    normalise_e164,
    parse_dial_string,
    same_number,
)

ARABIC_INDIC_1002 = "\u0661\u0660\u0660\u0662"
FULL_WIDTH_1002 = "\uff11\uff10\uff10\uff12"


@pytest.mark.parametrize(
    ("typed", "digits"),
    [
        ("+1800123456", "+1800123456"),  # the guide's own, which no numbering plan has
        ("+1800123457", "+1800123457"),
        ("1002", "1002"),
        ("0", "0"),
        (" +1 (800) 123-4567 ", "+18001234567"),
        ("(+1) 800.123.4567", "+18001234567"),
        ("[030] 123/456", "030123456"),
        ("0049 30 123456", "004930123456"),
        ("011 49 30 123456", "0114930123456"),
        ("+49 (0) 30 123456", "+4930123456"),
        ("+39 (0)6 1234567", "+39061234567"),
        ("*11", "*11"),
        ("*67", "*67"),
        ("#31#", "#31#"),
        ("*67 1002", "*671002"),
        (FULL_WIDTH_1002, "1002"),
        ("\uff0b" + FULL_WIDTH_1002, "+1002"),
        ("\uff081002\uff09", "1002"),
        (ARABIC_INDIC_1002, "1002"),
        ("+1\u00a0800\u202f123\u2011456", "+1800123456"),
        ("\u202a+1800123456\u202c", "+1800123456"),
        ("\u200e1002\u200f\ufeff", "1002"),
        ("+1 800 123 \u2013 456", "+1800123456"),
        ("+1 800 123 \u2212 456", "+1800123456"),
        ("1002\r\n", "1002"),
        ("\t1002", "1002"),
        ("tel:+1-201-555-0123", "+12015550123"),
        ("TEL:1002", "1002"),
        ("tel:%2B1800123456", "+1800123456"),
        ("tel:1002;phone-context=example.org", "1002"),
        ("tel:863-1234;phone-context=+1-914-555", "+19145558631234"),
    ],
)
def test_what_people_type_is_dialled(typed: str, digits: str) -> None:
    assert parse_dial_string(typed) == DialString(digits)


@pytest.mark.parametrize(
    "typed",
    [
        "+1 800 123 456 ext. 12",
        "+1 800 123 456 ext 12",
        "+1 800 123 456 EXT.12",
        "+1 800 123 456, extension 12",
        "+1 800 123 456 extn: 12",
        "+1 800 123 456ext12",
        "+1 800 123 456 x12",
        "+1800123456X 12",
        "+1800123456;ext=12",
        "tel:+1-800-123-456;ext=12",
    ],
)
def test_an_extension_is_understood_in_every_usual_spelling(typed: str) -> None:
    assert parse_dial_string(typed) == DialString("+1800123456", "12")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "()",
        "---",
        "+",
        "*",
        "##",
        "\u200e",
        "alice",
        "alice@example.org",
        "sip:1002@example.org",
        "sips:1002@example.org",
        "1002@example.org",
        "https://meet.example.org/1002",
        "https://example.org/meet/+1800123456",
        "1-800-FLOWERS",
        "x12",
        "ext. 12",
        "+1 800+123456",
        "1+800",
        "++1800123456",
        "+*11",
        "+1800#12",
        "+12",
        "+1234567890123456",
        "1" * 25,
        "1 " * 1000,
        "12,34",
        "1002;1003",
        "1002\n1003",
        "\u00b2\u00b3",
        "\u2460",
        "\u4e09",
        "tel:",
        "tel:alice",
        "tel:1002;ext=a",
        "urn:service:sos",
        "1002\x00",
    ],
)
def test_anything_else_is_not_a_phone_number(text: str) -> None:
    with pytest.raises(NotAPhoneNumberError) as refused:
        parse_dial_string(text)

    assert str(refused.value).endswith(".")


def test_a_refusal_does_not_repeat_what_was_typed() -> None:
    with pytest.raises(NotAPhoneNumberError) as refused:
        parse_dial_string("+1 800 123 456 alice")

    assert "800" not in str(refused.value)


def test_what_is_dialled_reads_the_same_again() -> None:
    dialled = parse_dial_string("+1 800 123 456 ext. 12")

    assert dialled.uri == "tel:+1800123456;ext=12"
    assert parse_dial_string(dialled.uri) == dialled == parse_dial_string(str(dialled))
    assert (dialled.is_international, dialled.is_service_code) == (True, False)
    assert parse_dial_string("*11").is_service_code


@pytest.mark.parametrize(
    ("typed", "region", "e164"),
    [
        ("+1800123456", "US", "+1800123456"),
        ("+1800123456", None, "+1800123456"),
        ("(800) 555-0100", "US", "+18005550100"),
        ("1 800 555 0100", "us", "+18005550100"),
        ("030 123456", "DE", "+4930123456"),
        ("0049 30 123456", "DE", "+4930123456"),
        ("0049 30 123456", "US", "+4930123456"),
        ("011 49 30 123456", "US", "+4930123456"),
        ("+49 (0)30 123456 ext 5", None, "+4930123456"),
        ("06 1234 5678", "IT", "+390612345678"),
    ],
)
def test_a_number_has_one_international_form(typed: str, region: str | None, e164: str) -> None:
    assert normalise_e164(typed, region) == e164


@pytest.mark.parametrize(
    ("typed", "region"), [("1002", "US"), ("*11", "US"), ("030 123456", None), ("alice", "US")]
)
def test_what_only_the_local_system_knows_has_no_international_form(
    typed: str, region: str | None
) -> None:
    with pytest.raises(NotAPhoneNumberError):
        normalise_e164(typed, region)


@pytest.mark.parametrize(
    ("number", "region", "shown"),
    [
        ("+18005550100", "US", "(800) 555-0100"),
        ("+18005550100", "DE", "+1 800-555-0100"),
        ("+18005550100", None, "+1 800-555-0100"),
        ("+18005550100", "ca", "(800) 555-0100"),
        ("+4930123456", "DE", "030 123456"),
        ("+1800123456", None, "+1 800123456"),
        ("+18005550100;ext=5", "US", "(800) 555-0100 ext. 5"),
        ("1002", "US", "1002"),
        ("*11", "US", "*11"),
        ("Anonymous", "US", "Anonymous"),
        ("", None, ""),
    ],
)
def test_a_number_is_shown_as_people_write_it(number: str, region: str | None, shown: str) -> None:
    assert format_for_people(number, region) == shown


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("+1 800 555 0100", "(800) 555-0100", True),
        ("0049 30 123456", "+49 30 123456", True),
        ("1002", ARABIC_INDIC_1002, True),
        ("1002", "1003", False),
        ("+18005550100", "+18005550100 x5", False),
        ("1002", "+1002", False),
        ("alice", "alice", False),
    ],
)
def test_two_spellings_of_one_number_are_recognised(a: str, b: str, same: bool) -> None:
    assert same_number(a, b, "US") is same
    assert same_number(b, a, "US") is same


TYPED = st.text("+0123456789 ()-.*#xet;=:,/[]\u00a0\u200e\uff11\u0661", max_size=40)


@given(st.text(max_size=200) | TYPED | TYPED.map(lambda text: f"tel:{text}"))
@settings(max_examples=500, deadline=None)
def test_any_text_is_a_number_that_reads_the_same_again_or_is_refused(text: str) -> None:
    with suppress(NotAPhoneNumberError):
        dialled = parse_dial_string(text)
        assert parse_dial_string(dialled.digits).digits == dialled.digits
        assert parse_dial_string(dialled.uri) == dialled
    with suppress(NotAPhoneNumberError):
        international = normalise_e164(text, "US")
        assert normalise_e164(international, None) == international
        assert same_number(international, international, None)
    assert isinstance(format_for_people(text, "US"), str)
