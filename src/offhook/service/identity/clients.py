"""The apps that people may sign in to."""

import hmac
from dataclasses import dataclass

from sqlalchemy import insert, select, update

from offhook.service.identity.tokens import digest
from offhook.service.store.schema import clients
from offhook.store import Database


@dataclass(frozen=True, slots=True)
class Client:
    """An app. One without a secret must use PKCE.

    A redirect URI may have ``{port}`` in place of the port, for apps that listen on loopback at any
    port (RFC 8252, 7.3): ``http://127.0.0.1:{port}/callback``.
    """

    client_id: str
    name: str
    secret: str | None
    redirect_uris: frozenset[str]

    def may_redirect_to(self, uri: str) -> bool:
        """Whether `uri` is one of the app's own, exactly."""
        return uri in self.redirect_uris or any(
            _fits_with_port(known, uri) for known in self.redirect_uris
        )


class Clients:
    """The registered apps. `secret` of a `Client` read from here is its digest."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def register(self, client: Client) -> None:
        """Let people sign in to an app; one that is there already is replaced."""
        values = {
            "name": client.name,
            "secret": digest(client.secret) if client.secret else None,
            "redirect_uris": "\n".join(sorted(client.redirect_uris)),
        }
        if await self.find(client.client_id) is None:
            await self._database.write(insert(clients).values(id=client.client_id, **values))
        else:
            await self._database.write(
                update(clients).where(clients.c.id == client.client_id).values(**values)
            )

    async def find(self, client_id: str) -> Client | None:
        """The app with this id."""
        found = await self._database.read(select(clients).where(clients.c.id == client_id))
        if not found:
            return None
        row = found[0]
        uris = frozenset(row["redirect_uris"].splitlines())
        return Client(row["id"], row["name"], row["secret"], uris)

    async def authenticate(self, client_id: str, secret: str | None) -> Client | None:
        """The app, if it is registered and this is its secret, or if it has none."""
        client = await self.find(client_id)
        if client is None or client.secret is None:
            return client
        return client if hmac.compare_digest(digest(secret or ""), client.secret) else None


def _fits_with_port(known: str, uri: str) -> bool:
    prefix, separator, path = known.partition("{port}")
    if not separator or not uri.startswith(prefix) or not uri.endswith(path):
        return False
    port = uri[len(prefix) : len(uri) - len(path)]
    return port.isascii() and port.isdigit() and len(port) <= 5
