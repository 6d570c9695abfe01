"""Resource ids as Webex's REST API writes them.

An id is the base64 of ``ciscospark://us/<KIND>/<uuid>``, without padding; the
wire's inner protocols (WDM, Mobius) use the bare uuid. `encoded_id` of a person
and `actorId` of a webhook are the long form.

Source: the calling guide, "How incoming calls are delivered"; developer.webex.com, "API ids".
"""

import base64
import binascii
from enum import StrEnum
from uuid import UUID

import msgspec


class ResourceKind(StrEnum):
    """The kinds of resource that have an id in the REST API."""

    PEOPLE = "PEOPLE"
    ORGANIZATION = "ORGANIZATION"
    APPLICATION = "APPLICATION"
    WEBHOOK = "WEBHOOK"
    CALL = "CALL"
    CALL_SESSION = "CALL_SESSION"
    LOCATION = "LOCATION"
    HUNT_GROUP = "HUNT_GROUP"
    DEVICE = "DEVICE"


class ResourceId(msgspec.Struct, frozen=True):
    """A decoded id: what it names and which one."""

    kind: ResourceKind
    uuid: str


class InvalidIdError(ValueError):
    """The text is not an id of the REST API."""


def encode_id(kind: ResourceKind, uuid: str) -> str:
    """The REST id of `uuid`: unpadded base64 of ``ciscospark://us/<kind>/<uuid>``."""
    return base64.b64encode(f"ciscospark://us/{kind}/{uuid}".encode()).decode().rstrip("=")


def decode_id(text: str) -> ResourceId:
    """Read a REST id, padded or not. Raises `InvalidIdError`."""
    try:
        raw = text.strip().rstrip("=")
        plain = base64.b64decode(raw + "=" * (-len(raw) % 4), validate=True).decode()
        scheme, _, rest = plain.partition("://")
        _cluster, kind, uuid = rest.split("/")
        if scheme != "ciscospark":
            raise InvalidIdError("not a resource id: the scheme is not ciscospark")
        return ResourceId(ResourceKind(kind), uuid)
    except (ValueError, binascii.Error) as error:
        raise InvalidIdError(f"not a resource id: {text[:80]!r}") from error


def bare_uuid(text: str) -> str:
    """The uuid that `text` names, whether it is written bare or as a REST id.

    Raises `InvalidIdError`.
    """
    try:
        return str(UUID(text))
    except ValueError:
        return decode_id(text).uuid
