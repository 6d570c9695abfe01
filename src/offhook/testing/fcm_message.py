"""What Google lets through of a message to a phone, and with which words it refuses the rest."""

import json
import re
from dataclasses import dataclass
from typing import Any

_MEMBERS = frozenset(
    [
        "android",
        "apns",
        "condition",
        "data",
        "fcm_options",
        "fcmOptions",
        "name",
        "notification",
        "token",
        "topic",
        "webpush",
    ]
)
_TARGETS = ("token", "topic", "condition")
_TOKEN = re.compile(r"[A-Za-z0-9_:\-]{16,4096}")
_TTL = re.compile(r"\d{1,10}(\.\d{1,9})?s")
#: Bytes of all keys and values of `data` together.
LARGEST_DATA = 4096
#: Seconds: four weeks.
LONGEST_TTL = 2_419_200
_RESERVED = frozenset({"from", "message_type"})
_RESERVED_STARTS = ("google.", "gcm.")


class InvalidMessageError(Exception):
    """Google would not take the message; `field` says which part of it, where it is one."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Message:
    """A message in order. `token` is empty where the target is a topic or a condition."""

    token: str
    data: dict[str, str]
    android: dict[str, Any]
    validate_only: bool


def check_message(body: bytes) -> Message:
    """Read the body of ``messages:send``. Raises InvalidMessageError."""
    try:
        request = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidMessageError("Invalid JSON payload received. Unexpected token.") from error
    message = request.get("message") if isinstance(request, dict) else None
    if not isinstance(message, dict):
        raise InvalidMessageError("The message is not set.", "message")
    for name in message:
        if name not in _MEMBERS:
            raise InvalidMessageError(
                f"Invalid JSON payload received. Unknown name \"{name}\" at 'message': "
                "Cannot find field.",
                "message",
            )
    targets = [name for name in _TARGETS if message.get(name)]
    if len(targets) != 1:
        raise InvalidMessageError(
            "Exactly one of token, topic or condition is required."
            if targets
            else "Recipient of the message is not set.",
            "message",
        )
    token = message.get("token") or ""
    if token and (not isinstance(token, str) or not _TOKEN.fullmatch(token)):
        raise InvalidMessageError(
            "The registration token is not a valid FCM registration token", "message.token"
        )
    return Message(
        token,
        _checked_data(message.get("data", {})),
        _checked_android(message.get("android", {})),
        request.get("validate_only", request.get("validateOnly")) is True,
    )


def _checked_data(data: object) -> dict[str, str]:
    if not isinstance(data, dict):
        raise InvalidMessageError("Invalid value at 'message.data' (Map)", "message.data")
    for place, (key, value) in enumerate(data.items()):
        if not isinstance(value, str):
            where = f"message.data[{place}].value"
            raise InvalidMessageError(
                f"Invalid value at '{where}' (TYPE_STRING), {json.dumps(value)}", where
            )
        if key in _RESERVED or key.startswith(_RESERVED_STARTS):
            raise InvalidMessageError(f"Invalid data payload key: {key}", f"message.data[{place}]")
    if sum(len(key.encode()) + len(value.encode()) for key, value in data.items()) > LARGEST_DATA:
        raise InvalidMessageError("Android message is too big", "message.data")
    return data


def _checked_android(android: object) -> dict[str, Any]:
    if not isinstance(android, dict):
        raise InvalidMessageError("Invalid value at 'message.android'", "message.android")
    priority = android.get("priority", "normal")
    if not isinstance(priority, str) or priority.lower() not in ("normal", "high"):
        where = "message.android.priority"
        raise InvalidMessageError(f"Invalid value at '{where}' (TYPE_ENUM)", where)
    ttl = android.get("ttl", "0s")
    if (
        not isinstance(ttl, str)
        or not _TTL.fullmatch(ttl)
        or float(ttl.removesuffix("s")) > LONGEST_TTL
    ):
        where = "message.android.ttl"
        raise InvalidMessageError(f"Invalid value at '{where}' (Duration)", where)
    if "data" in android:
        _checked_data(android["data"])
    return android
