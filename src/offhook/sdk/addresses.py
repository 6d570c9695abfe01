"""Finds out where the parts of the cloud are: catalog, region, calling servers.

What does not depend on each other is asked for at the same time, begun in the order of official
clients (wire document, 0.1).
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from offhook.errors import NotAuthorizedError, ServiceError, WebexError
from offhook.sdk.cloud import Cloud, organization_of
from offhook.sdk.http import Credentials, Http
from offhook.sdk.mobius import MobiusClient
from offhook.wire.catalog import Catalog, ClientRegion

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")

Servers = tuple[tuple[str, ...], tuple[str, ...]]


class Addresses:
    """See the module. Every method raises what `Http.request` raises."""

    def __init__(
        self, http: Http, cloud: Cloud, credentials: Credentials, email: str | None
    ) -> None:
        self._http = http
        self._cloud = cloud
        self._credentials = credentials
        self._email = email
        self._mobius = MobiusClient(http)
        self._catalog: Catalog | None = None
        self._region: ClientRegion | None = None
        self._known = asyncio.Event()

    def trusts(self, host: str) -> bool:
        """Whether the token may be sent to `host`."""
        return host in self._cloud.hosts(self._catalog) or self._cloud.is_vendor(host)

    async def look_up(self) -> None:
        """Read the catalog, and find out the region."""
        token = await self._credentials.token()
        url = self._cloud.limited_catalog_url(organization_of(token), self._email)
        limited, catalog, self._region = await _at_once(
            self._http.request("GET", url, signed=False),
            self._http.request("GET", self._cloud.catalog_url),
            self._ask_region(),
        )
        limited.read(Catalog)
        self._catalog = catalog.read(Catalog)
        self._known.set()

    def link(self, name: str) -> str:
        """Where a service of the catalog is. Raises `ServiceError`."""
        link = (self._catalog.serviceLinks if self._catalog else {}).get(name)
        if not link:
            raise ServiceError(f"The cloud's catalog has no service {name!r}.", 200)
        return link.rstrip("/")

    async def mobius_base(self) -> str:
        """Where to ask Mobius for what every server knows. Waits until that is known."""
        await self._known.wait()
        return self._mobius_bases()[0]

    async def servers(self) -> Servers:
        """The primary and the backup calling servers."""
        bases = self._mobius_bases()
        region = self._region
        error: WebexError | None = None
        for base in bases if region is not None else ():
            assert region is not None
            try:
                found = await self._mobius.discover(base, region.clientRegion, region.countryCode)
            except WebexError as refused:
                error = refused
                if isinstance(refused, NotAuthorizedError):
                    break
                continue
            primary = [_web(uri) for uri in found.primary.uris]
            backup = [_web(uri) for uri in [*found.backup.uris, base]]
            return tuple(dict.fromkeys(primary)), tuple(dict.fromkeys(backup))
        if error is not None:
            raise error
        return (_web(bases[0]),), ()

    def _mobius_bases(self) -> tuple[str, ...]:
        bases = self._cloud.mobius_bases(self._catalog or Catalog({}))
        if not bases:
            raise ServiceError("The cloud's catalog has no Mobius; calling is not there.", 200)
        return bases

    async def _ask_region(self) -> ClientRegion | None:
        try:
            answer = await self._http.request("GET", self._cloud.region, signed=False, bare=True)
            return answer.read(ClientRegion)
        except WebexError:
            return None  # then the first server has to do, as with official clients


async def _at_once(
    a: Coroutine[Any, Any, A], b: Coroutine[Any, Any, B], c: Coroutine[Any, Any, C]
) -> tuple[A, B, C]:
    """All of them at the same time; the first error ends the others."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = group.create_task(a), group.create_task(b), group.create_task(c)
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return tasks[0].result(), tasks[1].result(), tasks[2].result()


def _web(uri: str) -> str:
    return f"{uri.rstrip('/')}/calling/web/"
