"""What people type, before the network is touched."""

from dataclasses import dataclass

from offhook.errors import InvalidApiError
from offhook.wire.mobius import Callee
from offhook.wire.phone_number import NotAPhoneNumberError, parse_dial_string


@dataclass(frozen=True, slots=True)
class Dialled:
    """Whom to call. `digits` is empty for an address."""

    callee: Callee
    digits: str


def phone_number(number: str) -> Dialled:
    """A phone number, written as people write it. Raises `InvalidApiError` for anything else."""
    try:
        dialled = parse_dial_string(number)
    except NotAPhoneNumberError as error:
        raise InvalidApiError(f"This is not a phone number. {error}") from error
    return Dialled(Callee("tel", dialled.uri), str(dialled))


def address(text: str) -> Dialled:
    """An e-mail or SIP address. Raises `InvalidApiError` for anything else."""
    plain = text.strip().removeprefix("sip:").removeprefix("sips:")
    user, at, domain = plain.partition("@")
    if not (user and at and domain) or any(character.isspace() for character in plain):
        raise InvalidApiError(
            "This is neither an e-mail nor a SIP address; numbers go to dial_phone_number()."
        )
    return Dialled(Callee("uri", f"sip:{plain}"), "")
