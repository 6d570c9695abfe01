"""People over REST (wire document, 7.1), as wxc-sdk and webexpythonsdk read them."""

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import msgspec
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from offhook.service.directory.directory import Directory
from offhook.service.directory.entries import PersonEntry, UnknownPersonError
from offhook.service.directory.locations import location_id_of
from offhook.service.identity.principal import SignedIn
from offhook.serving.errors import ApiError
from offhook.serving.origin import Origins
from offhook.wire.ids import InvalidIdError, ResourceKind, bare_uuid, encode_id
from offhook.wire.rest import PeopleQuery, Person, PersonList, PhoneNumber, SipAddress
from offhook.wire.scim import ScimPhoneNumber, ScimUser, ScimUsers

#: Ids in one look-up; more are left out.
_MOST_IDS = 1000
_SCIM_ID = re.compile(r'id eq "([0-9a-fA-F-]{36})"')


def routes(directory: Directory, origins: Origins) -> list[HTTPRouteHandler]:
    """``/v1/people`` and the look-up that official clients use for a caller's name."""

    @get("/v1/people/me")
    async def me(principal: SignedIn) -> Person:
        return _person(await directory.person(principal.person_id), private=True)

    @get("/v1/people/{person_id:str}")
    async def details(principal: SignedIn, person_id: FromPath[str]) -> Person:
        try:
            person = await directory.person(bare_uuid(person_id))
        except (InvalidIdError, UnknownPersonError):
            raise ApiError(404, "There is no such person.") from None
        if person.org_id != principal.org_id:
            raise ApiError(404, "There is no such person.")
        return _person(person, private=person.person_id == principal.person_id)

    @get("/v1/people")
    async def listing(request: Request[Any, Any, Any], principal: SignedIn) -> Response[PersonList]:
        asked = request.query_params.dict()
        query = _query({name: values[-1] for name, values in asked.items()})
        try:
            wanted = [bare_uuid(each) for each in query.id.split(",")] if query.id else []
        except InvalidIdError as error:
            raise ApiError(400, "An id in `id` is not one of a person.") from error
        found = await directory.people(
            principal.org_id,
            email=query.email,
            name=query.displayName,
            ids=wanted[:_MOST_IDS],
            start=query.cursor,
            most=query.max + 1,
        )
        items = [_person(each, private=False) for each in found[: query.max]]
        headers = {}
        if len(found) > query.max:
            following = {name: values[-1] for name, values in asked.items()}
            following["cursor"] = str(query.cursor + query.max)
            url = f"{origins.of(request)}/v1/people?{urlencode(following)}"
            headers["link"] = f'<{url}>; rel="next"'
        return Response(PersonList(items), headers=headers)

    @get("/identity/scim/{org_id:str}/v2/Users")
    async def scim_users(
        request: Request[Any, Any, Any], principal: SignedIn, org_id: FromPath[str]
    ) -> ScimUsers:
        if org_id != principal.org_id:
            raise ApiError(403, "That is another organisation.")
        wanted = str(request.query_params.get("filter", ""))
        ids = _SCIM_ID.findall(wanted)[:_MOST_IDS]
        found = await directory.people(org_id, ids=ids, most=_MOST_IDS) if ids else []
        return ScimUsers(len(found), len(found), [_scim_user(each) for each in found])

    return [me, details, listing, scim_users]


def _query(values: dict[str, str]) -> PeopleQuery:
    try:
        return msgspec.convert(values, PeopleQuery, strict=False)
    except msgspec.ValidationError as error:
        raise ApiError(400, f"{error}.") from error


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
        locationId=location_id_of(person.org_id),
        orgId=encode_id(ResourceKind.ORGANIZATION, person.org_id),
        roles=[] if private else None,
        licenses=[] if private else None,
        created=created.replace("+00:00", "Z"),
        type="appuser" if person.is_guest else "person",
        sipAddresses=[SipAddress("cloud-calling", person.email, primary=True)],
    )


def _scim_user(person: PersonEntry) -> ScimUser:
    phones = [
        ScimPhoneNumber(kind, value, primary=kind == "work")
        for kind, value in (("work", person.number), ("work_extension", person.extension))
        if value
    ]
    return ScimUser(person.person_id, person.display_name, phones)
