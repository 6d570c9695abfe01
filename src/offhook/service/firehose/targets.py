"""Which addresses events may be posted to: nobody must reach into our own network by a webhook.

The address that was checked is the one that is connected to: names are resolved here, once, and an
address that may not be reached does not come back from it.
"""

import ipaddress
import socket
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

_LONGEST_URL = 2048


class TargetRefusedError(OSError):
    """Nothing is posted there; the message says why."""


class Targets:
    """`allow_private`: addresses that only this machine or network reaches are allowed, too."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private

    def check(self, url: str) -> None:
        """Raises TargetRefusedError for a URL that can be refused by its looks."""
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname or "", parts.port
        except ValueError as error:
            raise TargetRefusedError("targetUrl is not a URL.") from error
        if parts.scheme not in ("http", "https") or not host or len(url) > _LONGEST_URL:
            raise TargetRefusedError("targetUrl must be an http or https URL.")
        if parts.username is not None or any(not 32 < ord(each) < 127 for each in url):
            raise TargetRefusedError("targetUrl must not hold credentials or spaces.")
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return  # A name: looked at when it is resolved.
        self.check_address(address)

    def check_address(self, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
        """Raises TargetRefusedError for an address that may not be reached."""
        inner = address
        if isinstance(address, ipaddress.IPv6Address):
            inner = address.ipv4_mapped or address.sixtofour or _nat64(address) or address
        public = address.is_global and inner.is_global and not inner.is_multicast
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            public = inner.is_global and not inner.is_multicast
        if not public and not self._allow_private:
            raise TargetRefusedError(
                "targetUrl leads to a private address; the operator has to allow that "
                "(webhooks.allow_private_targets)."
            )


def _nat64(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address in ipaddress.IPv6Network("64:ff9b::/96"):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


class CheckedResolver(AbstractResolver):
    """Resolves names to those of their addresses that may be reached."""

    def __init__(self, targets: Targets) -> None:
        self._targets = targets
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Raises TargetRefusedError if none of them may."""
        found = await self._resolver.resolve(host, port, family)
        allowed = []
        refused: TargetRefusedError | None = None
        for each in found:
            try:
                self._targets.check_address(ipaddress.ip_address(each["host"].partition("%")[0]))
            except TargetRefusedError as error:
                refused = error
            else:
                allowed.append(each)
        if not allowed:
            raise refused or TargetRefusedError("targetUrl: its host has no address.")
        return allowed

    async def close(self) -> None:
        await self._resolver.close()
