"""SCIM 2.0 (RFC 7644), as far as official clients look up a caller: name and numbers by id."""

import msgspec

LIST_RESPONSE = "urn:ietf:params:scim:api:messages:2.0:ListResponse"


class ScimPhoneNumber(msgspec.Struct):
    """`type` is work or work_extension."""

    type: str
    value: str
    primary: bool = False


class ScimUser(msgspec.Struct):
    """One person. `id` is the bare uuid."""

    id: str
    displayName: str
    phoneNumbers: list[ScimPhoneNumber] = []


class ScimUsers(msgspec.Struct):
    """GET ``/identity/scim/{orgId}/v2/Users?filter=id eq "..."``."""

    totalResults: int
    itemsPerPage: int
    Resources: list[ScimUser]
    startIndex: int = 1
    schemas: tuple[str, ...] = (LIST_RESPONSE,)
