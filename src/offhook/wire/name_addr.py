"""Caller names and numbers, as the wire's `callerId` carries them: SIP name-addr (RFC 3261).

Written as ``"Alice" <sip:1001@example.org;user=phone>``. Read leniently, since it comes from
anywhere: what cannot be understood is left empty.
"""

import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import quote, unquote

from offhook.wire.mobius import CallerId
from offhook.wire.phone_number import NotAPhoneNumberError, parse_dial_string

#: Longest value that is read, and longest name that is kept, in characters.
MAX_LENGTH = 1024
MAX_NAME = 128

#: How a caller is written who withholds the number (RFC 3323 section 4.1.1.3).
ANONYMOUS_URI = "sip:anonymous@anonymous.invalid"

_QUOTED = re.compile(r'\s*"((?:[^"\\]|\\.)*)"')
_URI = re.compile(r"(sips?|tel):([^@>]*)(@[^>]*)?", re.IGNORECASE)
_PHONE = re.compile(r"[0-9*#+().-]+")


@dataclass(frozen=True, slots=True)
class NameAddr:
    """Who somebody is. Either may be empty; `number` has the phone's characters only."""

    name: str = ""
    number: str = ""


def render_name_addr(who: NameAddr, domain: str) -> str:
    """``"name" <sip:number@domain;user=phone>``; without the name if it is empty.

    Quotes and backslashes of the name are escaped and control characters dropped, so that the value
    stays one line. An empty number is written as an anonymous address.
    """
    if not who.number:
        uri = ANONYMOUS_URI
    elif _PHONE.fullmatch(who.number):
        uri = f"sip:{who.number}@{domain};user=phone"
    else:
        uri = f"sip:{quote(who.number, safe='', errors='replace')}@{domain}"
    name = _clean(who.name).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{name}" <{uri}>' if name else f"<{uri}>"


def parse_name_addr(text: str) -> NameAddr:
    """Read a name-addr, or a bare URI. Never raises: what is not understood is empty."""
    if len(text) > MAX_LENGTH:
        return NameAddr()
    quoted = _QUOTED.match(text)
    if quoted:
        name = re.sub(r"\\(.)", r"\1", quoted[1])
        rest = text[quoted.end() :]
    else:
        before, bracket, after = text.partition("<")
        name, rest = (before.strip().strip('"'), after) if bracket else ("", text)
    uri = _URI.match(rest.lstrip().removeprefix("<").lstrip())
    return NameAddr(_clean(name), _number_of(uri) if uri else "")


def caller_of(caller_id: CallerId | None) -> NameAddr:
    """Name and number of the other party: the asserted identity first, then `from` for the rest."""
    if caller_id is None:
        return NameAddr()
    asserted = parse_name_addr(caller_id.p_asserted_identity or "")
    sender = parse_name_addr(caller_id.from_ or "")
    return NameAddr(asserted.name or sender.name, asserted.number or sender.number)


def _number_of(uri: re.Match[str]) -> str:
    """The user part, if it is a phone number; a ``tel:`` URI has nothing else."""
    scheme, user, host = uri.groups()
    if host is None and scheme.lower() != "tel":
        return ""
    number = unquote(user.partition(";")[0]).strip()
    try:
        parse_dial_string(number)
    except NotAPhoneNumberError:
        return ""
    return number


def _clean(name: str) -> str:
    kept = (c for c in name if unicodedata.category(c) not in ("Cc", "Cs"))
    return "".join(kept).strip()[:MAX_NAME]
