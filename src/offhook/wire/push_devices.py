"""What apps tell a push backend about their phones: Offhook's way, and Cisco's sample server's."""

from typing import Annotated, Literal

import msgspec

ProviderName = Literal["apns", "fcm"]
EnvironmentName = Literal["sandbox", "production"]


class DeviceBody(msgspec.Struct):
    """PUT ``/v1/devices/{installationId}``.

    `app` is the bundle id or the Android application's id; `environment` is for APNs only.
    """

    provider: ProviderName
    token: str
    app: str
    environment: EnvironmentName = "production"


class DeviceView(msgspec.Struct):
    """A device as its owner sees it, its token never. `registered` is ISO 8601."""

    installationId: str
    provider: ProviderName
    app: str
    environment: EnvironmentName
    registered: str


class DeviceViews(msgspec.Struct):
    """GET ``/v1/devices``."""

    items: list[DeviceView]


class SampleRegistration(msgspec.Struct):
    """POST ``/deviceRegistration`` of the vendor's sample apps.

    `userId` is the person's REST id. On iOS `voipToken` is the one that rings, `deviceToken` is for
    messages; on Android `deviceToken` is FCM's. `prod` tells APNs's environments apart.
    """

    userId: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    deviceToken: Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]
    pushProvider: Literal["APNS", "FCM"]
    voipToken: str | None = None
    prod: bool | None = None


class SampleAnswer(msgspec.Struct):
    """What the sample server's routes answer."""

    message: str
