"""The public REST API's resources: people, errors, OAuth answers.

Base ``{hydra}``, e.g. ``https://webexapis.com/v1``.
"""

from typing import Annotated

import msgspec

from offhook.wire.members import always_sent


class ErrorDescription(msgspec.Struct):
    """One sentence about what was wrong."""

    description: str


class ErrorBody(msgspec.Struct):
    """Every error of the service: Webex's own shape, on every path."""

    message: str
    errors: list[ErrorDescription]
    trackingId: str

    @classmethod
    def of(cls, message: str, tracking_id: str) -> "ErrorBody":
        """An error with one description, which repeats the message as Webex does."""
        return cls(message, [ErrorDescription(message)], tracking_id)


class OAuthErrorBody(ErrorBody):
    """An error of the token endpoint, which OAuth clients read too (RFC 6749, 5.2)."""

    error: str
    error_description: str


class OAuthRefusal(msgspec.Struct):
    """What a client reads of it, whoever answers: Webex leaves out now one half, now the other."""

    error: str = ""
    error_description: str = ""


class PhoneNumber(msgspec.Struct, omit_defaults=True):
    """`type` is work, work_extension, mobile or fax."""

    type: str
    value: str
    primary: bool | None = None


class SipAddress(msgspec.Struct, omit_defaults=True):
    """`type` is cloud-calling, enterprise or personal-room."""

    type: str
    value: str
    primary: bool | None = None


class Person(msgspec.Struct, omit_defaults=True):
    """GET ``/people/me``, ``/people``.

    `id` is the encoded id; the fields of calling only with callingData=true.
    """

    id: str
    emails: list[str] = []
    displayName: str = always_sent("")
    nickName: str | None = None
    firstName: str | None = None
    lastName: str | None = None
    phoneNumbers: list[PhoneNumber] | None = None
    extension: str | None = None
    locationId: str | None = None
    avatar: str | None = None
    orgId: str = always_sent("")
    roles: list[str] | None = None
    licenses: list[str] | None = None
    created: str = always_sent("")
    lastModified: str | None = None
    timezone: str | None = None
    lastActivity: str | None = None
    status: str | None = None
    type: str = always_sent("person")
    sipAddresses: list[SipAddress] | None = None


class PeopleQuery(msgspec.Struct):
    """The parameters of GET ``/people``: `id` has ids with commas between; `cursor` is for paging.

    Real Webex calls its cursor whatever it likes: clients only follow the ``Link``.
    """

    email: str | None = None
    displayName: str | None = None
    id: str | None = None
    max: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100
    cursor: Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)] = 0


class PersonList(msgspec.Struct):
    """A page of people; the next page is in the ``Link`` header."""

    items: list[Person]


class TokenResponse(msgspec.Struct, omit_defaults=True):
    """POST ``/access_token``. Lifetimes in seconds (14 and 90 days by default)."""

    access_token: str
    expires_in: int
    token_type: str = always_sent("Bearer")
    refresh_token: str | None = None
    refresh_token_expires_in: int | None = None
    scope: str | None = None
    id_token: str | None = None


class JwtLogin(msgspec.Struct):
    """POST ``/jwt/login`` with ``Authorization: Bearer <guest jwt>``."""

    token: str
    expiresIn: int
