"""Hunt groups over REST, for administrators."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import msgspec
from litestar import Request, Response, delete, get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from offhook.engine.exchange.model import HuntPolicy
from offhook.service.directory.access import must_administer, must_be_own
from offhook.service.directory.directory import EXTENSION, Directory
from offhook.service.directory.entries import (
    MOST_AT_ONCE,
    ForwardingRule,
    HuntGroup,
    NumberTakenError,
    UnknownGroupError,
)
from offhook.service.directory.forwarding_body import changed_rule, must_be_off, shown_rule
from offhook.service.directory.group_body import group_rest_id, shown_group, with_policies
from offhook.service.directory.locations import Locations
from offhook.service.identity.principal import Principal, SignedIn
from offhook.serving.errors import ApiError
from offhook.serving.origin import Origins
from offhook.wire.body import read_body
from offhook.wire.hunt_groups import (
    CreatedId,
    GroupForwarding,
    GroupForwardingRules,
    HuntGroupBody,
    HuntGroupList,
    HuntGroupQuery,
    HuntGroupSummary,
    Location,
)
from offhook.wire.ids import InvalidIdError, bare_uuid
from offhook.wire.phone_number import NotAPhoneNumberError

_GROUPS = "/v1/telephony/config/locations/{location_id:str}/huntGroups"
_GROUP = _GROUPS + "/{group_id:str}"
_LONGEST_NAME = 80
_MOST_MEMBERS = 1000

AnyRequest = Request[Any, Any, Any]


def routes(directory: Directory, origins: Origins, locations: Locations) -> list[HTTPRouteHandler]:
    """List, create, get, update, delete; and the forwarding of all calls to a group."""

    async def administered(
        request: AnyRequest, principal: Principal, location_id: str | None = None
    ) -> None:
        must_be_own(principal, request.query_params.get("orgId"))
        await must_administer(directory, principal)
        if location_id is not None:
            locations.must_be_of(principal, location_id)

    async def own(principal: Principal, group_id: str) -> HuntGroup:
        try:
            group = await directory.groups.get(bare_uuid(group_id))
        except (InvalidIdError, UnknownGroupError):
            raise ApiError(404, "There is no such hunt group.") from None
        if group.org_id != principal.org_id:
            raise ApiError(404, "There is no such hunt group.")
        return group

    async def changed(group: HuntGroup, body: HuntGroupBody) -> HuntGroup:
        """What `body` makes of the group. Raises ApiError."""
        if body.name is not None:
            group = replace(group, name=body.name.strip())
        if not group.name or len(group.name) > _LONGEST_NAME:
            raise ApiError(400, f"name must be there, of at most {_LONGEST_NAME} characters.")
        if body.enabled is not None:
            group = replace(group, enabled=body.enabled)
        if body.alternateNumbers:
            raise ApiError(400, "alternateNumbers: a group has one number and one extension here.")
        group = replace(
            group,
            number=_number(directory, group.number, body.phoneNumber),
            extension=_extension(group.extension, body.extension),
        )
        if not group.number and not group.extension:
            raise ApiError(400, "Give the group a phoneNumber, an extension, or both.")
        if body.agents is not None:
            group = replace(group, members=await members(group.org_id, body))
        if body.callPolicies is not None:
            group = with_policies(group, body.callPolicies)
        most = MOST_AT_ONCE if group.policy is HuntPolicy.SIMULTANEOUS else _MOST_MEMBERS
        if len(group.members) > most:
            raise ApiError(400, f"agents: at most {most} with this policy.")
        return group

    async def members(org_id: str, body: HuntGroupBody) -> tuple[str, ...]:
        try:
            ids = [bare_uuid(agent.id) for agent in body.agents or ()]
        except InvalidIdError:
            raise ApiError(400, "agents: an id is not one of a person.") from None
        people = await directory.people_of(ids)
        for each in ids:
            if each not in people or people[each].org_id != org_id:
                raise ApiError(400, "agents: somebody is not of the organisation.")
        if len(set(ids)) < len(ids):
            raise ApiError(400, "agents: somebody is named twice.")
        return tuple(ids)

    @get("/v1/telephony/config/huntGroups")
    async def listing(request: AnyRequest, principal: SignedIn) -> Response[HuntGroupList]:
        await administered(request, principal)
        asked = {name: values[-1] for name, values in request.query_params.dict().items()}
        query = _query(asked)
        if query.locationId is not None:
            locations.must_be_of(principal, query.locationId)
        found = [
            group
            for group in await directory.groups.of_org(principal.org_id)
            if query.name is None or group.name == query.name
            if query.phoneNumber in (None, group.number, group.extension)
        ]
        where = await locations.of(principal)
        page = found[query.start : query.start + query.max]
        headers = {}
        if len(found) > query.start + query.max:
            following = urlencode({**asked, "start": str(query.start + query.max)})
            url = f"{origins.of(request)}/v1/telephony/config/huntGroups?{following}"
            headers["link"] = f'<{url}>; rel="next"'
        return Response(HuntGroupList([_summary(each, where) for each in page]), headers=headers)

    @post(_GROUPS, status_code=201)
    async def create(
        request: AnyRequest, principal: SignedIn, location_id: FromPath[str]
    ) -> CreatedId:
        await administered(request, principal, location_id)
        new = HuntGroup(str(uuid4()), principal.org_id, "", HuntPolicy.CIRCULAR, ())
        group = await changed(new, read_body(await request.body(), HuntGroupBody))
        try:
            await directory.groups.add(group)
        except NumberTakenError as error:
            raise ApiError(409, str(error)) from error
        return CreatedId(group_rest_id(group))

    @get(_GROUP)
    async def details(
        request: AnyRequest,
        principal: SignedIn,
        location_id: FromPath[str],
        group_id: FromPath[str],
    ) -> HuntGroupBody:
        await administered(request, principal, location_id)
        group = await own(principal, group_id)
        return shown_group(group, await directory.people_of(group.members))

    @put(_GROUP, status_code=204)
    async def change(
        request: AnyRequest,
        principal: SignedIn,
        location_id: FromPath[str],
        group_id: FromPath[str],
    ) -> None:
        await administered(request, principal, location_id)
        group = await own(principal, group_id)
        body = read_body(await request.body(), HuntGroupBody)
        try:
            await directory.groups.change(await changed(group, body))
        except NumberTakenError as error:
            raise ApiError(409, str(error)) from error

    @delete(_GROUP)
    async def remove(
        request: AnyRequest,
        principal: SignedIn,
        location_id: FromPath[str],
        group_id: FromPath[str],
    ) -> None:
        await administered(request, principal, location_id)
        await directory.groups.remove((await own(principal, group_id)).group_id)

    @get(_GROUP + "/callForwarding")
    async def forwarding(
        request: AnyRequest,
        principal: SignedIn,
        location_id: FromPath[str],
        group_id: FromPath[str],
    ) -> GroupForwarding:
        await administered(request, principal, location_id)
        always = (await own(principal, group_id)).forwarding.always
        return GroupForwarding(
            GroupForwardingRules(shown_rule(always), shown_rule(ForwardingRule()))
        )

    @put(_GROUP + "/callForwarding", status_code=204)
    async def set_forwarding(
        request: AnyRequest,
        principal: SignedIn,
        location_id: FromPath[str],
        group_id: FromPath[str],
    ) -> None:
        await administered(request, principal, location_id)
        group = await own(principal, group_id)
        body = read_body(await request.body(), GroupForwarding).callForwarding
        must_be_off("selective", body.selective, "this service does not offer that.")
        always = changed_rule("always", group.forwarding.always, body.always)
        await directory.groups.change(
            replace(group, forwarding=replace(group.forwarding, always=always))
        )

    return [
        listing,
        create,
        details,
        change,
        remove,
        forwarding,
        set_forwarding,
    ]


def _query(values: dict[str, str]) -> HuntGroupQuery:
    try:
        return msgspec.convert(values, HuntGroupQuery, strict=False)
    except msgspec.ValidationError as error:
        raise ApiError(400, f"{error}.") from error


def _summary(group: HuntGroup, location: Location) -> HuntGroupSummary:
    return HuntGroupSummary(
        id=group_rest_id(group),
        name=group.name,
        locationId=location.id,
        locationName=location.name,
        enabled=group.enabled,
        phoneNumber=group.number or None,
        extension=group.extension or None,
    )


def _number(directory: Directory, number: str, wanted: str | None) -> str:
    if not wanted:
        return number if wanted is None else ""
    try:
        return directory.normalised(wanted)
    except NotAPhoneNumberError:
        raise ApiError(400, "phoneNumber is not of the form +12025550101.") from None


def _extension(extension: str, wanted: str | None) -> str:
    if wanted is None:
        return extension
    if wanted and not EXTENSION.fullmatch(wanted):
        raise ApiError(400, "extension must have 2 to 8 digits.")
    return wanted
