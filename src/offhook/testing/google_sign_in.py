"""Where a service account gets access tokens: the OAuth part of the stand-in for Google.

HTTP/1.1 over TLS, on a port of its own. Source: Google, "Using OAuth 2.0 for server to server
applications".
"""

import json
import time
from collections import deque
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from offhook.serving.listener import Certificate, Listener, bind

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
_WIDER_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
#: google-auth names this whatever the account's file says.
_AUDIENCE = "https://oauth2.googleapis.com/token"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LONGEST_ASSERTION = 3600
#: Seconds by which the clocks may differ.
_LEEWAY = 60
_LARGEST_BODY = 16_384


class _Refused(Exception):  # noqa: N818 - an answer, not a fault
    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.description = description


class GoogleSignIn:
    """Gives access tokens to the account `email`, whose key is `key`, for `lifetime` seconds each.

    `asked` counts the requests. `clock` gives Unix seconds.
    """

    def __init__(
        self,
        email: str,
        key: rsa.RSAPublicKey,
        certificate: Certificate,
        *,
        lifetime: float = 3600.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.lifetime = lifetime
        self.asked = 0
        self._email = email
        self._key = key
        self._certificate = certificate
        self._clock = clock
        self._tokens: dict[str, float] = {}
        self._next: deque[tuple[int, str]] = deque()
        self._listener: Listener | None = None

    @property
    def token_uri(self) -> str:
        """Where to ask, once started."""
        assert self._listener is not None
        host, port = self._listener.address
        return f"https://{host}:{port}/token"

    async def start(self) -> None:
        """Answer from now on. Raises ListenError."""
        self._listener = Listener(self, bind("127.0.0.1", 0), certificate=self._certificate)
        await self._listener.start()

    async def stop(self) -> None:
        """Answer no more."""
        if self._listener is not None:
            await self._listener.stop()

    def answer(self, status: int, error: str = "", *, times: int = 1) -> None:
        """Answer the next `times` requests so."""
        self._next.extend([(status, error)] * times)

    def revoke(self) -> None:
        """Let no access token be good that was given until now."""
        self._tokens.clear()

    def accepts(self, token: str) -> bool:
        """Whether this access token was given here and is not over."""
        return self._tokens.get(token, 0.0) > self._clock()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """The ASGI application."""
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more and len(body) <= _LARGEST_BODY:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        status, answer = self._answer(scope["method"], scope["path"], body)
        headers = [(b"content-type", b"application/json; charset=utf-8")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

    def _answer(self, method: str, path: str, body: bytes) -> tuple[int, dict[str, object]]:
        if (method, path) != ("POST", "/token"):
            return 404, {"error": "not_found"}
        self.asked += 1
        if self._next:
            status, error = self._next.popleft()
            return status, {"error": error, "error_description": "As it was told."}
        try:
            self._check(body)
        except _Refused as refused:
            return 400, {"error": refused.error, "error_description": refused.description}
        token = f"ya29.{uuid4().hex}{uuid4().hex}"
        self._tokens[token] = self._clock() + self.lifetime
        return 200, {
            "access_token": token,
            "expires_in": int(self.lifetime),
            "token_type": "Bearer",
        }

    def _check(self, body: bytes) -> None:
        form = parse_qs(body.decode("latin-1"))
        grant = form.get("grant_type", [""])[0]
        if grant != _GRANT:
            raise _Refused("unsupported_grant_type", f"Invalid grant_type: {grant}")
        text = form.get("assertion", [""])[0]
        options = {"verify_exp": False, "verify_iat": False, "verify_aud": False}
        try:
            claims = jwt.decode(text, self._key, algorithms=["RS256"], options=options)  # type: ignore[arg-type]
        except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError) as error:
            raise _Refused("invalid_grant", "Invalid JWT Signature.") from error
        except jwt.InvalidTokenError as error:
            raise _Refused("invalid_grant", "Invalid JWT: not a JWT.") from error
        if claims.get("iss") != self._email:
            raise _Refused("invalid_grant", "Invalid grant: account not found")
        if claims.get("aud") not in (self.token_uri, _AUDIENCE):
            raise _Refused("invalid_grant", "Invalid JWT: Failed audience check.")
        issued, ends, now = claims.get("iat"), claims.get("exp"), self._clock()
        if (
            not isinstance(issued, int | float)
            or not isinstance(ends, int | float)
            or not issued - _LEEWAY <= now <= ends + _LEEWAY
            or ends - issued > _LONGEST_ASSERTION
        ):
            raise _Refused(
                "invalid_grant",
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable "
                "timeframe. Check your iat and exp values in the JWT claim.",
            )
        if not {SCOPE, _WIDER_SCOPE} & set(str(claims.get("scope", "")).split()):
            raise _Refused("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
