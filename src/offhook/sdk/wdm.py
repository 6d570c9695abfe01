"""The registration of this running client with WDM (wire document, 2.1)."""

import platform
from contextlib import suppress

from offhook.errors import ServiceError, WebexError
from offhook.sdk.enums import CallingType
from offhook.sdk.http import Http
from offhook.wire.wdm import (
    BROADWORKS_ENTITLEMENT,
    CALLING_ENTITLEMENTS,
    EXCESSIVE_DEVICES,
    UCM_CALLING,
    Device,
    DeviceList,
    DeviceRequest,
)

#: Seconds that a registration lasts without a refresh, and between two refreshes.
TIME_TO_LIVE = 1800
REFRESH_INTERVAL = 960.0


class WdmClient:
    """Keeps the device of this client. `base` is the catalog's link."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self._etag = ""
        self.base = ""
        self.device: Device | None = None

    async def register(self) -> Device:
        """Register. Makes room first if the person has too many devices."""
        url = f"{self.base}/devices?includeUpstreamServices=all"
        try:
            answer = await self._http.request("POST", url, body=self._request())
        except ServiceError as error:
            if EXCESSIVE_DEVICES not in error.message:
                raise
            await self._make_room()
            answer = await self._http.request("POST", url, body=self._request())
        return self._take(answer.read(Device), answer.headers)

    async def refresh(self) -> bool:
        """Say that the client is still there. False if the service has forgotten it."""
        if self.device is None:
            return False
        headers = {"if-none-match": self._etag} if self._etag else {}
        try:
            answer = await self._http.request(
                "PUT", self.device.url, body=self._request(), headers=headers
            )
        except ServiceError as error:
            if error.status == 304:
                return True
            if error.status == 404:
                return False
            raise
        self._take(answer.read(Device), answer.headers)
        return True

    async def unregister(self) -> None:
        """Forget the device, at the service too if it can be reached."""
        device, self.device = self.device, None
        if device is not None:
            with suppress(WebexError):
                await self._http.request("DELETE", device.url, patience=0)
        self._http.device_url = ""

    def _take(self, device: Device, headers: dict[str, str]) -> Device:
        self._etag = headers.get("etag", "")
        self.device = device
        self._http.device_url = device.url
        return device

    async def _make_room(self) -> None:
        answer = await self._http.request("GET", f"{self.base}/devices")
        devices = sorted(answer.read(DeviceList).devices, key=lambda each: each.modificationTime)
        for device in devices[: max(len(devices) // 3, 1)]:
            with suppress(WebexError):
                await self._http.request("DELETE", device.url, patience=0)

    def _request(self) -> DeviceRequest:
        return DeviceRequest(
            name="offhook",
            deviceType="WEB",
            model="offhook-python",
            localizedModel="offhook-python",
            systemName=platform.system() or "python",
            systemVersion=platform.release() or "0",
            ttl=TIME_TO_LIVE,
        )


def calling_type_of(device: Device) -> CallingType:
    """Which kind of calling the person has (wire document, 2.1)."""
    if device.callingBehavior == UCM_CALLING:
        return CallingType.CUCM
    entitlements = device.features.entitlement if device.features is not None else []
    keys = {each.key for each in entitlements}
    if keys & set(CALLING_ENTITLEMENTS):
        return CallingType.WEBEX_CALLING
    if BROADWORKS_ENTITLEMENT in keys:
        return CallingType.WEBEX_FOR_BROADWORKS
    return CallingType.NONE
