"""Errors as Webex writes them: ``{message, errors: [{description}], trackingId}``."""

import logging
from typing import Any
from uuid import uuid4

import msgspec
from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException

from offhook.wire.body import MalformedBodyError
from offhook.wire.rest import ErrorBody

logger = logging.getLogger(__name__)

AnyRequest = Request[Any, Any, Any]


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
    given = request.headers.get("trackingid", "")
    if given and len(given) <= 128 and given.isprintable() and given.isascii():
        return given
    known: str = request.scope["state"].setdefault("tracking_id", f"OFFHOOK_{uuid4()}")
    return known


def on_api_error(request: AnyRequest, error: ApiError) -> Response[Any]:
    """An error that a handler raised on purpose."""
    tracking = tracking_id(request)
    body = error.body or ErrorBody.of(error.message, tracking)
    return _answer(error.status, body, {**error.headers, "trackingid": tracking})


def on_malformed(request: AnyRequest, error: MalformedBodyError) -> Response[Any]:
    """A body that cannot be read."""
    return on_api_error(request, ApiError(400, str(error)))


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
        message = error.detail if status < 500 else "The service could not do this; try again."
    if status >= 500:
        logger.error("%s failed", request.method, exc_info=error)
    return on_api_error(request, ApiError(status, message))


def on_unexpected(request: AnyRequest, error: Exception) -> Response[Any]:
    """A fault of ours: logged with the tracking id that the client is told."""
    logger.error("unexpected error, trackingId %s", tracking_id(request), exc_info=error)
    return on_api_error(
        request, ApiError(500, "The service could not do this; quote the tracking id.")
    )


def _answer(status: int, body: msgspec.Struct, headers: dict[str, str]) -> Response[Any]:
    return Response(
        msgspec.json.encode(body), status_code=status, media_type=MediaType.JSON, headers=headers
    )
