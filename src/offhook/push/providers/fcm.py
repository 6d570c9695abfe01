"""Google's push service: FCM HTTP v1 data messages, with a service account.

Source: Google, "FCM HTTP v1 API", "Using OAuth 2.0 for server to server applications".
"""

import asyncio
import math
import ssl
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp
import jwt
import msgspec

from offhook.engine.dispatch.model import Push
from offhook.engine.dispatch.verdict import Reply, Verdict, fcm_verdict
from offhook.push.providers.channel import ProviderError
from offhook.push.providers.http2 import Headers, Http2Answer
from offhook.push.providers.settings import FcmApp, FcmShape
from offhook.wire.voip_push import FCM_KEY, PINPOINT_KEY

_HOST = "fcm.googleapis.com"
_SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_TOKEN_SECONDS = 5.0
#: Seconds before its end at which an access token is replaced.
_AHEAD = 300.0


class ServiceAccount(msgspec.Struct):
    """The JSON file that Google's console gives."""

    client_email: str
    private_key: str
    private_key_id: str = ""
    token_uri: str = "https://oauth2.googleapis.com/token"  # noqa: S105


class _Token(msgspec.Struct):
    access_token: str
    expires_in: float = 3600.0


class _Detail(msgspec.Struct):
    errorCode: str = ""  # noqa: N815 - Google's name
    fieldViolations: list[dict[str, str]] = []  # noqa: N815


class _Error(msgspec.Struct):
    status: str = ""
    message: str = ""
    details: list[_Detail] = []


class _Refusal(msgspec.Struct):
    error: _Error = msgspec.field(default_factory=_Error)


class Fcm:
    """One app. Raises ProviderError if its credentials are of no use."""

    def __init__(self, app: FcmApp, clock: Callable[[], float] = time.time) -> None:
        self.name = f"FCM {app.app}"
        self.host = app.host or _HOST
        self.port = app.port
        self._app = app
        self._clock = clock
        self._path = f"/v1/projects/{app.project}/messages:send".encode()
        try:
            self._account = msgspec.json.decode(
                Path(app.credentials).read_bytes(), type=ServiceAccount
            )
            self._tls = ssl.create_default_context(cafile=app.ca or None)
            self._assertion()
        except (OSError, ValueError, TypeError, jwt.PyJWTError) as error:
            raise ProviderError(
                f"{self.name}: {app.credentials} is not the JSON file of a service account: {error}"
            ) from error
        self._oauth_tls = ssl.create_default_context(cafile=app.ca or None)
        self._tls.set_alpn_protocols(["h2"])
        self._token = b""
        self._until = 0.0
        self._renewing: asyncio.Task[None] | None = None
        self._http: aiohttp.ClientSession | None = None

    async def prepare(self) -> None:
        """Have an access token, and a timer that renews it ahead of its end."""
        if self._clock() >= self._until:
            await self._fetch()
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.create_task(self._keep(), name="fcm-access-token")

    def renew(self) -> None:
        """Google refused the token."""
        self._until = 0.0

    def tls(self) -> ssl.SSLContext:
        return self._tls

    def request(self, push: Push, now: float) -> tuple[Headers, bytes]:
        headers = [
            (b":method", b"POST"),
            (b":scheme", b"https"),
            (b":path", self._path),
            (b":authority", self.host.encode()),
            (b"authorization", self._token),
            (b"content-type", b"application/json"),
        ]
        message = {
            "token": push.device.token,
            "data": placed(push.payload, self._app.shape),
            "android": {"priority": "high", "ttl": f"{max(math.floor(push.until - now), 0)}s"},
        }
        return headers, msgspec.json.encode({"message": message})

    def reply(self, answer: Http2Answer) -> Reply:
        text = answer.headers.get("retry-after", "")
        retry_after = float(text) if text.isascii() and text.isdigit() and len(text) < 8 else None
        if answer.status == 200:
            return Reply(200)
        try:
            error = msgspec.json.decode(answer.body, type=_Refusal).error
        except msgspec.DecodeError:
            error = _Error()
        code = next((each.errorCode for each in error.details if each.errorCode), error.status)
        about_token = "registration token" in error.message or any(
            "message.token" in field.get("field", "")
            for detail in error.details
            for field in detail.fieldViolations
        )
        return Reply(answer.status, code, retry_after, about_token=about_token)

    def verdict(self, reply: Reply) -> Verdict:
        return fcm_verdict(reply)

    async def close(self) -> None:
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.gather(self._renewing, return_exceptions=True)
        if self._http is not None:
            await self._http.close()

    # --- access token ---

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(max(self._until - _AHEAD - self._clock(), 30.0))
            try:
                await self._fetch()
            except (OSError, ProviderError):
                continue  # The old one is good for some minutes more.

    async def _fetch(self) -> None:
        if self._http is None:
            self._http = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=_TOKEN_SECONDS),
                connector=aiohttp.TCPConnector(ssl=self._oauth_tls),
            )
        form = {"grant_type": _GRANT, "assertion": self._assertion()}
        try:
            async with self._http.post(self._account.token_uri, data=form) as answer:
                body = await answer.read()
                if answer.status >= 500 or answer.status == 429:
                    raise ConnectionError(f"{self.name}: Google's sign-in answers {answer.status}.")
                if answer.status != 200:
                    raise ProviderError(
                        f"{self.name}: Google does not accept the service account; make a new key."
                    )
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ConnectionError(
                f"{self.name}: Google's sign-in cannot be reached ({type(error).__name__})."
            ) from error
        try:
            token = msgspec.json.decode(body, type=_Token)
        except msgspec.DecodeError as error:
            raise ConnectionError(f"{self.name}: Google's sign-in gives no token.") from error
        self._token = f"Bearer {token.access_token}".encode()
        self._until = self._clock() + token.expires_in

    def _assertion(self) -> str:
        now = int(self._clock())
        account = self._account
        claims = {
            "iss": account.client_email,
            "scope": _SCOPE,
            "aud": account.token_uri,
            "iat": now,
            "exp": now + 3600,
        }
        header = {"kid": account.private_key_id} if account.private_key_id else None
        return jwt.encode(claims, account.private_key, algorithm="RS256", headers=header)


def placed(payload: bytes, shape: FcmShape) -> dict[str, str]:
    """The payload in a data map, whose values can only be strings.

    ``webhookTelephonyPush``: the whole of it, as it is, under that key. ``pinpoint``: that as JSON
    text under the key that Cisco's sample app reads. ``flat``: each member under its own name, text
    as it is and everything else as JSON.
    """
    text = payload.decode()
    match shape:
        case "webhookTelephonyPush":
            return {FCM_KEY: text}
        case "pinpoint":
            return {PINPOINT_KEY: msgspec.json.encode({FCM_KEY: text}).decode()}
        case "flat":
            members = msgspec.json.decode(payload, type=dict[str, msgspec.Raw])
            return {name: _as_text(value) for name, value in members.items()}


def _as_text(value: msgspec.Raw) -> str:
    raw = bytes(value)
    return msgspec.json.decode(raw, type=str) if raw.startswith(b'"') else raw.decode()
