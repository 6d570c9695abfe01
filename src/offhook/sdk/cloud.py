"""Where the cloud is: Webex itself, or any service of its kind at one URL."""

import base64
import binascii
import hashlib
import ipaddress
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

import msgspec

from offhook.errors import InvalidApiError
from offhook.wire.body import MalformedBodyError, read_body
from offhook.wire.catalog import Catalog

#: Where official clients send the token to, besides the hosts of the catalog.
_VENDOR_DOMAINS = (
    "wbx2.com",
    "ciscospark.com",
    "webex.com",
    "webexapis.com",
    "broadcloudpbx.com",
    "broadcloud.eu",
    "broadcloud.com.au",
    "broadcloudpbx.net",
)


@dataclass(frozen=True, slots=True)
class Cloud:
    """The addresses that are known before the catalog is: base URLs without a slash at the end."""

    u2c: str
    hydra: str
    region: str

    @classmethod
    def at(cls, url: str | None) -> "Cloud":
        """The cloud at `url`, Webex itself if it is None. Raises `InvalidApiError`."""
        if url is None:
            return cls(
                "https://u2c.wbx2.com/u2c/api/v1",
                "https://webexapis.com/v1",
                "https://ds.ciscospark.com/v1/region",
            )
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InvalidApiError(
                "cloud must be a URL such as http://127.0.0.1:8008; leave it out for Webex itself."
            )
        base = url.rstrip("/")
        return cls(f"{base}/u2c/api/v1", f"{base}/v1", f"{base}/v1/region")

    @property
    def on_this_machine(self) -> bool:
        """Whether it is reached over loopback, and its audio is as well."""
        host = urlsplit(self.u2c).hostname or ""
        if host == "localhost":
            return True
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False

    def limited_catalog_url(self, org_id: str, email: str | None) -> str:
        """The catalog that needs no token, for an organisation or the domain of an e-mail."""
        if org_id:
            query = f"orgId={quote(org_id)}"
        elif email:
            digest = hashlib.sha256(email.strip().lower().encode()).hexdigest()
            query = f"emailhash={digest}"
        else:
            query = "mode=DEFAULT_BY_PROXIMITY"
        return f"{self.u2c}/limited/catalog?{query}&format=hostmap"

    @property
    def catalog_url(self) -> str:
        """The whole catalog."""
        return f"{self.u2c}/catalog?format=hostmap"

    def hosts(self, catalog: Catalog | None) -> frozenset[str]:
        """The cloud's own hosts, those of its catalog among them."""
        urls = [self.u2c, self.hydra, *(catalog.serviceLinks.values() if catalog else ())]
        hosts = {urlsplit(url).hostname or "" for url in urls}
        for entries in catalog.hostCatalog.values() if catalog else ():
            hosts |= {urlsplit(f"//{entry.host}").hostname or "" for entry in entries}
        return frozenset(hosts - {""})

    def is_vendor(self, host: str) -> bool:
        """Whether this is Webex itself and `host` is one of its own."""
        return self.u2c.startswith("https://u2c.wbx2.com/") and any(
            host == domain or host.endswith(f".{domain}") for domain in _VENDOR_DOMAINS
        )

    def mobius_bases(self, catalog: Catalog) -> tuple[str, ...]:
        """Where to ask for Mobius servers: bases without ``/calling/web/``.

        Official clients take the hosts of the catalog, by https; a cloud that is reached by http
        is taken at its word.
        """
        link = catalog.serviceLinks.get("mobius")
        if urlsplit(self.u2c).scheme == "http" and link:
            return (link.rstrip("/"),)
        hosts = [
            entry.host
            for entries in catalog.hostCatalog.values()
            for entry in entries
            if entry.id.endswith(":mobius")
        ]
        bases = [f"https://{host}/api/v1" for host in dict.fromkeys(hosts)]
        return tuple(bases) or ((link.rstrip("/"),) if link else ())


def organization_of(token: str) -> str:
    """The organisation that a token is of, empty if it does not say so (wire document, 1.3)."""
    sections = token.split("_")
    if len(sections) == 3:
        return sections[2]
    parts = token.split(".")
    if len(parts) == 3:
        try:
            payload = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
            return read_body(payload, _Realm).realm
        except (binascii.Error, MalformedBodyError):
            return ""
    return ""


class _Realm(msgspec.Struct):
    realm: str = ""
