"""Sends pushes: one channel for each app and environment, made when it is needed."""

import asyncio
import logging
import time
from collections.abc import Callable

from offhook.engine.dispatch.model import (
    Device,
    Environment,
    Outcome,
    OutcomeKind,
    Provider,
    Push,
)
from offhook.push.providers.apns import Apns
from offhook.push.providers.channel import Channel, ProviderError
from offhook.push.providers.fcm import Fcm
from offhook.push.providers.settings import ProviderSettings

logger = logging.getLogger(__name__)

_Key = tuple[Provider, str, Environment]


class Dispatcher:
    """See the module. `tell` gets exactly one outcome for each push.

    `start` raises ProviderError if a key or certificate cannot be used. `clock` gives Unix seconds.
    """

    def __init__(
        self,
        settings: ProviderSettings,
        tell: Callable[[Outcome], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._tell = tell
        self._clock = clock
        self._channels: dict[_Key, Channel] = {}

    async def start(self) -> None:
        """Read the keys, and connect to every provider: the first call must not wait for that."""
        try:
            for key, channel in await asyncio.to_thread(self._made):
                self._channels[key] = channel
        except ProviderError:
            self._channels.clear()
            raise
        for channel in self._channels.values():
            await channel.start()

    async def stop(self) -> None:
        """Send no more; pushes without an outcome are shed. Bounded by about 2 s."""
        await asyncio.gather(*(channel.stop() for channel in self._channels.values()))

    def send(self, push: Push) -> None:
        """Begin with a push: never blocks, never raises."""
        channel = self._channels.get(_key(push.device))
        if channel is not None:
            channel.send(push)
            return
        seconds = max(self._clock() - push.received, 0.0)
        reason = "the app is not configured"
        self._tell(Outcome(push, OutcomeKind.MISCONFIGURED, 0, seconds, reason=reason))

    @property
    def connects(self) -> int:
        """How many connections were made, for metrics and tests."""
        return sum(channel.connects for channel in self._channels.values())

    def _made(self) -> list[tuple[_Key, Channel]]:
        made = []
        for apns in self._settings.apns:
            for environment in Environment:
                api = Apns(apns, environment, self._clock)
                key = Provider.APNS, apns.app, environment
                made.append((key, Channel(api, self._tell, self._clock)))
        for fcm in self._settings.fcm:
            google = Fcm(fcm, self._clock)
            key = Provider.FCM, fcm.app, Environment.PRODUCTION
            made.append((key, Channel(google, self._tell, self._clock)))
        return made


def _key(device: Device) -> _Key:
    # Google knows no sandbox.
    is_fcm = device.provider is Provider.FCM
    environment = Environment.PRODUCTION if is_fcm else device.environment
    return device.provider, device.app, environment
