"""Carries out what `LineRegistration` decides, over HTTP."""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from typing import assert_never

from offhook.engine.client import LineRegistration
from offhook.engine.client import registration_io as io
from offhook.errors import NotAuthorizedError, ServiceError, WebexError
from offhook.sdk.driver import Driver
from offhook.sdk.mobius import LineAddress, MobiusClient
from offhook.sdk.supervisor import Supervisor
from offhook.wire.body import MalformedBodyError, read_body
from offhook.wire.mobius import MobiusError, MobiusErrorCode, Registration


class LineKeeper:
    """Keeps one line registered. `identity` gives the user id and the WDM device's address."""

    def __init__(
        self,
        mobius: MobiusClient,
        identity: Callable[[], tuple[str, str]],
        on_report: Callable[[io.Report], None],
        supervisor: Supervisor,
    ) -> None:
        self._mobius = mobius
        self._identity = identity
        self._on_report = on_report
        self._supervisor = supervisor
        self._machine = LineRegistration(uniform=random.uniform)
        self._driver: Driver[io.Input, io.Effect] = Driver(
            self._machine, self._carry_out, io.Tick()
        )
        self._registrations: dict[str, Registration] = {}
        self._servers: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
        self._deleting: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> LineAddress | None:
        """Where the registered line's calls live, None if it is not registered."""
        line = self._machine.line
        if line is None:
            return None
        return LineAddress(line.base, line.uri.rpartition("/")[2])

    @property
    def servers(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The primary and the backup servers."""
        return self._servers

    @property
    def call_keepalive(self) -> float:
        """Seconds between two signs of life of a call, as the service wishes."""
        line = self._machine.line
        known = self._registrations.get(line.uri) if line is not None else None
        return float(known.callKeepaliveInterval) if known is not None else 600.0

    def feed(self, event: io.Input) -> None:
        """Give the machine an input."""
        if isinstance(event, io.Start):
            self._servers = event.primary, event.backup
        self._driver.feed(event)

    async def stop(self) -> None:
        """Unregister, and wait until the service has answered or cannot be reached."""
        self._driver.feed(io.Stop())
        self._driver.close()
        if self._deleting:
            await asyncio.wait(self._deleting)

    def _carry_out(self, effect: io.Effect) -> None:
        match effect:
            case io.PostDevice(base=base):
                self._supervisor.spawn(self._register(base), "offhook-register")
            case io.DeleteDevice(uri=uri):
                task = self._supervisor.spawn(self._delete(uri), "offhook-unregister")
                self._deleting.add(task)
                task.add_done_callback(self._deleting.discard)
            case io.PostStatus(uri=uri):
                self._supervisor.spawn(self._keep_alive(uri), "offhook-keep-alive")
            case io.GetPing(base=base):
                self._supervisor.spawn(self._ping(base), "offhook-ping")
            case io.Report():
                self._on_report(effect)
            case _:
                assert_never(effect)

    async def _register(self, base: str) -> None:
        user_id, device_url = self._identity()
        try:
            answer = await self._mobius.register(base, user_id, device_url)
        except WebexError as error:
            self._driver.feed(_refused(error))
            return
        self._registrations = {answer.device.uri: answer}
        line = io.Line(
            base,
            answer.device.uri,
            max(float(answer.keepaliveInterval), 1.0),
            float(answer.rehomingIntervalMin),
            float(answer.rehomingIntervalMax),
        )
        self._driver.feed(io.Registered(line))

    async def _delete(self, uri: str) -> None:
        with suppress(WebexError):  # a line that cannot be removed runs out by itself
            await self._mobius.unregister(uri)
        self._driver.feed(io.Deleted())

    async def _keep_alive(self, uri: str) -> None:
        try:
            await self._mobius.keep_alive(uri)
        except WebexError as error:
            self._driver.feed(io.KeptAlive(_refused(error)))
        else:
            self._driver.feed(io.KeptAlive())

    async def _ping(self, base: str) -> None:
        try:
            await self._mobius.ping(base)
        except WebexError:
            self._driver.feed(io.Pinged(answered=False))
        else:
            self._driver.feed(io.Pinged(answered=True))


def _refused(error: WebexError) -> io.Refused:
    if isinstance(error, NotAuthorizedError):
        return io.Refused(401)
    if not isinstance(error, ServiceError):
        return io.Refused()
    rival = ""
    if error.error_code == MobiusErrorCode.DEVICE_LIMIT:
        try:
            devices = read_body(error.body, MobiusError).devices
        except MalformedBodyError:
            devices = None
        rival = devices[0].uri if devices else ""
    return io.Refused(error.status, error.error_code, error.retry_after, rival)
