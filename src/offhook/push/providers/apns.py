"""Apple's push service: VoIP pushes with a signing key or a certificate.

Source: Apple, "Sending notification requests to APNs", "Establishing a token-based connection".
"""

import ssl
import time
from collections.abc import Callable
from pathlib import Path

import jwt
import msgspec

from offhook.engine.dispatch.model import Environment, Push
from offhook.engine.dispatch.verdict import Reply, Verdict, apns_verdict
from offhook.push.providers.channel import ProviderError
from offhook.push.providers.header_block import Varying
from offhook.push.providers.http2 import Headers, Http2Answer
from offhook.push.providers.settings import ApnsApp

_HOSTS = {
    Environment.PRODUCTION: "api.push.apple.com",
    Environment.SANDBOX: "api.sandbox.push.apple.com",
}
#: Seconds after which a provider token is replaced: Apple refuses it after an hour, and new ones
#: that come more often than every 20 minutes.
TOKEN_SECONDS, TOKEN_LEAST_SECONDS = 3000.0, 1200.0


class _Refusal(msgspec.Struct):
    reason: str = ""
    timestamp: int | None = None


class Apns:
    """One app in one environment. Raises ProviderError if its key or certificate is of no use."""

    def __init__(
        self, app: ApnsApp, environment: Environment, clock: Callable[[], float] = time.time
    ) -> None:
        self.name = f"APNs {app.app} ({environment})"
        self.host = app.host or _HOSTS[environment]
        self.port = app.port
        self._authority = self.host.encode()
        self._app = app
        self._clock = clock
        self._topic = (app.topic or f"{app.app}.voip").encode()
        self._signing_key = ""
        self._token = b""
        self._token_at = 0.0
        self._refused = False
        self._tls = self._context()
        if app.certificate:
            return
        if not (app.key_file and app.key_id and app.team_id):
            raise ProviderError(
                f"{self.name}: give key_file, key_id and team_id, or a certificate and its key."
            )
        try:
            self._signing_key = Path(app.key_file).read_text()
            self._sign()
        except (OSError, ValueError, TypeError, jwt.PyJWTError) as error:
            raise ProviderError(
                f"{self.name}: {app.key_file} is not a .p8 key from Apple: {error}."
            ) from error

    async def prepare(self) -> None:
        """The provider token is made as it is needed."""

    def renew(self) -> None:
        """Apple refused the provider token: make another one, if that is not too soon."""
        self._refused = True

    def tls(self) -> ssl.SSLContext:
        return self._tls

    def request(self, push: Push, now: float) -> tuple[Headers, bytes]:
        headers = [
            (b":method", b"POST"),
            (b":scheme", b"https"),
            Varying(b":path", b"/3/device/" + push.device.token.encode()),
            (b":authority", self._authority),
            (b"apns-topic", self._topic),
            (b"apns-push-type", b"voip"),
            (b"apns-priority", b"10"),
            Varying(b"apns-expiration", b"%d" % int(push.until)),
            Varying(b"apns-id", push.push_id.encode()),
        ]
        if self._signing_key:
            headers.append((b"authorization", self._authorization(now)))
        return headers, push.payload

    def reply(self, answer: Http2Answer) -> Reply:
        retry_after = _seconds(answer.headers.get("retry-after", ""))
        if answer.status == 200 or not answer.body:
            return Reply(answer.status, retry_after=retry_after)
        try:
            refusal = msgspec.json.decode(answer.body, type=_Refusal)
        except msgspec.DecodeError:
            refusal = _Refusal()
        since = None if refusal.timestamp is None else refusal.timestamp / 1000
        return Reply(answer.status, refusal.reason, retry_after, since)

    def verdict(self, reply: Reply) -> Verdict:
        return apns_verdict(reply)

    async def close(self) -> None:
        """There is nothing to let go of."""

    def _authorization(self, now: float) -> bytes:
        age = now - self._token_at
        if age >= TOKEN_SECONDS or (self._refused and age >= TOKEN_LEAST_SECONDS) or age < 0:
            self._sign()
        return self._token

    def _sign(self) -> None:
        self._token_at = self._clock()
        self._refused = False
        claims = {"iss": self._app.team_id, "iat": int(self._token_at)}
        header = {"kid": self._app.key_id}
        token = jwt.encode(claims, self._signing_key, algorithm="ES256", headers=header)
        self._token = b"bearer " + token.encode()

    def _context(self) -> ssl.SSLContext:
        app = self._app
        try:
            context = ssl.create_default_context(cafile=app.ca or None)
            if app.certificate:
                context.load_cert_chain(app.certificate, app.key or None)
        except (OSError, ValueError) as error:
            raise ProviderError(f"{self.name}: ca or certificate: {error}.") from error
        context.set_alpn_protocols(["h2"])
        return context


def _seconds(text: str) -> float | None:
    return float(text) if text.isascii() and text.isdigit() and len(text) < 8 else None
