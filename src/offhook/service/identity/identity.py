"""Sign-in: passwords, authorization codes with PKCE, refresh, guests (RFC 6749, 7636, 7009)."""

import asyncio
import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.engine import RowMapping

from offhook.service.directory import Directory, PersonEntry
from offhook.service.identity.clients import Client, Clients
from offhook.service.identity.guests import Guests
from offhook.service.identity.passwords import verify_password
from offhook.service.identity.principal import Principal
from offhook.service.identity.tokens import Grant, InvalidTokenError, Tokens, digest, new_grant
from offhook.service.store.schema import codes
from offhook.store import Database
from offhook.wire.rest import JwtLogin, TokenResponse

#: What a sign-in gives when the client asks for nothing in particular.
DEFAULT_SCOPE = "spark:all"
_CODE_SECONDS = 60.0
#: Codes are kept for longer than they are good for, to notice one that comes twice.
_CODE_KEPT_SECONDS = 86_400.0
_PERSONAL_CLIENT = "personal-access-token"

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_SCOPE = re.compile(r"[!#-\[\]-~]+(?: [!#-\[\]-~]+)*")
_LONGEST_SCOPE = 1000


class OAuthError(Exception):
    """An error of RFC 6749: `error` is its code, the message a sentence.

    With `redirect_uri` it is for the app to hear there; without, for the person to see.
    """

    def __init__(self, error: str, message: str, redirect_uri: str | None = None) -> None:
        super().__init__(message)
        self.error = error
        self.redirect_uri = redirect_uri


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """What an app asks for at ``/authorize``, checked."""

    client: Client
    redirect_uri: str
    scope: str
    state: str
    challenge: str | None


