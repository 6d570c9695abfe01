"""Browsers on other origins may use the API: it goes by tokens, never by cookies."""

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

_EXPOSED = b"trackingid, retry-after, etag, cisco-location, link"
_METHODS = b"GET, POST, PUT, PATCH, DELETE, OPTIONS"


class Cors:
    """Answers preflights with what was asked for, and marks every answer as readable."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope.get("headers", ()))
        if scope["type"] != ScopeType.HTTP or b"origin" not in headers:
            await self.app(scope, receive, send)
            return
        shared = [
            (b"access-control-allow-origin", headers[b"origin"]),
            (b"access-control-expose-headers", _EXPOSED),
            (b"vary", b"origin"),
        ]
        if scope["method"] == "OPTIONS" and b"access-control-request-method" in headers:
            allowed = headers.get(b"access-control-request-headers", b"")
            shared += [
                (b"access-control-allow-methods", _METHODS),
                (b"access-control-allow-headers", allowed),
                (b"access-control-max-age", b"600"),
                (b"content-length", b"0"),
            ]
            await send({"type": "http.response.start", "status": 204, "headers": shared})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *shared]
            await send(message)

        await self.app(scope, receive, marked)
