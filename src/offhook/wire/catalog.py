"""U2C, the service catalog: where everything else is. GET ``{u2c}/catalog?format=hostmap``."""

import msgspec


class HostEntry(msgspec.Struct):
    """One host of a cluster.

    `id` is ``urn:TEAM:<cluster>:<service>``; with a port in `host`, `priority` is -1.
    """

    host: str
    id: str
    ttl: int = -1
    priority: int = -1


class Catalog(msgspec.Struct):
    """The whole catalog.

    `serviceLinks` maps a service's name to its base URL; `hostCatalog` has an entry whose id ends
    in :mobius.
    """

    serviceLinks: dict[str, str]
    hostCatalog: dict[str, list[HostEntry]] = {}
    format: str = "hostmap"
    timestamp: int = 0


class ClientRegion(msgspec.Struct):
    """Where the client seems to be: GET ``/region``. Mobius chooses its servers by it."""

    clientRegion: str = ""
    countryCode: str = ""
