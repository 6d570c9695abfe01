"""Reading JSON bodies and frames that come from outside."""

from typing import TypeVar

import msgspec

T = TypeVar("T")


class MalformedBodyError(ValueError):
    """The body is not JSON, or not of the shape that is expected. The message says where."""


def read_body(body: bytes | str | msgspec.Raw, kind: type[T]) -> T:
    """`body` as a `kind`. Raises `MalformedBodyError`, whatever is wrong with it.

    That covers text that is not UTF-8 and brackets nested without end, for which the decoder has
    errors of its own.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedBodyError(f"The body cannot be read: {error}") from error
    except RecursionError as error:
        raise MalformedBodyError("The body is nested too deeply.") from error
