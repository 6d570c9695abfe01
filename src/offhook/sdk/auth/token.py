"""Sign in with an access token that the app got elsewhere."""

from collections.abc import Callable

from offhook.errors import InvalidApiError, NotAuthorizedError
from offhook.sdk.auth.authenticator import Authenticator, not_signed_in


class TokenAuthenticator(Authenticator):
    """Holds one access token. When it ends, the person is signed out and a new one is needed.

    `TokenAuthenticator(token)` is short for `authorize` with a token whose expiry is not known.
    """

    def __init__(self, access_token: str | None = None) -> None:
        super().__init__()
        self._token: str | None = None
        self._expires: float | None = None
        self._on_expired: Callable[[], object] | None = None
        if access_token is not None:
            self._take(access_token)

    async def authorize(self, access_token: str, expiry_in_seconds: int | None = None) -> None:
        """Sign in. Raises `InvalidApiError` for an empty token or one that has expired."""
        if expiry_in_seconds is not None and expiry_in_seconds <= 0:
            raise InvalidApiError("The access token has expired; get a new one.")
        self._take(access_token)
        if expiry_in_seconds is not None:
            self._expires = self._clock() + expiry_in_seconds
        self._on_signed_in()

    def set_on_token_expired_listener(self, callback: Callable[[], object] | None) -> None:
        """Call `callback` once the token has ended; the person is signed out by then."""
        self._on_expired = callback

    @property
    def on_token_expired(self) -> Callable[[], object] | None:
        """The listener that was set last."""
        return self._on_expired

    @on_token_expired.setter
    def on_token_expired(self, callback: Callable[[], object] | None) -> None:
        self._on_expired = callback

    @property
    def is_authorized(self) -> bool:
        return self._token is not None and not self._has_expired

    async def token(self) -> str:
        if self._token is None:
            raise not_signed_in()
        if self._has_expired:
            await self._lose()
            raise NotAuthorizedError("The access token has expired; authorize with a new one.")
        return self._token

    async def renew(self, rejected: str) -> str:
        if self._token is not None and self._token != rejected:
            return self._token
        if self._token is not None:
            await self._lose()
        raise NotAuthorizedError(
            "The cloud does not accept the access token; authorize with a new one."
        )

    async def _forget(self) -> None:
        self._token = None

    async def _lose(self) -> None:
        await super()._lose()
        if self._on_expired is not None:
            self._call_user(self._on_expired)

    @property
    def _has_expired(self) -> bool:
        return self._expires is not None and self._clock() >= self._expires

    def _take(self, access_token: str) -> None:
        if not access_token.strip():
            raise InvalidApiError("The access token is empty.")
        self._token = access_token.strip()
        self._expires = None
