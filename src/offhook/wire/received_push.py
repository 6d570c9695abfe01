"""Reads the payload that wakes a phone, in every wrapping in which a phone may get it.

Our own payload is `NewCall`. That of Webex is not published: known is that it announces a
``NewCall`` and holds version, push id, name, number and tracking id, so those are looked for by
each name that such members have anywhere in calling. Wrappings: the payload itself, as JSON or as
the dictionary that an iPhone hands over; the data map of FCM with the payload as one string, the
same inside the JSON of Cisco's sample app, and the map with each member as a string.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from offhook.wire.voip_push import FCM_KEY, NEW_CALL, PINPOINT_KEY

#: Characters of a message that are looked at; what APNs and FCM let through is far less.
LARGEST_MESSAGE = 65_536
#: Wrappings inside each other: data map, JSON of the sample app, string, payload, and one to spare.
_DEEPEST = 5
_LONGEST_TEXT = 512
#: A number above this is milliseconds; in seconds it would be in the year 5138.
_SECONDS_END = 100_000_000_000

_WRAPPINGS = ("data", "payload", "fcmpayload", "apnspayload")
_NAMES = {
    "type": ("type", "eventtype", "pushtype", "notificationtype", "event"),
    "version": ("version", "payloadversion"),
    "push_id": ("pushid", "notificationid"),
    "call_id": ("callid",),
    "tracking_id": ("externaltrackingid", "exttrackingid", "trackingid"),
    "name": ("displayname", "callername", "name", "remotename", "callingname"),
    "number": ("displaynumber", "callernumber", "number", "remotenumber", "callingnumber"),
    "ring_until": ("ringuntil", "ringexpiretime"),
    "group_name": ("groupname",),
    "group_number": ("groupnumber",),
}


class EmptyPushError(Exception):
    """There is nothing in the message."""


class NotACallPushError(Exception):
    """The message is something else than an incoming call of Webex Calling."""


@dataclass(frozen=True, slots=True)
class ReceivedPush:
    """What a push says. Each text is empty where it says nothing; `ring_until` in Unix seconds."""

    version: str = ""
    push_id: str = ""
    name: str = ""
    number: str = ""
    tracking_id: str = ""
    call_id: str = ""
    ring_until: float | None = None
    group_name: str = ""
    group_number: str = ""


def read_push(message: str | bytes | Mapping[str, Any]) -> ReceivedPush:
    """Read a push message. Raises `EmptyPushError` or `NotACallPushError`, and nothing else."""
    if not message or (isinstance(message, str | bytes) and not message.strip()):
        raise EmptyPushError
    found = _payload(message, _DEEPEST)
    if found is None:
        raise NotACallPushError
    return found


def _payload(message: object, depth: int) -> ReceivedPush | None:
    members = _members(message)
    if members is None or depth == 0:
        return None
    for key in (FCM_KEY, PINPOINT_KEY):
        if key in members:
            return _payload(members[key], depth - 1)
    plain = {_plain(name): value for name, value in members.items() if isinstance(name, str)}
    found = _read(plain)
    if found is not None:
        return found
    for wrapping in _WRAPPINGS:
        found = _payload(plain.get(wrapping), depth - 1)
        if found is not None:
            return found
    return None


def _members(message: object) -> Mapping[Any, Any] | None:
    if isinstance(message, str | bytes):
        if len(message) > LARGEST_MESSAGE:
            return None
        try:
            # What is wrapped as one string may have been made a JSON string once more.
            message = msgspec.json.decode(message)
            if isinstance(message, str):
                message = msgspec.json.decode(message)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return None
    return message if isinstance(message, Mapping) else None


def _read(members: dict[str, Any]) -> ReceivedPush | None:
    kind = _text(members, "type")
    push = ReceivedPush(
        version=_text(members, "version"),
        push_id=_text(members, "push_id"),
        name=_text(members, "name"),
        number=_text(members, "number"),
        tracking_id=_text(members, "tracking_id"),
        call_id=_text(members, "call_id"),
        ring_until=_time(members),
        group_name=_text(members, "group_name"),
        group_number=_text(members, "group_number"),
    )
    if kind:
        return push if kind.casefold() == NEW_CALL.casefold() else None
    # Without a type, it takes a push id and a call to tell it from any other message.
    return push if push.push_id and (push.tracking_id or push.call_id) else None


def _text(members: dict[str, Any], member: str) -> str:
    for name in _NAMES[member]:
        value = members.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()[:_LONGEST_TEXT]
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15:
            return f"{value}"
    return ""


def _time(members: dict[str, Any]) -> float | None:
    try:
        value = float(_text(members, "ring_until"))
    except ValueError:
        return None
    if not math.isfinite(value) or value <= 0:
        return None
    return value / 1000 if value >= _SECONDS_END else value


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())
