"""Who there is, and where a number leads."""

from offhook.service.directory.directory import Directory
from offhook.service.directory.entries import (
    CallSettings,
    Forwarding,
    ForwardingRule,
    HuntGroup,
    NumberTakenError,
    PersonEntry,
    UnknownGroupError,
    UnknownPersonError,
)

__all__ = [
    "CallSettings",
    "Directory",
    "Forwarding",
    "ForwardingRule",
    "HuntGroup",
    "NumberTakenError",
    "PersonEntry",
    "UnknownGroupError",
    "UnknownPersonError",
]
