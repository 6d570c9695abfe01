"""The apps whose phones are reached, and the keys for them. Part of the backend's configuration."""

from typing import Literal

import msgspec

#: How a payload is placed in the data map of an FCM message.
FcmShape = Literal["webhookTelephonyPush", "pinpoint", "flat"]


class ApnsApp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An app on Apple's phones, with a signing key or a certificate.

    `host`, `port` and `ca` are for test servers; without, the environment's host at Apple.
    """

    app: str
    team_id: str = ""
    key_id: str = ""
    key_file: str = ""
    certificate: str = ""
    key: str = ""
    topic: str = ""
    host: str = ""
    port: int = 443
    ca: str = ""


class FcmApp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An app on Android phones. `credentials` is the service account's JSON file."""

    app: str
    project: str
    credentials: str
    shape: FcmShape = "webhookTelephonyPush"
    host: str = ""
    port: int = 443
    ca: str = ""


class ProviderSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[[providers.apns]]`` and ``[[providers.fcm]]``."""

    apns: list[ApnsApp] = []
    fcm: list[FcmApp] = []
