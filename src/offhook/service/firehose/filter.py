"""Filters of webhooks: ``key=value``, several with ``&`` between, all of which must hold."""

from urllib.parse import parse_qsl

import msgspec

from offhook.service.firehose.event import FirehoseEvent
from offhook.wire.ids import InvalidIdError, bare_uuid

#: What each resource can be filtered by.
KEYS: dict[str, frozenset[str]] = {
    "telephony_push": frozenset({"personId"}),
    "telephony_calls": frozenset({"personId", "personality", "state"}),
    "all": frozenset({"personId"}),
}


class InvalidFilterError(ValueError):
    """The filter cannot be used; the message says why."""


class _Data(msgspec.Struct):
    personality: str = ""
    state: str = ""


def check(text: str, resource: str) -> None:
    """Raises InvalidFilterError unless the filter is one for `resource`."""
    try:
        pairs = parse_qsl(text, strict_parsing=True, max_num_fields=8)
    except ValueError as error:
        raise InvalidFilterError("filter is not of the form key=value&key=value.") from error
    for key, value in pairs:
        if key not in KEYS[resource]:
            known = ", ".join(sorted(KEYS[resource]))
            raise InvalidFilterError(f"filter: {key} is not known; it may be {known}.")
        if key == "personId":
            try:
                bare_uuid(value)
            except InvalidIdError as error:
                raise InvalidFilterError("filter: personId is not the id of a person.") from error


def matches(text: str, event: FirehoseEvent) -> bool:
    """Whether all of the filter holds for the event."""
    data = msgspec.json.decode(event.data, type=_Data)
    for key, value in parse_qsl(text):
        match key:
            case "personId":
                if bare_uuid(value) != event.actor_id:
                    return False
            case "personality" | "state":
                if getattr(data, key) != value:
                    return False
            case _:
                return False
    return True
