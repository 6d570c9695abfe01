"""WDM: the registration of one running client.

Its `url` identifies the client everywhere; its socket is Mercury.
"""

from typing import Annotated

import msgspec

#: What a client says about itself: nobody needs more of it.
Words = Annotated[str, msgspec.Meta(max_length=256)]


class DeviceRequest(msgspec.Struct, omit_defaults=True):
    """POST ``{wdm}/devices`` and PUT ``<device.url>``. `ttl` in seconds."""

    name: Words
    deviceType: Words
    model: Words
    localizedModel: Words
    systemName: Words
    systemVersion: Words
    ttl: Annotated[int, msgspec.Meta(ge=0)] | None = None


class Feature(msgspec.Struct):
    """One feature toggle."""

    key: str
    val: str = "true"
    mutable: bool = False


class Features(msgspec.Struct):
    """`entitlement` holds ``bc-sp-standard`` for a person with Webex Calling."""

    developer: list[Feature] = []
    entitlement: list[Feature] = []
    user: list[Feature] = []


class Device(msgspec.Struct, omit_defaults=True):
    """A registered client."""

    url: str
    webSocketUrl: str
    userId: str = ""
    orgId: str = ""
    deviceType: str = ""
    name: str = ""
    model: str = ""
    localizedModel: str = ""
    systemName: str = ""
    systemVersion: str = ""
    callingBehavior: str = ""
    modificationTime: str = ""
    features: Features | None = None
    ttl: int | None = None


class DeviceList(msgspec.Struct):
    """GET ``{wdm}/devices``."""

    devices: list[Device] = []


NATIVE_CALLING = "NATIVE_WEBEX_TEAMS_CALLING"
UCM_CALLING = "NATIVE_SIP_CALL_TO_UCM"
CALLING_ENTITLEMENTS = ("bc-sp-standard", "bc-sp-basic")
BROADWORKS_ENTITLEMENT = "broadworks-connector"
EXCESSIVE_DEVICES = "User has excessive device registrations"
