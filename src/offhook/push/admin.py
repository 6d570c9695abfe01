"""Who may look at the page and the figures."""

import base64
import binascii
import hashlib
import hmac

from offhook.serving.errors import AnyRequest
from offhook.serving.rate import RateLimit


class AdminDoor:
    """Lets in who knows `token`: as a bearer token, or as the password of basic authentication.

    Without a token the page does not exist, and the figures are for this machine alone.
    """

    def __init__(self, token: str, refused: RateLimit) -> None:
        self._digest = hashlib.sha256(token.encode()).digest() if token else None
        self._refused = refused

    @property
    def is_there(self) -> bool:
        """Whether anybody can come in at all."""
        return self._digest is not None

    def let_in(self, request: AnyRequest) -> bool:
        """Whether `request` shows the token. Raises ApiError 429 after too many wrong ones."""
        if self._digest is None:
            return False
        host = request.client.host if request.client else ""
        self._refused.check(host)
        shown = _shown(request.headers.get("authorization", ""))
        if shown is None:
            self._refused.give_back(host)  # A browser asks first without.
            return False
        # Digests have the same length, whatever was shown.
        if not hmac.compare_digest(hashlib.sha256(shown).digest(), self._digest):
            return False
        self._refused.give_back(host)
        return True

    def let_read_figures(self, request: AnyRequest) -> bool:
        """Whether `request` may have the figures. Raises as `let_in` does."""
        if self._digest is not None:
            return self.let_in(request)
        is_forwarded = "x-forwarded-for" in request.headers or "forwarded" in request.headers
        host = request.client.host if request.client else ""
        return host in ("127.0.0.1", "::1") and not is_forwarded


def _shown(authorization: str) -> bytes | None:
    scheme, _, value = authorization.partition(" ")
    match scheme.casefold():
        case "bearer":
            return value.strip().encode()
        case "basic":
            try:
                return base64.b64decode(value.strip(), validate=True).partition(b":")[2]
            except (binascii.Error, ValueError):
                return b""
        case _:
            return None
