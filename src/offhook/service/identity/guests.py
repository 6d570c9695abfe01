"""Guests: people without an account, whom an app vouches for with a signed JWT."""

import base64
import binascii
from uuid import NAMESPACE_URL, uuid5

import jwt
from sqlalchemy import delete, insert, select

from offhook.service.directory import Directory, PersonEntry
from offhook.service.store.schema import guest_issuers
from offhook.store import Database

_LONGEST_NAME = 100
#: HMAC with SHA-256 wants a key at least as long as its digest (RFC 7518, 3.2).
_KEY_BYTES = 32


class InvalidGuestError(Exception):
    """The guest's JWT is not one of a known issuer, or it is not valid any more."""


class Guests:
    """Guest issuers and their guests."""

    def __init__(self, database: Database, directory: Directory) -> None:
        self._database = database
        self._directory = directory

    async def add_issuer(self, issuer_id: str, org_id: str, secret: str) -> None:
        """Let whoever knows `secret` (base64 of at least 32 bytes) sign in guests of `org_id`.

        One that is there already is replaced. Raises ValueError. The secret is kept as it is, since
        signatures are checked with it.
        """
        try:
            key = base64.b64decode(secret, validate=True)
        except binascii.Error as error:
            raise ValueError("The secret of a guest issuer is written in base64.") from error
        if len(key) < _KEY_BYTES:
            raise ValueError(f"The secret of a guest issuer has at least {_KEY_BYTES} bytes.")
        await self._database.write(
            delete(guest_issuers).where(guest_issuers.c.id == issuer_id),
            insert(guest_issuers).values(id=issuer_id, org_id=org_id, secret=secret),
        )

    async def sign_in(self, token: str) -> PersonEntry:
        """The guest of a JWT (HS256; claims sub, name, iss, exp), known by its name from now on.

        Raises InvalidGuestError.
        """
        try:
            claimed = jwt.decode(token, options={"verify_signature": False})
            issuer_id = str(claimed.get("iss", ""))
        except (jwt.InvalidTokenError, RecursionError) as error:
            raise InvalidGuestError("The guest token is not a JWT.") from error
        found = await self._database.read(
            select(guest_issuers).where(guest_issuers.c.id == issuer_id)
        )
        if not found:
            raise InvalidGuestError("The guest token is of an unknown issuer.")
        issuer = found[0]
        try:
            claims = jwt.decode(
                token,
                base64.b64decode(issuer["secret"]),
                algorithms=["HS256"],
                options={"require": ["exp", "sub", "iss"]},
            )
        except jwt.ExpiredSignatureError as error:
            raise InvalidGuestError("The guest token has expired.") from error
        except jwt.InvalidTokenError as error:
            raise InvalidGuestError("The guest token is not valid.") from error
        name = " ".join(str(claims.get("name") or "Guest").split())[:_LONGEST_NAME]
        guest_id = str(uuid5(NAMESPACE_URL, f"guest:{issuer_id}:{claims['sub']}"))
        return await self._directory.guest(guest_id, issuer["org_id"], name)
