"""What comes from a form, and from whom."""

import base64
import binascii
from typing import Any
from urllib.parse import parse_qsl

from litestar import Request

from offhook.serving.errors import ApiError

#: No form here has more fields or bytes.
_MOST_FIELDS = 50
FORM_BYTES = 65_536

AnyRequest = Request[Any, Any, Any]


async def form_of(request: AnyRequest) -> dict[str, str]:
    """The fields of an ``application/x-www-form-urlencoded`` body. Raises ApiError 400."""
    body = await request.body()
    try:
        fields = parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, max_num_fields=_MOST_FIELDS
        )
    except ValueError as error:
        raise ApiError(400, "The form cannot be read.") from error
    if any("\0" in value for _, value in fields):
        raise ApiError(400, "The form holds a character that cannot be.")
    return dict(fields)


def query_of(request: AnyRequest) -> dict[str, str]:
    """The parameters behind the question mark; the last one where one comes twice."""
    return {name: str(value) for name, value in request.query_params.items()}


def address_of(request: AnyRequest) -> str:
    """Where the request comes from."""
    return request.client.host if request.client else "unknown"


def client_of(request: AnyRequest, form: dict[str, str]) -> tuple[str, str | None]:
    """Client id and secret, from HTTP Basic or from the form. Raises ApiError 400."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.casefold() == "basic":
        try:
            client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise ApiError(400, "The Authorization header cannot be read.") from error
        return client_id, secret
    return form.get("client_id", ""), form.get("client_secret")
