"""An administrator's token that is renewed with a refresh token, and survives a restart."""

import asyncio
import hashlib
import os
import ssl
import tempfile
from pathlib import Path

import aiohttp
import msgspec

from offhook.errors import NotAuthorizedError, WebexError
from offhook.push.cloud_errors import refusal
from offhook.push.cloud_http import CONNECT_TIMEOUT, REQUEST_TIMEOUT, unreachable
from offhook.wire.body import MalformedBodyError, read_body
from offhook.wire.rest import OAuthRefusal, TokenResponse


class TokenSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose token looks after the webhook.

    `token` alone does until it expires (on Webex 12 hours to 14 days). With `refresh_token`,
    `client_id` and `client_secret` it is renewed; a cloud may then give a new refresh token and
    forget the old one, so what was given last is kept in the file `kept_in`.
    """

    token: str = ""
    refresh_token: str = ""
    client_id: str = ""
    client_secret: str = ""
    kept_in: str = ""

    @property
    def is_given(self) -> bool:
        """Whether there is anything to sign a request with."""
        return bool(self.token or self.refresh_token)


class _Kept(msgspec.Struct):
    """The file: `of` tells which configured refresh token these descend from."""

    of: str
    access_token: str
    refresh_token: str


class TokenFileError(WebexError):
    """The file in which the tokens are kept cannot be read or written."""


class AdminToken:
    """Credentials for a `WebhookClient`. No error of it shows a token."""

    def __init__(
        self, cloud: str, settings: TokenSettings, *, tls: ssl.SSLContext | None = None
    ) -> None:
        self._cloud = cloud
        self._settings = settings
        self._tls = tls
        self._access = settings.token.strip()
        self._refresh = settings.refresh_token.strip()
        self._of = hashlib.sha256(self._refresh.encode()).hexdigest()
        self._is_read = False

    async def token(self) -> str:
        """A token that should be good. Raises as `renew` does."""
        if not self._is_read:
            self._is_read = True
            await self._recall()
        return self._access or await self.renew("")

    async def renew(self, rejected: str) -> str:
        """A new token in place of `rejected`.

        Raises `NotAuthorizedError`, `NetworkError`, `ServiceError` or `TokenFileError`.
        """
        if self._access and self._access != rejected:
            return self._access
        if not self._refresh:
            raise refusal(401, "", tracking_id="")
        given = await self._ask()
        self._access = given.access_token
        self._refresh = given.refresh_token or self._refresh
        await self._keep()
        return self._access

    async def _ask(self) -> TokenResponse:
        form = {
            "grant_type": "refresh_token",
            "refresh_token": self._refresh,
            "client_id": self._settings.client_id,
            "client_secret": self._settings.client_secret,
        }
        try:
            async with (
                aiohttp.ClientSession(
                    connector=aiohttp.TCPConnector(ssl=self._tls or True),
                    timeout=aiohttp.ClientTimeout(
                        total=REQUEST_TIMEOUT, sock_connect=CONNECT_TIMEOUT
                    ),
                ) as http,
                http.post(
                    f"{self._cloud}/v1/access_token",
                    data={name: value for name, value in form.items() if value},
                    allow_redirects=False,
                ) as response,
            ):
                body = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise unreachable(self._cloud, error) from error
        if response.status != 200:
            raise _not_renewed(response.status, body)
        try:
            return read_body(body, TokenResponse)
        except MalformedBodyError as error:
            raise NotAuthorizedError(
                "The cloud's token endpoint gave something that is no token; check its address."
            ) from error

    # --- the file ---

    async def _recall(self) -> None:
        if not self._settings.kept_in or not self._refresh:
            return
        kept = await asyncio.to_thread(_read_kept, Path(self._settings.kept_in))
        if kept is not None and kept.of == self._of:
            self._access, self._refresh = kept.access_token, kept.refresh_token

    async def _keep(self) -> None:
        if self._settings.kept_in:
            kept = _Kept(self._of, self._access, self._refresh)
            await asyncio.to_thread(_write_kept, Path(self._settings.kept_in), kept)


def _not_renewed(status: int, body: bytes) -> WebexError:
    if status in (400, 401, 403):
        try:
            told = read_body(body, OAuthRefusal)
        except MalformedBodyError:
            told = OAuthRefusal()
        why = f" ({told.error})" if told.error.isidentifier() else ""
        return NotAuthorizedError(
            f"The cloud does not renew the token{why}: the refresh token has expired, was revoked "
            "or used elsewhere, or the app's id or secret is wrong. Give a new refresh token."
        )
    return refusal(status, "", tracking_id="")


def _read_kept(path: Path) -> _Kept | None:
    """None if there is no such file. One that cannot be read counts as none: see `AdminToken`."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Kept)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
    except OSError as error:
        raise TokenFileError(
            f"{path}, which holds the administrator's tokens, cannot be read: {error.strerror}."
        ) from error


def _write_kept(path: Path, kept: _Kept) -> None:
    """Replace the file at once, readable by its owner alone."""
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".offhook-")
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.encode(kept))
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise TokenFileError(
            f"The administrator's new tokens cannot be kept in {path}: {error.strerror}. They are "
            "lost at the next start; let the backend write there."
        ) from error
