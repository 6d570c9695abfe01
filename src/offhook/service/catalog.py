"""U2C: tells clients where everything is (wire document, 1.5)."""

import time
from typing import Any

from litestar import Request, get
from litestar.handlers import HTTPRouteHandler

from offhook.service.identity.principal import SignedIn
from offhook.serving.origin import Origins
from offhook.wire.catalog import Catalog, ClientRegion, HostEntry

_PATHS = {
    "u2c": "/u2c/api/v1",
    "hydra": "/v1",
    "wdm": "/wdm/api/v1",
    "mobius": "/api/v1",
    "mercuryApi": "/mercury/api/v1",
    "metrics": "/metrics/api/v1",
    "unifiedTelemetry": "/telemetry/v1",
    "clientLogs": "/client-logs/api/v1",
    "janus": "/janus/api/v1",
    "contactsService": "/contact/api/v1",
    "encryption": "/encryption/api/v1",
    "conversation": "/conversation/api/v1",
    "ucmgmt-gateway": "/ucmgmt-gateway",
    "identity": "",
    "identityLookup": "/identity/api/v1",
    "idbroker": "",
}
#: Hosts that official clients have built in and that are ours here: they rewrite them by this list.
_CAPTURED = ("ds.ciscospark.com", "webexapis.com")


def routes(origins: Origins, region: str, country: str) -> list[HTTPRouteHandler]:
    """The catalog, and the region that a client is in."""

    def catalog_for(request: Request[Any, Any, Any]) -> Catalog:
        origin = origins.of(request)
        secure = origins.secure_host(request)
        hosts = {secure: [HostEntry(secure, "urn:TEAM:offhook_a:mobius")]}
        for name in _CAPTURED:
            hosts[name] = [HostEntry(secure, "urn:TEAM:offhook_a:captured")]
        links = {name: origin + path for name, path in _PATHS.items()}
        return Catalog(links, hosts, timestamp=int(time.time() * 1000))

    @get("/u2c/api/v1/limited/catalog", opt={"public": True})
    async def limited(request: Request[Any, Any, Any]) -> Catalog:
        return catalog_for(request)

    @get("/u2c/api/v1/catalog")
    async def full(request: Request[Any, Any, Any], principal: SignedIn) -> Catalog:  # noqa: ARG001
        return catalog_for(request)

    @get("/v1/region", opt={"public": True})
    async def client_region() -> ClientRegion:
        return ClientRegion(region, country)

    return [limited, full, client_region]
