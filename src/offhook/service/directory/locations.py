"""Locations, in which Webex keeps groups: an organisation has one here, with its name and id."""

from typing import Any

from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from offhook.service.directory.access import must_administer, must_be_own
from offhook.service.directory.directory import Directory
from offhook.service.identity.principal import Principal, SignedIn
from offhook.serving.errors import ApiError
from offhook.wire.hunt_groups import Address, Location, LocationList
from offhook.wire.ids import InvalidIdError, ResourceKind, bare_uuid, encode_id

AnyRequest = Request[Any, Any, Any]


class Locations:
    """See the module. `country` is where all of them are, as ISO 3166 writes it."""

    def __init__(self, directory: Directory, country: str) -> None:
        self._directory = directory
        self._country = country

    async def of(self, principal: Principal) -> Location:
        """The location of the person's organisation."""
        return Location(
            id=location_id_of(principal.org_id),
            name=await self._directory.organization_name(principal.org_id),
            orgId=encode_id(ResourceKind.ORGANIZATION, principal.org_id),
            address=Address(self._country),
        )

    def must_be_of(self, principal: Principal, location_id: str) -> None:
        """Raises ApiError unless it is that location."""
        try:
            known = bare_uuid(location_id) == principal.org_id
        except InvalidIdError:
            known = False
        if not known:
            raise ApiError(404, "There is no such location.")


def location_id_of(org_id: str) -> str:
    """The REST id of an organisation's location."""
    return encode_id(ResourceKind.LOCATION, org_id)


def routes(directory: Directory, locations: Locations) -> list[HTTPRouteHandler]:
    """``/v1/locations``, for administrators; read only."""

    async def administered(request: AnyRequest, principal: Principal) -> None:
        must_be_own(principal, request.query_params.get("orgId"))
        await must_administer(directory, principal)

    @get("/v1/locations")
    async def listing(request: AnyRequest, principal: SignedIn) -> LocationList:
        await administered(request, principal)
        here = await locations.of(principal)
        asked = request.query_params
        fits = asked.get("name", here.name) == here.name and asked.get("id", here.id) == here.id
        return LocationList([here] if fits else [])

    @get("/v1/locations/{location_id:str}")
    async def details(
        request: AnyRequest, principal: SignedIn, location_id: FromPath[str]
    ) -> Location:
        await administered(request, principal)
        locations.must_be_of(principal, location_id)
        return await locations.of(principal)

    return [listing, details]
