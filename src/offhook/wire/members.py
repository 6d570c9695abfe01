"""Which members of a wire struct are written."""

from typing import TypeVar

import msgspec

T = TypeVar("T")


def always_sent(default: T) -> T:
    """A member that may be missing when read, but is always written.

    For structs with `omit_defaults`, which leave out whatever equals its default: the other side
    may well need the member, though we know its usual value. `default` must be immutable.
    """
    return msgspec.field(default_factory=lambda: default)
