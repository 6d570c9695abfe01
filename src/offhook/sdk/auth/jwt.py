"""Sign in as a guest with a JWT that the app's own server signed."""

import asyncio
import base64
import binascii
from datetime import UTC, datetime

import msgspec

from offhook.errors import InvalidApiError, NotAuthorizedError, ServiceError, SignInError
from offhook.sdk.auth.authenticator import EXPIRY_MARGIN, Authenticator, not_signed_in
from offhook.wire.body import MalformedBodyError, read_body
from offhook.wire.rest import JwtLogin


class _Claims(msgspec.Struct):
    exp: float


class JWTAuthenticator(Authenticator):
    """Exchanges a guest's JWT (claims sub, name, iss, exp) for access tokens while it is valid."""

    def __init__(self) -> None:
        super().__init__()
        self._jwt: str | None = None
        self._jwt_expires = 0.0
        self._token: str | None = None
        self._token_expires = 0.0
        self._lock = asyncio.Lock()

    async def authorize(self, jwt: str) -> None:
        """Sign in.

        Raises `InvalidApiError` if `jwt` is not a JWT with an expiry, `SignInError` if the cloud
        does not take it.
        """
        expires = _expiry_of(jwt)
        if expires <= self._clock():
            raise InvalidApiError("The JWT has expired; make a new one.")
        self._jwt, self._jwt_expires, self._token = jwt, expires, None
        try:
            await self.refresh_token()
        except SignInError:
            self._jwt = None
            raise
        self._on_signed_in()

    @property
    def expiration(self) -> datetime | None:
        """When the JWT ends, None if there is none."""
        return datetime.fromtimestamp(self._jwt_expires, UTC) if self._jwt is not None else None

    @property
    def is_authorized(self) -> bool:
        return self._jwt is not None and self._clock() < self._jwt_expires

    async def token(self) -> str:
        if self._jwt is None:
            raise not_signed_in()
        token = self._token
        if token is not None and self._clock() < self._token_expires - EXPIRY_MARGIN:
            return token
        return await self.renew(token or "")

    async def renew(self, rejected: str) -> str:
        async with self._lock:
            if self._token is not None and self._token != rejected:
                return self._token
            try:
                return await self._log_in()
            except NotAuthorizedError:
                await self._lose()
                raise

    async def refresh_token(self) -> str:
        """Get a fresh access token with the same JWT. Raises `SignInError`, `NetworkError`."""
        async with self._lock:
            return await self._log_in()

    async def _forget(self) -> None:
        self._jwt = self._token = None

    async def _log_in(self) -> str:
        if self._jwt is None:
            raise not_signed_in()
        try:
            answer = await self._connection.request(
                "POST",
                f"{self._hydra}/jwt/login",
                headers={"authorization": f"Bearer {self._jwt}"},
                signed=False,
            )
        except ServiceError as error:
            if error.status in (400, 401, 403):
                raise SignInError(f"The guest sign-in was refused: {error.message}") from error
            raise
        login = answer.read(JwtLogin)
        self._token = login.token
        self._token_expires = self._clock() + login.expiresIn
        return login.token


def _expiry_of(jwt: str) -> float:
    parts = jwt.split(".")
    try:
        if len(parts) != 3:
            raise InvalidApiError("This is not a JWT: it needs three parts with dots between them.")
        payload = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        return read_body(payload, _Claims).exp
    except (binascii.Error, MalformedBodyError) as error:
        raise InvalidApiError("The JWT has no claim `exp`; it must say when it ends.") from error
