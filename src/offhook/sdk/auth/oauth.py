"""OAuth 2 sign-in with a browser: authorization code with PKCE, refresh with rotation.

Sources: RFC 6749, RFC 7636; wire document, 7.1.
"""

import asyncio
import base64
import hashlib
import hmac
import secrets
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

from offhook.errors import InitializationError, InvalidApiError, ServiceError, SignInError
from offhook.sdk.auth.authenticator import EXPIRY_MARGIN, Authenticator, not_signed_in
from offhook.sdk.auth.storage import FileTokenStorage, StoredSignIn, TokenStorage
from offhook.wire.body import MalformedBodyError, read_body
from offhook.wire.rest import OAuthRefusal, TokenResponse


class OAuthAuthenticator(Authenticator):
    """Signs a person in through a browser.

    Send the person to `authorization_url`; the browser comes back to `redirect_uri` with a code,
    which goes to `authorize`. With `storage` (a file's path, or a `TokenStorage`) the sign-in
    survives a restart: `Webex.initialize` takes it up. `client_secret` is for integrations that
    have one; without it, PKCE alone protects the code.
    """

    def __init__(
        self,
        client_id: str,
        client_secret: str | None = None,
        scope: str = "spark:all",
        redirect_uri: str = "",
        email: str | None = None,
        *,
        storage: TokenStorage | str | Path | None = None,
    ) -> None:
        super().__init__()
        if not client_id or not redirect_uri:
            raise InvalidApiError("OAuth needs the client_id and redirect_uri of the app.")
        self._client_id = client_id
        self._client_secret = client_secret
        self._scope = scope
        self._redirect_uri = redirect_uri
        self.email = email
        self._storage = FileTokenStorage(storage) if isinstance(storage, str | Path) else storage
        self._signed_in: StoredSignIn | None = None
        self._verifier = secrets.token_urlsafe(64)
        self._state = secrets.token_urlsafe(24)
        self._refreshing: asyncio.Task[StoredSignIn] | None = None

    @property
    def authorization_url(self) -> str:
        """Where the person signs in. It stays the same until `authorize` has succeeded."""
        if not self._hydra:
            raise InitializationError("Give the authenticator to a Webex object first.")
        digest = hashlib.sha256(self._verifier.encode()).digest()
        query = {
            "client_id": self._client_id,
            "response_type": "code",
            "redirect_uri": self._redirect_uri,
            "scope": self._scope,
            "state": self._state,
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        if self.email:
            query["login_hint"] = self.email
        return f"{self._hydra}/authorize?{urlencode(query)}"

    async def authorize(self, code: str, state: str | None = None) -> None:
        """Sign in with the code, or with the whole address that the browser came back to.

        `state` is what came with a bare code. Raises `SignInError` if it is not the one of
        `authorization_url`, or if the cloud refuses the code.
        """
        if "://" in code:
            code, state = _answer_in(code)
            if state is None:
                raise SignInError("The address has no state; it is not the answer to our request.")
        if state is not None and not hmac.compare_digest(state.encode(), self._state.encode()):
            raise SignInError("The state is another one; begin the sign-in again.")
        await self._ask(
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": self._redirect_uri,
                "code_verifier": self._verifier,
            },
            previous=None,
        )
        self._verifier = secrets.token_urlsafe(64)
        self._state = secrets.token_urlsafe(24)
        self._on_signed_in()

    async def restore(self) -> None:
        if self._storage is None or self._signed_in is not None:
            return
        stored = await self._storage.load()
        if stored is not None and stored.client_id == self._client_id:
            self._signed_in = stored

    @property
    def is_authorized(self) -> bool:
        signed_in = self._signed_in
        if signed_in is None:
            return False
        now = self._clock()
        if signed_in.refresh_token is not None:
            return not signed_in.refresh_expires or now < signed_in.refresh_expires
        return now < signed_in.expires

    async def token(self) -> str:
        signed_in = self._signed_in
        if signed_in is None:
            raise not_signed_in()
        if self._clock() < signed_in.expires - EXPIRY_MARGIN:
            return signed_in.access_token
        return await self.renew(signed_in.access_token)

    async def renew(self, rejected: str) -> str:
        signed_in = self._signed_in
        if signed_in is None:
            raise not_signed_in()
        if signed_in.access_token != rejected:
            return signed_in.access_token
        if self._refreshing is None:
            # A task of its own: a refresh token is used up by the first request, so its answer must
            # be kept even if whoever asked has gone.
            self._refreshing = asyncio.create_task(self._refresh(signed_in), name="oauth-refresh")
            self._refreshing.add_done_callback(self._refreshed)
        return (await asyncio.shield(self._refreshing)).access_token

    async def _forget(self) -> None:
        self._signed_in = None
        if self._storage is not None:
            await self._storage.clear()

    async def close(self) -> None:
        if self._refreshing is not None:
            await asyncio.wait([self._refreshing])

    def _refreshed(self, task: asyncio.Task[StoredSignIn]) -> None:
        self._refreshing = None
        if not task.cancelled():
            task.exception()  # whoever waits for it has got it

    async def _refresh(self, signed_in: StoredSignIn) -> StoredSignIn:
        if signed_in.refresh_token is None:
            await self._lose()
            raise SignInError("The sign-in has ended; sign in again.")
        try:
            return await self._ask(
                {"grant_type": "refresh_token", "refresh_token": signed_in.refresh_token},
                previous=signed_in,
            )
        except SignInError:
            await self._lose()
            raise

    async def _ask(self, form: dict[str, str], previous: StoredSignIn | None) -> StoredSignIn:
        form["client_id"] = self._client_id
        if self._client_secret is not None:
            form["client_secret"] = self._client_secret
        now = self._clock()
        try:
            answer = await self._connection.request(
                "POST", f"{self._hydra}/access_token", form=form, signed=False
            )
        except ServiceError as error:
            if error.status in (400, 401, 403):
                raise _refusal(error) from error
            raise
        tokens = answer.read(TokenResponse)
        lasts = tokens.refresh_token_expires_in
        kept = previous.refresh_token if previous is not None else None
        kept_expiry = previous.refresh_expires if previous is not None else 0.0
        signed_in = StoredSignIn(
            client_id=self._client_id,
            access_token=tokens.access_token,
            expires=now + tokens.expires_in,
            refresh_token=tokens.refresh_token or kept,
            refresh_expires=now + lasts if lasts is not None else kept_expiry,
        )
        self._signed_in = signed_in
        if self._storage is not None:
            await self._storage.save(signed_in)
        return signed_in


def _answer_in(url: str) -> tuple[str, str | None]:
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    if "error" in query:
        told = query.get("error_description", query["error"])
        raise SignInError(f"The sign-in was refused: {told}", query["error"])
    if "code" not in query:
        raise SignInError("The address has no code; it is not the answer to a sign-in.")
    return query["code"], query.get("state")


def _refusal(error: ServiceError) -> SignInError:
    """The OAuth error, where the cloud tells it (RFC 6749, 5.2)."""
    try:
        told = read_body(error.body, OAuthRefusal)
    except MalformedBodyError:
        told = OAuthRefusal()
    why = told.error_description or error.message
    return SignInError(f"The sign-in was refused: {why}", told.error)
