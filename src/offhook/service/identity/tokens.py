"""Tokens: opaque, kept as SHA-256 only, rotated on refresh, revoked by family.

An access token has three sections joined by ``_``, the last the organisation: official clients read
it there (wire document, 1.3).
"""

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from sqlalchemy import delete, insert, select, update

from offhook.service.identity.principal import Principal
from offhook.service.store import Database
from offhook.service.store.schema import tokens
from offhook.wire.rest import TokenResponse

_REMEMBERED = 4096


class InvalidTokenError(Exception):
    """The token is unknown, expired, revoked or used up."""


def digest(token: str) -> str:
    """What is kept of a secret."""
    return hashlib.sha256(token.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Grant:
    """For whom tokens are issued."""

    person_id: str
    org_id: str
    scope: str
    client_id: str | None
    family: str


def new_grant(person_id: str, org_id: str, scope: str, client_id: str | None = None) -> Grant:
    """A grant with a family of its own."""
    return Grant(person_id, org_id, scope, client_id, str(uuid4()))


class Tokens:
    """Issues and checks tokens. Lifetimes in seconds; `clock` gives Unix seconds."""

    def __init__(
        self,
        database: Database,
        *,
        clock: Callable[[], float],
        access_seconds: int,
        refresh_seconds: int,
    ) -> None:
        self._database = database
        self._clock = clock
        self._access_seconds = access_seconds
        self._refresh_seconds = refresh_seconds
        self._known: OrderedDict[str, Principal] = OrderedDict()

    async def issue(self, grant: Grant, *, refreshable: bool = True) -> TokenResponse:
        """A new access token, and a refresh token unless told otherwise."""
        access = f"{secrets.token_hex(24)}_{secrets.token_hex(4)}_{grant.org_id}"
        refresh = secrets.token_hex(32)
        now = self._clock()
        rows = [self._row("access", access, grant, now + self._access_seconds)]
        if refreshable:
            rows.append(self._row("refresh", refresh, grant, now + self._refresh_seconds))
        await self._database.write(
            delete(tokens).where(tokens.c.expires < now), insert(tokens).values(rows)
        )
        return TokenResponse(
            access_token=access,
            expires_in=self._access_seconds - 1,
            refresh_token=refresh if refreshable else None,
            refresh_token_expires_in=self._refresh_seconds - 1 if refreshable else None,
            scope=grant.scope,
        )

    async def refresh(self, token: str, client_id: str | None) -> TokenResponse:
        """New tokens for a refresh token, which is used up. Raises InvalidTokenError.

        A token that comes a second time was stolen or leaked: its whole family is revoked.
        """
        row = await self._find("refresh", token)
        if row["client_id"] != client_id:
            raise InvalidTokenError("The refresh token is of another client.")
        taken = await self._database.write(
            update(tokens)
            .where(tokens.c.digest == row["digest"], tokens.c.used.is_(False))
            .values(used=True)
        )
        if not taken[0].changed:
            await self.revoke_family(row["family"])
            raise InvalidTokenError("The refresh token was used before; sign in again.")
        grant = Grant(
            row["person_id"], row["org_id"], row["scope"], row["client_id"], row["family"]
        )
        return await self.issue(grant)

    async def check(self, token: str) -> Principal:
        """Whose access token it is. Raises InvalidTokenError."""
        key = digest(token)
        known = self._known.get(key)
        if known is None:
            row = await self._find("access", token)
            known = Principal(
                row["person_id"],
                row["org_id"],
                frozenset(row["scope"].split()),
                row["family"],
                row["expires"],
            )
            self._known[key] = known
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        if known.expires <= self._clock():
            self._known.pop(key, None)
            raise InvalidTokenError("The access token has expired.")
        return known

    async def revoke(self, token: str) -> None:
        """Revoke the token and all others of the same sign-in. An unknown token is no error."""
        found = await self._database.read(
            select(tokens.c.family).where(tokens.c.digest == digest(token))
        )
        if found:
            await self.revoke_family(found[0]["family"])

    async def revoke_family(self, family: str) -> None:
        """Revoke all tokens of a sign-in."""
        await self._database.write(delete(tokens).where(tokens.c.family == family))
        for key in [key for key, known in self._known.items() if known.family == family]:
            del self._known[key]

    async def revoke_person(self, person_id: str, client_id: str) -> None:
        """Revoke what the person was given through one client."""
        found = await self._database.read(
            select(tokens.c.family)
            .where(tokens.c.person_id == person_id, tokens.c.client_id == client_id)
            .distinct()
        )
        for row in found:
            await self.revoke_family(row["family"])

    async def _find(self, kind: str, token: str) -> Any:
        found = await self._database.read(
            select(tokens).where(
                tokens.c.digest == digest(token),
                tokens.c.kind == kind,
                tokens.c.expires > self._clock(),
            )
        )
        if not found:
            raise InvalidTokenError("The token is unknown, expired or revoked; sign in again.")
        return found[0]

    def _row(self, kind: str, token: str, grant: Grant, expires: float) -> dict[str, object]:
        return {
            "digest": digest(token),
            "kind": kind,
            "family": grant.family,
            "person_id": grant.person_id,
            "org_id": grant.org_id,
            "client_id": grant.client_id,
            "scope": grant.scope,
            "expires": expires,
            "used": False,
        }
