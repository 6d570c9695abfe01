"""People over REST (wire document, 7.1), as wxc-sdk and webexpythonsdk read them."""

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import Parameter

from offhook.service.directory.directory import Directory, PersonEntry, UnknownPersonError
from offhook.service.http.errors import ApiError
from offhook.service.http.origin import Origins
from offhook.service.identity.principal import Principal
from offhook.wire.ids import InvalidIdError, ResourceKind, bare_uuid, encode_id
from offhook.wire.rest import Person, PersonList, PhoneNumber, SipAddress

_MOST = 1000
_FARTHEST = 1_000_000_000


def routes(directory: Directory, origins: Origins) -> list[HTTPRouteHandler]:
    """``/v1/people`` and the look-up that official clients use for a caller's name."""

    @get("/v1/people/me")
    async def me(principal: Principal) -> Person:
        return _person(await directory.person(principal.person_id), private=True)

    @get("/v1/people/{person_id:str}")
    async def details(principal: Principal, person_id: str) -> Person:
        try:
            person = await directory.person(bare_uuid(person_id))
        except (InvalidIdError, UnknownPersonError):
            raise ApiError(404, "There is no such person.") from None
        if person.org_id != principal.org_id:
            raise ApiError(404, "There is no such person.")
        return _person(person, private=person.person_id == principal.person_id)

    @get("/v1/people")
    async def listing(
        request: Request[Any, Any, Any],
        principal: Principal,
        email: str | None = None,
        display_name: str | None = Parameter(query="displayName", default=None),
        ids: str | None = Parameter(query="id", default=None),
        most: int = Parameter(query="max", default=100, ge=1, le=_MOST),
        start: int = Parameter(query="cursor", default=0, ge=0, le=_FARTHEST),
    ) -> Response[PersonList]:
        try:
            wanted = [bare_uuid(each) for each in ids.split(",")] if ids else []
        except InvalidIdError as error:
            raise ApiError(400, "An id in `id` is not one of a person.") from error
        found = await directory.people(
            principal.org_id,
            email=email,
            name=display_name,
            ids=wanted,
            start=start,
            most=most + 1,
        )
        items = [_person(each, private=False) for each in found[:most]]
        headers = {}
        if len(found) > most:
            query = dict(request.query_params.items()) | {"cursor": str(start + most)}
            url = f"{origins.of(request)}/v1/people?{urlencode(query)}"
            headers["link"] = f'<{url}>; rel="next"'
        return Response(PersonList(items), headers=headers)

    @get("/identity/scim/{org_id:str}/v2/Users")
    async def scim_users(
        principal: Principal, org_id: str, wanted: str = Parameter(query="filter", default="")
    ) -> dict[str, Any]:
        if org_id != principal.org_id:
            raise ApiError(403, "That is another organisation.")
        ids = re.findall(r'id eq "([0-9a-fA-F-]{36})"', wanted)[:50]
        found = await directory.people(org_id, ids=ids, most=50) if ids else []
        return {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
            "totalResults": len(found),
            "itemsPerPage": len(found),
            "startIndex": 1,
            "Resources": [_scim_user(each) for each in found],
        }

    return [me, details, listing, scim_users]


def _person(person: PersonEntry, *, private: bool) -> Person:
    phones = []
    if person.number:
        phones.append(PhoneNumber("work", person.number, primary=True))
    if person.extension:
        phones.append(PhoneNumber("work_extension", person.extension))
    created = datetime.fromtimestamp(person.created, UTC).isoformat(timespec="milliseconds")
    return Person(
        id=encode_id(ResourceKind.PEOPLE, person.person_id),
        emails=[person.email],
        displayName=person.display_name,
        nickName=person.first_name,
        firstName=person.first_name,
        lastName=person.last_name,
        phoneNumbers=phones,
        extension=person.extension or None,
        orgId=encode_id(ResourceKind.ORGANIZATION, person.org_id),
        roles=[] if private else None,
        licenses=[] if private else None,
        created=created.replace("+00:00", "Z"),
        type="appuser" if person.is_guest else "person",
        sipAddresses=[SipAddress("cloud-calling", person.email, primary=True)],
    )


def _scim_user(person: PersonEntry) -> dict[str, Any]:
    phones = [
        {"type": kind, "value": value, "primary": kind == "work"}
        for kind, value in (("work", person.number), ("work_extension", person.extension))
        if value
    ]
    return {"id": person.person_id, "displayName": person.display_name, "phoneNumbers": phones}
