"""Sign-in: passwords, authorization codes with PKCE, refresh, guests (RFC 6749, 7636, 7009)."""

import asyncio
import base64
import binascii
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import NAMESPACE_URL, uuid4, uuid5

import jwt
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from sqlalchemy import insert, select, update

from offhook.service.directory.directory import Directory, PersonEntry
from offhook.service.identity.passwords import verify_password
from offhook.service.identity.principal import Principal
from offhook.service.identity.tokens import InvalidTokenError, Tokens, digest, new_grant
from offhook.service.store import Database
from offhook.service.store.schema import clients, codes, guest_issuers
from offhook.wire.rest import JwtLogin, TokenResponse

#: What a sign-in gives when the client asks for nothing in particular.
DEFAULT_SCOPE = "spark:all"
_CODE_SECONDS = 60.0
_PERSONAL_CLIENT = "personal-access-token"


class OAuthError(Exception):
    """An error of RFC 6749, section 5.2: `error` is its code, the message a sentence."""

    def __init__(self, error: str, message: str) -> None:
        super().__init__(message)
        self.error = error


@dataclass(frozen=True, slots=True)
class Client:
    """An app that people may sign in to. One without a secret must use PKCE."""

    client_id: str
    name: str
    secret: str | None
    redirect_uris: frozenset[str]


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

    async def authenticate(self, token: str) -> Principal:
        """Whose access token it is. Raises InvalidTokenError."""
        return await self.tokens.check(token)

    async def personal_token(self, person: PersonEntry) -> str:
        """A fresh access token that signs in as `person`; those made before are revoked."""
        await self.tokens.revoke_person(person.person_id, _PERSONAL_CLIENT)
        grant = new_grant(person.person_id, person.org_id, DEFAULT_SCOPE, _PERSONAL_CLIENT)
        return (await self.tokens.issue(grant, refreshable=False)).access_token

    # --- authorization code ---

    async def authorization_request(
        self,
        client_id: str,
        redirect_uri: str,
        scope: str,
        state: str,
        challenge: str | None,
        method: str,
    ) -> AuthorizationRequest:
        """Check what an app asks for. Raises OAuthError, which the person is shown."""
        client = await self._client(client_id)
        if client is None:
            raise OAuthError("invalid_client", "This app is not registered here.")
        if not _registered(redirect_uri, client.redirect_uris):
            raise OAuthError("invalid_request", "The app sent an address that is not its own.")
        if challenge is not None and method != "S256":
            raise OAuthError("invalid_request", "The app must use PKCE with S256.")
        if challenge is None and client.secret is None:
            raise OAuthError("invalid_request", "The app must use PKCE.")
        return AuthorizationRequest(client, redirect_uri, scope or DEFAULT_SCOPE, state, challenge)

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
        await self._database.write(
            insert(codes).values(
                digest=digest(code),
                client_id=request.client.client_id,
                person_id=person.person_id,
                redirect_uri=request.redirect_uri,
                scope=request.scope,
                challenge=request.challenge,
                expires=self._clock() + _CODE_SECONDS,
                family=str(uuid4()),
                used=False,
            )
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
        client = await self._authenticated_client(client_id, client_secret)
        found = await self._database.read(select(codes).where(codes.c.digest == digest(code)))
        if not found or found[0]["client_id"] != client.client_id:
            raise OAuthError("invalid_grant", "The code is unknown; sign in again.")
        row = found[0]
        taken = await self._database.write(
            update(codes)
            .where(codes.c.digest == row["digest"], codes.c.used.is_(False))
            .values(used=True)
        )
        if not taken[0].changed:
            await self.tokens.revoke_family(row["family"])
            raise OAuthError("invalid_grant", "The code was used before; sign in again.")
        if row["expires"] < self._clock() or row["redirect_uri"] != redirect_uri:
            raise OAuthError("invalid_grant", "The code is too old or of another address.")
        if row["challenge"] is not None:
            proof = create_s256_code_challenge(verifier or "")
            if not hmac.compare_digest(str(proof), row["challenge"]):
                raise OAuthError("invalid_grant", "The code verifier does not fit.")
        person = await self._directory.person(row["person_id"])
        grant = new_grant(person.person_id, person.org_id, row["scope"], client.client_id)
        return await self.tokens.issue(replace(grant, family=row["family"]))

    async def refresh(
        self, refresh_token: str, client_id: str, client_secret: str | None
    ) -> TokenResponse:
        """New tokens for a refresh token. Raises OAuthError."""
        client = await self._authenticated_client(client_id, client_secret)
        try:
            return await self.tokens.refresh(refresh_token, client.client_id)
        except InvalidTokenError as error:
            raise OAuthError("invalid_grant", str(error)) from error

    # --- guests ---

    async def guest_login(self, token: str) -> JwtLogin:
        """An access token for a guest, whose JWT (HS256; sub, name, iss, exp) an issuer signed.

        Raises OAuthError.
        """
        try:
            issuer_id = str(jwt.decode(token, options={"verify_signature": False}).get("iss", ""))
        except jwt.InvalidTokenError as error:
            raise OAuthError("invalid_grant", "The guest token is not a JWT.") from error
        found = await self._database.read(
            select(guest_issuers).where(guest_issuers.c.id == issuer_id)
        )
        if not found:
            raise OAuthError("invalid_grant", "The guest token is of an unknown issuer.")
        issuer = found[0]
        try:
            key = base64.b64decode(issuer["secret"], validate=True)
            claims = jwt.decode(
                token, key, algorithms=["HS256"], options={"require": ["exp", "sub", "iss"]}
            )
        except (jwt.InvalidTokenError, binascii.Error) as error:
            raise OAuthError("invalid_grant", "The guest token is not valid any more.") from error
        name = str(claims.get("name") or "Guest")[:100]
        guest_id = str(uuid5(NAMESPACE_URL, f"guest:{issuer_id}:{claims['sub']}"))
        guest = await self._directory.guest(guest_id, issuer["org_id"], name)
        grant = new_grant(guest.person_id, guest.org_id, DEFAULT_SCOPE)
        response = await self.tokens.issue(grant, refreshable=False)
        return JwtLogin(response.access_token, response.expires_in)

    # --- apps ---

    async def register_client(self, client: Client) -> None:
        """Let people sign in to an app; one that is there already is replaced."""
        values = {
            "name": client.name,
            "secret": digest(client.secret) if client.secret else None,
            "redirect_uris": "\n".join(sorted(client.redirect_uris)),
        }
        if await self._client(client.client_id) is None:
            await self._database.write(insert(clients).values(id=client.client_id, **values))
        else:
            await self._database.write(
                update(clients).where(clients.c.id == client.client_id).values(**values)
            )

    async def _client(self, client_id: str) -> Client | None:
        found = await self._database.read(select(clients).where(clients.c.id == client_id))
        if not found:
            return None
        row = found[0]
        uris = frozenset(row["redirect_uris"].splitlines())
        return Client(row["id"], row["name"], row["secret"], uris)

    async def _authenticated_client(self, client_id: str, secret: str | None) -> Client:
        client = await self._client(client_id)
        if client is None:
            raise OAuthError("invalid_client", "This app is not registered here.")
        if client.secret is not None and not hmac.compare_digest(
            digest(secret or ""), client.secret
        ):
            raise OAuthError("invalid_client", "The client secret is wrong.")
        return client


def _registered(redirect_uri: str, known: frozenset[str]) -> bool:
    """Exactly one of the registered addresses, or one on loopback at any port (RFC 8252, 7.3)."""
    if redirect_uri in known:
        return True
    for uri in known:
        prefix, separator, path = uri.partition("{port}")
        if separator and redirect_uri.startswith(prefix):
            port, _, rest = redirect_uri[len(prefix) :].partition("/")
            if port.isdigit() and f"/{rest}" == path:
                return True
    return False
