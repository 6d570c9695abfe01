"""The nouns of dispatching pushes: a device, a push for it, and what came of it."""

from dataclasses import dataclass
from enum import StrEnum


class Provider(StrEnum):
    """Whose service reaches the device."""

    APNS = "apns"
    FCM = "fcm"


class Environment(StrEnum):
    """Apple's: apps from Xcode are in the sandbox. FCM knows only production."""

    SANDBOX = "sandbox"
    PRODUCTION = "production"


@dataclass(frozen=True, slots=True)
class Device:
    """One installation of an app that belongs to a person.

    `app` is the bundle id (APNs) or the Android application's id; `registered` is when its token
    was given last, in Unix seconds.
    """

    device_id: str
    person_id: str
    provider: Provider
    app: str
    environment: Environment
    token: str
    registered: float


@dataclass(frozen=True, slots=True)
class Push:
    """A payload for a device, to be there before `until` (Unix seconds) or not at all.

    `push_id` is a uuid and stays the same in all attempts. `received` is when its webhook came in.
    """

    push_id: str
    device: Device
    payload: bytes
    until: float
    received: float
    tracking_id: str = ""


class OutcomeKind(StrEnum):
    """What came of a push. All but SENT mean that the device was not reached by it."""

    SENT = "sent"  # the provider took it
    TOKEN_DEAD = "token_dead"  # noqa: S105 - drop the token, unless it was registered after `since`
    REFUSED = "refused"  # this device now, or this payload: nothing to be done
    MISCONFIGURED = "misconfigured"  # key, topic, project or environment: an operator has to act
    EXPIRED = "expired"  # the ring window ended before the provider took it
    SHED = "shed"  # there was more to do than could be done in time


@dataclass(frozen=True, slots=True)
class Outcome:
    """The one answer that every push gets. `status` and `reason` are the provider's last words.

    `seconds` from `received` until it was written the last time (SENT), or given up.
    """

    push: Push
    kind: OutcomeKind
    attempts: int
    seconds: float
    status: int = 0
    reason: str = ""
    since: float | None = None
