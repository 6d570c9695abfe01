"""Password hashes by argon2, worked out off the event loop."""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_HASHER = PasswordHasher(time_cost=3, memory_cost=65536, parallelism=4)
#: Compared with where there is no such person, so that both answers take equally long. Its cost is
#: the hasher's.
_NOBODY = (
    "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$"
    "q9ZqUDfBRbkoOUhVQ9ZBRE3wuCAlsIRtkZz8hIKlBzI"
)


async def hash_password(password: str) -> str:
    """An argon2id hash with a salt of its own."""
    return await asyncio.to_thread(_HASHER.hash, password)


async def verify_password(known: str | None, password: str) -> bool:
    """Whether `password` is the one behind the hash `known`; takes as long where there is none."""
    return await asyncio.to_thread(_verify, known, password)


def _verify(known: str | None, password: str) -> bool:
    try:
        _HASHER.verify(known or _NOBODY, password)
    except (VerificationError, InvalidHashError):
        return False
    return known is not None
