"""Errors as Webex writes them: ``{message, errors: [{description}], trackingId}``."""

import logging
from typing import Any
from uuid import uuid4

import msgspec
from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException
from litestar.types import Message, Scope

from offhook.wire.body import MalformedBodyError
from offhook.wire.mobius import MobiusError
from offhook.wire.rest import ErrorBody

logger = logging.getLogger(__name__)

AnyRequest = Request[Any, Any, Any]

_LONGEST_TRACKING_ID = 128


class ApiError(Exception):
    """An answer other than success; `body` replaces the usual shape where a path has its own."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        retry_after: int | None = None,
        body: msgspec.Struct | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.body = body
        self.headers = {} if retry_after is None else {"retry-after": str(retry_after)}


def tracking_id(request: AnyRequest) -> str:
    """The request's own tracking id, made up where the client sent none that can be echoed."""
    return tracking_id_of(request.scope)


def tracking_id_of(scope: Any) -> str:
    """`tracking_id` where there is only an ASGI scope."""
    known: str | None = scope["state"].get("tracking_id")
    if known is None:
        given = dict(scope["headers"]).get(b"trackingid", b"").decode("latin-1")
        fits = given and len(given) <= _LONGEST_TRACKING_ID and given.isprintable()
        known = given if fits and given.isascii() else f"OFFHOOK_{uuid4()}"
        scope["state"]["tracking_id"] = known
    return known


async def mark_answer(message: Message, scope: Scope) -> None:
    """Put the tracking id on every answer, and tell browsers not to guess what it is."""
    if message["type"] == "http.response.start":
        headers = [(name, value) for name, value in message["headers"] if name != b"trackingid"]
        headers.append((b"trackingid", tracking_id_of(scope).encode()))
        if all(name != b"x-content-type-options" for name, _ in headers):
            headers.append((b"x-content-type-options", b"nosniff"))
        message["headers"] = headers


def on_api_error(request: AnyRequest, error: ApiError) -> Response[Any]:
    """An error that a handler raised on purpose."""
    tracking = tracking_id(request)
    body = error.body or ErrorBody.of(error.message, tracking)
    if isinstance(body, MobiusError):
        body.trackingId = tracking
    return _answer(error.status, body, {**error.headers, "trackingid": tracking})


def on_malformed(request: AnyRequest, error: MalformedBodyError) -> Response[Any]:
    """A body that cannot be read."""
    return on_api_error(request, ApiError(400, str(error)))


_FAULT = "The service could not do this; try again, and report it with the tracking id."
_SENTENCES = {
    401: "The request requires a valid access token set in the Authorization request header.",
    404: "The requested resource could not be found.",
    405: "The HTTP method is not supported for this resource.",
    413: "The request body is too large.",
}


def on_http_error(request: AnyRequest, error: HTTPException) -> Response[Any]:
    """An error of the framework's own, such as an unknown path."""
    status = error.status_code
    message = _SENTENCES.get(status)
    if message is None:
        message = _detail(error) if status < 500 else _FAULT
    if status >= 500:
        logger.error("unexpected error, trackingId %s", tracking_id(request), exc_info=error)
    answer = on_api_error(request, ApiError(status, message))
    for name, value in (error.headers or {}).items():
        answer.headers[name.lower()] = value
    return answer


def _detail(error: HTTPException) -> str:
    """What is wrong with which parameter, where the framework says so."""
    extra = error.extra if isinstance(error.extra, list) else []
    wrong = [
        f"{each['key']}: {each['message']}"
        for each in extra
        if isinstance(each, dict) and each.keys() >= {"key", "message"}
    ]
    return "; ".join(wrong) or error.detail


def on_unexpected(request: AnyRequest, error: Exception) -> Response[Any]:
    """A fault of ours: logged with the tracking id that the client is told."""
    logger.error("unexpected error, trackingId %s", tracking_id(request), exc_info=error)
    return on_api_error(request, ApiError(500, _FAULT))


def _answer(status: int, body: msgspec.Struct, headers: dict[str, str]) -> Response[Any]:
    return Response(
        msgspec.json.encode(body), status_code=status, media_type=MediaType.JSON, headers=headers
    )
