"""What an answer of Apple or Google means: one table a provider.

Sources: Apple, "Handling notification responses from APNs"; Google, "FCM error codes".
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reply:
    """A provider's answer. `reason` is Apple's reason or Google's error code.

    `since` (Unix seconds): the token has been dead for so long. `about_token`: the error is about
    the token and not about the rest of the message.
    """

    status: int
    reason: str = ""
    retry_after: float | None = None
    since: float | None = None
    about_token: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """The provider has the push."""


@dataclass(frozen=True, slots=True)
class DropToken:
    """The token is dead, since `since` where the provider says so."""

    since: float | None = None


@dataclass(frozen=True, slots=True)
class Again:
    """Try again, not before `after` seconds; on another connection if this one is `bad`."""

    after: float | None = None
    bad: bool = False


@dataclass(frozen=True, slots=True)
class Renew:
    """Our credentials are not accepted any more: renew them and try again, once."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Nothing helps: this payload, or this device now."""


@dataclass(frozen=True, slots=True)
class Misconfigured:
    """An operator has to act. `whole_app`: no push of this app would fare better."""

    whole_app: bool = True


Verdict = Taken | DropToken | Again | Renew | Refuse | Misconfigured

_APNS_DEAD = {"Unregistered", "ExpiredToken"}
_APNS_NOT_OURS = {"BadDeviceToken", "DeviceTokenNotForTopic", "MissingDeviceToken"}
_APNS_CONFIGURATION = {
    "BadCertificate",
    "BadCertificateEnvironment",
    "BadEnvironmentKeyIdInToken",
    "BadTopic",
    "Forbidden",
    "InvalidPushType",
    "MissingProviderToken",
    "MissingTopic",
    "TopicDisallowed",
    "UnrelatedKeyIdInToken",
}
_APNS_CREDENTIALS = {"ExpiredProviderToken", "InvalidProviderToken"}


def apns_verdict(reply: Reply) -> Verdict:
    """What Apple's answer means."""
    if reply.status == 200:
        return Taken()
    if reply.status == 410 or reply.reason in _APNS_DEAD:
        return DropToken(reply.since)
    if reply.reason in _APNS_CREDENTIALS:
        return Renew()
    if reply.reason in _APNS_CONFIGURATION or reply.status == 403:
        return Misconfigured()
    if reply.reason in _APNS_NOT_OURS:
        # Of another app or environment. Only this device is concerned.
        return DropToken()
    if reply.reason == "TooManyProviderTokenUpdates":
        return Again(reply.retry_after)
    if reply.status >= 500:
        return Again(reply.retry_after, bad=True)
    return Refuse()


def fcm_verdict(reply: Reply) -> Verdict:
    """What Google's answer means."""
    match reply.status, reply.reason:
        case 200, _:
            return Taken()
        case _, "UNREGISTERED":
            return DropToken()
        case _, "SENDER_ID_MISMATCH":
            # The token belongs to another project: our mistake, but only this device's.
            return Misconfigured(whole_app=False)
        case 401, _:
            return Renew()
        case 403 | 404, _:
            return Misconfigured()
        case 429, _:
            return Again(reply.retry_after)
        case 400, _ if reply.about_token:
            return DropToken()
        case status, _ if status >= 500:
            return Again(reply.retry_after, bad=True)
        case _:
            return Refuse()
