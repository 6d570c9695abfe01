"""Tokens: opaque, kept as SHA-256 only, rotated on refresh, revoked by family.

An access token has three sections joined by ``_``, the last the organisation: official clients read
it there (wire document, 1.3).
"""

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.engine import RowMapping

from offhook.service.identity.principal import Principal
from offhook.service.store.schema import tokens
from offhook.store import Database
from offhook.wire.rest import TokenResponse

#: Access tokens that are not looked up each time, and for how many seconds: another node may have
#: revoked them.
_REMEMBERED = 4096
_REMEMBERED_SECONDS = 60.0

_SIGN_IN_AGAIN = "The token is unknown, expired or revoked; sign in again."


class InvalidTokenError(Exception):
    """The token is unknown, expired, revoked or used up."""


def digest(token: str) -> str:
    """What is kept of a secret."""
    return hashlib.sha256(token.encode(errors="backslashreplace")).hexdigest()


@dataclass(frozen=True, slots=True)
class Grant:
    """For whom tokens are issued."""

    person_id: str
    org_id: str
    scope: str
    client_id: str | None
    family: str


@dataclass(frozen=True, slots=True)
class Issued:
    """New tokens and the rows that must be kept for them to be valid."""

    response: TokenResponse
    rows: list[dict[str, object]]


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
        self._known: OrderedDict[str, tuple[Principal, float]] = OrderedDict()
        self._revocations = 0

    def prepare(self, grant: Grant, *, refreshable: bool = True) -> Issued:
        """New tokens, valid once `keep` has written their rows."""
        access = f"{secrets.token_hex(24)}_{secrets.token_hex(4)}_{grant.org_id}"
        refresh = secrets.token_hex(32)
        now = self._clock()
        rows = [_row("access", access, grant, now + self._access_seconds)]
        if refreshable:
            rows.append(_row("refresh", refresh, grant, now + self._refresh_seconds))
        response = TokenResponse(
            access_token=access,
            expires_in=self._access_seconds - 1,
            refresh_token=refresh if refreshable else None,
            refresh_token_expires_in=self._refresh_seconds - 1 if refreshable else None,
            scope=grant.scope,
        )
        return Issued(response, rows)

    def keep(self, connection: Connection, issued: Issued) -> None:
        """Write the rows of new tokens, in a transaction; expired ones go."""
        connection.execute(delete(tokens).where(tokens.c.expires < self._clock()))
        connection.execute(insert(tokens), issued.rows)

    async def issue(self, grant: Grant, *, refreshable: bool = True) -> TokenResponse:
        """A new access token, and a refresh token unless told otherwise."""
        issued = self.prepare(grant, refreshable=refreshable)
        await self._database.transaction(lambda connection: self.keep(connection, issued))
        return issued.response

    async def refresh(self, token: str, client_id: str | None) -> TokenResponse:
        """New tokens for a refresh token, which is used up. Raises InvalidTokenError.

        A token that comes a second time was stolen or leaked: its whole family is revoked.
        """
        row = await self._find("refresh", token)
        if row["client_id"] != client_id:
            raise InvalidTokenError("The refresh token is of another client.")
        grant = Grant(
            row["person_id"], row["org_id"], row["scope"], row["client_id"], row["family"]
        )
        issued = self.prepare(grant)

        def rotate(connection: Connection) -> bool:
            # One transaction: of two that come with the same token only one gets new ones, and
            # what it got is there to be revoked by the other.
            taken = connection.execute(
                update(tokens)
                .where(tokens.c.digest == row["digest"], tokens.c.used.is_(False))
                .values(used=True)
            )
            if taken.rowcount:
                self.keep(connection, issued)
            return bool(taken.rowcount)

        if not await self._database.transaction(rotate):
            await self.revoke_family(row["family"])
            raise InvalidTokenError("The refresh token was used before; sign in again.")
        return issued.response

    async def check(self, token: str) -> Principal:
        """Whose access token it is. Raises InvalidTokenError."""
        key = digest(token)
        now = self._clock()
        principal, fresh_until = self._known.get(key, (None, 0.0))
        if principal is None or fresh_until <= now:
            revocations = self._revocations
            self._known.pop(key, None)
            principal = _principal(await self._find("access", token))
            if revocations == self._revocations:
                self._remember(key, principal, now + _REMEMBERED_SECONDS)
        if principal.expires <= now:
            self._known.pop(key, None)
            raise InvalidTokenError("The access token has expired; sign in again.")
        return principal

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
        # Without an await from here on: a look-up that began before this may not be remembered.
        self._revocations += 1
        for key in [key for key, (who, _) in self._known.items() if who.family == family]:
            del self._known[key]

    def _remember(self, key: str, principal: Principal, fresh_until: float) -> None:
        self._known[key] = (principal, fresh_until)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    async def _find(self, kind: str, token: str) -> RowMapping:
        found = await self._database.read(
            select(tokens).where(
                tokens.c.digest == digest(token),
                tokens.c.kind == kind,
                tokens.c.expires > self._clock(),
            )
        )
        if not found:
            raise InvalidTokenError(_SIGN_IN_AGAIN)
        return found[0]


def _principal(row: RowMapping) -> Principal:
    return Principal(
        row["person_id"],
        row["org_id"],
        frozenset(row["scope"].split()),
        row["family"],
        row["expires"],
    )


def _row(kind: str, token: str, grant: Grant, expires: float) -> dict[str, object]:
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