class Identity:
    """See the module. `clock` gives Unix seconds."""

    def __init__(
        self, database: Database, directory: Directory, tokens: Tokens, clock: Callable[[], float]
    ) -> None:
        self._database = database
        self._directory = directory
        self._clock = clock
        self._hashing = asyncio.Semaphore(2)
        self.tokens = tokens
        self.clients = Clients(database)
        self.guests = Guests(database, directory)

    async def authenticate(self, token: str) -> Principal:
        """Whose access token it is. Raises InvalidTokenError."""
        return await self.tokens.check(token)

    async def personal_token(self, person: PersonEntry) -> str:
        """A fresh access token that signs in as `person`. Those made before stay valid."""
        grant = new_grant(person.person_id, person.org_id, DEFAULT_SCOPE, _PERSONAL_CLIENT)
        return (await self.tokens.issue(grant, refreshable=False)).access_token

    # --- authorization code ---

    async def authorization_request(self, asked: dict[str, str]) -> AuthorizationRequest:
        """Check what an app asks for (RFC 6749, 4.1.1; RFC 7636, 4.3). Raises OAuthError."""
        client = await self.clients.find(asked.get("client_id", ""))
        if client is None:
            raise OAuthError("invalid_client", "This app is not registered here.")
        redirect_uri = asked.get("redirect_uri", "")
        if not client.may_redirect_to(redirect_uri):
            raise OAuthError("invalid_request", "The app sent an address that is not its own.")
        if asked.get("response_type") != "code":
            raise OAuthError(
                "unsupported_response_type", "Only response_type=code is supported.", redirect_uri
            )
        scope = asked.get("scope") or DEFAULT_SCOPE
        if len(scope) > _LONGEST_SCOPE or not _SCOPE.fullmatch(scope):
            raise OAuthError("invalid_scope", "The scope is not a list of scopes.", redirect_uri)
        challenge = asked.get("code_challenge") or None
        if challenge is None and client.secret is None:
            raise OAuthError("invalid_request", "An app without a secret uses PKCE.", redirect_uri)
        if challenge is not None and (
            asked.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(challenge)
        ):
            raise OAuthError("invalid_request", "PKCE is used with S256 here.", redirect_uri)
        return AuthorizationRequest(client, redirect_uri, scope, asked.get("state", ""), challenge)

    async def sign_in(self, email: str, password: str) -> PersonEntry | None:
        """The person, if the password is theirs. Takes as long for an unknown e-mail."""
        person = await self._directory.find_by_email(email)
        known = await self._directory.password_of(person.person_id) if person else None
        async with self._hashing:
            matches = await verify_password(known, password)
        return person if person is not None and matches else None

    async def issue_code(self, request: AuthorizationRequest, person: PersonEntry) -> str:
        """A code that the app exchanges within a minute, once."""
        code = secrets.token_urlsafe(32)
        now = self._clock()
        await self._database.write(
            delete(codes).where(codes.c.expires < now - _CODE_KEPT_SECONDS),
            insert(codes).values(
                digest=digest(code),
                client_id=request.client.client_id,
                person_id=person.person_id,
                redirect_uri=request.redirect_uri,
                scope=request.scope,
                challenge=request.challenge,
                expires=now + _CODE_SECONDS,
                family=str(uuid4()),
                used=False,
            ),
        )
        return code

    async def exchange_code(
        self,
        code: str,
        redirect_uri: str,
        verifier: str | None,
        client_id: str,
        client_secret: str | None,
    ) -> TokenResponse:
        """Tokens for a code. Raises OAuthError; a code that comes twice revokes what it gave."""
        client = await self._authenticated(client_id, client_secret)
        found = await self._database.read(select(codes).where(codes.c.digest == digest(code)))
        if not found or found[0]["client_id"] != client.client_id:
            raise OAuthError("invalid_grant", "The code is unknown; sign in again.")
        row = found[0]
        problem = self._problem(row, redirect_uri, verifier)
        person = await self._directory.person(row["person_id"])
        issued = self.tokens.prepare(
            Grant(person.person_id, person.org_id, row["scope"], client.client_id, row["family"])
        )

        def redeem(connection: Connection) -> bool:
            taken = connection.execute(
                update(codes)
                .where(codes.c.digest == row["digest"], codes.c.used.is_(False))
                .values(used=True)
            )
            if taken.rowcount and problem is None:
                self.tokens.keep(connection, issued)
            return bool(taken.rowcount)

        if not await self._database.transaction(redeem):
            await self.tokens.revoke_family(row["family"])
            raise OAuthError("invalid_grant", "The code was used before; sign in again.")
        if problem is not None:
            raise OAuthError("invalid_grant", problem)
        return issued.response

    def _problem(self, row: RowMapping, redirect_uri: str, verifier: str | None) -> str | None:
        if row["expires"] < self._clock():
            return "The code is too old; sign in again."
        if row["redirect_uri"] != redirect_uri:
            return "The code was issued for another redirect_uri."
        if row["challenge"] is None:
            return None if verifier is None else "The sign-in did not begin with PKCE."
        if verifier is None or not _VERIFIER.fullmatch(verifier):
            return "The code_verifier is missing or malformed."
        proof = str(create_s256_code_challenge(verifier))
        if not hmac.compare_digest(proof, row["challenge"]):
            return "The code_verifier does not fit."
        return None

    async def refresh(
        self, refresh_token: str, client_id: str, client_secret: str | None
    ) -> TokenResponse:
        """New tokens for a refresh token. Raises OAuthError."""
        client = await self._authenticated(client_id, client_secret)
        try:
            return await self.tokens.refresh(refresh_token, client.client_id)
        except InvalidTokenError as error:
            raise OAuthError("invalid_grant", str(error)) from error

    # --- guests ---

    async def guest_login(self, token: str) -> JwtLogin:
        """An access token for the guest of a JWT. Raises InvalidGuestError."""
        guest = await self.guests.sign_in(token)
        grant = new_grant(guest.person_id, guest.org_id, DEFAULT_SCOPE)
        response = await self.tokens.issue(grant, refreshable=False)
        return JwtLogin(response.access_token, response.expires_in)

    async def _authenticated(self, client_id: str, secret: str | None) -> Client:
        client = await self.clients.authenticate(client_id, secret)
        if client is None:
            raise OAuthError("invalid_client", "The app is not registered, or its secret is wrong.")
        return client
