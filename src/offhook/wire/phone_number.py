"""Phone numbers as people type, dial and read them.

`parse_dial_string` decides what is a phone number at all: the calling guide says that dialling
anything else fails. It does not ask whether a number exists. Extensions, service codes and the
guide's own example numbers, which no numbering plan has, are accepted; e-mail addresses, SIP URIs,
meeting links and words are not. Numbering plans come from the library phonenumbers.
"""

import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import unquote

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat

#: Longest text that can be a phone number, with all its separators, in characters.
MAX_TEXT = 128

#: Digits of an international number (ITU-T E.164): at most 15, and fewer than 4 lead nowhere.
MIN_INTERNATIONAL, MAX_INTERNATIONAL = 4, 15

#: Longest dialled string: a service code, an international prefix and 15 digits.
MAX_DIALLED = 24


class NotAPhoneNumberError(ValueError):
    """The text is not a phone number. The message says what is wrong, without the text itself."""


@dataclass(frozen=True, slots=True)
class DialString:
    """What to dial.

    `digits` has a leading ``+`` if one was typed, then digits (``0-9``), or ``*`` and ``#`` in a
    service code: ``+18001234567``, ``1002``, ``*11``. `extension` is dialled after the answer.
    """

    digits: str
    extension: str | None = None

    @property
    def is_international(self) -> bool:
        """Whether the number names its country: it starts with ``+``."""
        return self.digits.startswith("+")

    @property
    def is_service_code(self) -> bool:
        """Whether it is a code for the service (``*67``, ``#31#``) and not a number."""
        return "*" in self.digits or "#" in self.digits

    @property
    def uri(self) -> str:
        """The ``tel:`` address that goes over the wire (RFC 3966)."""
        return f"tel:{self.digits}" + (f";ext={self.extension}" if self.extension else "")

    def __str__(self) -> str:
        return self.digits + (f";ext={self.extension}" if self.extension else "")


def parse_dial_string(text: str) -> DialString:
    """Read what somebody typed or pasted. Raises `NotAPhoneNumberError` if it is no phone number.

    Spaces, brackets, dots, dashes and slashes are dropped, as are the invisible marks that web
    pages add. Decimal digits of any script count. An extension follows ``ext``, ``x`` or ``;ext=``.
    A ``tel:`` URI is accepted. Prefixes such as 00 stay as they are.
    """
    if len(text) > MAX_TEXT:
        raise NotAPhoneNumberError("This is too long for a phone number.")
    plain = _plain(text)
    if plain.lower().startswith("tel:"):
        number, extension = _split_tel_uri(_plain(unquote(plain[4:])))
    else:
        number, extension = _split_extension(plain)
    digits = _SEPARATORS.sub("", number)
    if not digits:
        raise NotAPhoneNumberError("There is no phone number.")
    if not _DIALLED.fullmatch(digits):
        raise NotAPhoneNumberError(
            "A phone number has digits, spaces, brackets, dots and dashes, a + only in front,"
            " and perhaps an extension; a service code has digits, * and #."
        )
    if not any(character.isdigit() for character in digits):
        raise NotAPhoneNumberError("A phone number needs digits.")
    _check_length(digits)
    if digits.startswith("+") and _TRUNK_ZERO.search(number):
        digits = _without_trunk_zero(digits)
    return DialString(digits, extension)


def normalise_e164(text: str, region: str | None) -> str:
    """The number in E.164 form, ``+`` and digits, without an extension.

    `region` is the country of whoever dials, as ISO 3166 writes it (``US``), or None if only
    international numbers are wanted. Raises `NotAPhoneNumberError` if `text` is no phone number,
    or one that only the local system knows: an extension, a service code.
    """
    number = _numbered(parse_dial_string(text), region)
    if number is None:
        raise NotAPhoneNumberError("This number has no international form.")
    return number


def format_for_people(number: str, region: str | None = None) -> str:
    """`number` as people in its country write it; in national form if `region` is that country.

    A short number, a service code, or anything that is not a phone number comes back unchanged.
    """
    try:
        dialled = parse_dial_string(number)
    except NotAPhoneNumberError:
        return number
    e164 = _numbered(dialled, region)
    parsed = None if e164 is None else _parsed(e164, None)
    if parsed is None:
        return number
    if dialled.extension is not None:
        parsed.extension = dialled.extension
    home = region is not None and parsed.country_code == phonenumbers.country_code_for_region(
        region.upper()
    )
    style = PhoneNumberFormat.NATIONAL if home else PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(parsed, style)


def same_number(a: str, b: str, region: str | None) -> bool:
    """Whether both lead to the same place when dialled in `region`. False if one is no number."""
    try:
        first, second = parse_dial_string(a), parse_dial_string(b)
    except NotAPhoneNumberError:
        return False
    return first.extension == second.extension and (
        (_numbered(first, region) or first.digits) == (_numbered(second, region) or second.digits)
    )


# --- reading ------------------------------------------------------------------------------------

_SEPARATORS = re.compile(r"[ ().\[\]/-]")
_DIALLED = re.compile(r"\+[0-9]+|[0-9*#]+")
_TRUNK_ZERO = re.compile(r"[(\[] ?0 ?[)\]]")
_EXTENSION = re.compile(
    r"(?P<number>.*?)[ ,]*(?:;ext=|(?:ext(?:n|ension)?\b|ext(?=[0-9])|x)[.:]?) *"
    r"(?P<extension>[0-9]{1,10})",
    re.IGNORECASE,
)
_CONTEXT = re.compile(r"\+[0-9().-]+")

#: Punctuation of numbers that full-width and other forms are turned into.
_PUNCTUATION = frozenset("+*#().[]/")
_OTHER_PUNCTUATION = {"\N{IDEOGRAPHIC FULL STOP}": ".", "\N{MINUS SIGN}": "-"}


def _plain(text: str) -> str:
    """`text` in ASCII as far as its characters have a meaning here; others are left alone."""
    return "".join(map(_plain_character, text.strip())).strip()


def _plain_character(character: str) -> str:
    if character.isascii():
        return " " if character == "\t" else character
    match unicodedata.category(character):
        case "Nd":
            return str(unicodedata.decimal(character))
        case "Pd":
            return "-"
        case "Zs":
            return " "
        case "Cf":  # directional marks, joiners, soft hyphens
            return ""
    folded = unicodedata.normalize("NFKC", character)
    return folded if folded in _PUNCTUATION else _OTHER_PUNCTUATION.get(character, character)


def _split_extension(plain: str) -> tuple[str, str | None]:
    match = _EXTENSION.fullmatch(plain)
    return (match["number"], match["extension"]) if match else (plain, None)


def _split_tel_uri(rest: str) -> tuple[str, str | None]:
    """The number and extension of a ``tel:`` URI; a global phone-context goes in front."""
    number, *parameters = rest.split(";")
    values = {name.lower(): value for name, _, value in (p.partition("=") for p in parameters)}
    context = values.get("phone-context", "")
    if _CONTEXT.fullmatch(context) and not number.startswith("+"):
        number = context + number
    extension = values.get("ext")
    if extension is not None and not re.fullmatch(r"[0-9]{1,10}", extension):
        raise NotAPhoneNumberError("The extension of a phone number has 1 to 10 digits.")
    return (number, extension) if extension else _split_extension(number)


def _check_length(digits: str) -> None:
    if digits.startswith("+"):
        if len(digits) - 1 < MIN_INTERNATIONAL:
            raise NotAPhoneNumberError("This is too short for an international phone number.")
        if len(digits) - 1 > MAX_INTERNATIONAL:
            raise NotAPhoneNumberError("An international phone number has at most 15 digits.")
    elif len(digits) > MAX_DIALLED:
        raise NotAPhoneNumberError("This is too long for a phone number.")


def _without_trunk_zero(digits: str) -> str:
    """``+49 (0) 30 …``: the bracketed zero is for callers inside the country."""
    parsed = _parsed(digits, None)
    if parsed is None or not phonenumbers.is_possible_number(parsed):
        return digits
    return phonenumbers.format_number(parsed, PhoneNumberFormat.E164)


# --- numbering plans ----------------------------------------------------------------------------


def _parsed(digits: str, region: str | None) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(digits, region and region.upper())
    except phonenumbers.NumberParseException:
        return None


def _numbered(dialled: DialString, region: str | None) -> str | None:
    """The E.164 form, or None if the number has none. What has a ``+`` is taken at its word."""
    if dialled.is_service_code:
        return None
    parsed = _parsed(dialled.digits, region)
    if dialled.is_international:
        if parsed is None or not phonenumbers.is_possible_number(parsed):
            return dialled.digits
        return phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
    if parsed is not None and phonenumbers.is_possible_number(parsed):
        return phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
    if dialled.digits.startswith("00"):
        abroad = _parsed("+" + dialled.digits[2:], None)
        if abroad is not None and phonenumbers.is_possible_number(abroad):
            return phonenumbers.format_number(abroad, PhoneNumberFormat.E164)
    return None
