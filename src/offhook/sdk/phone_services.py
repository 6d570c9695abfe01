"""Phone services: from a token to a registered line, and what keeps it so.

The order of requests is that of official clients (wire document, 0.1): catalog, WDM device, event
connection, discovery, line. Beside each other goes what does not wait for an answer: a phone that
was woken for a call is in a hurry.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, assert_never

import msgspec

from offhook.engine.client import mercury_io
from offhook.engine.client import registration_io as registration
from offhook.engine.client.sign_in import SignInAttempts
from offhook.errors import (
    NetworkError,
    NotAuthorizedError,
    PhoneServicesError,
    ServiceError,
    WebexError,
    WebSocketError,
)
from offhook.sdk.addresses import Addresses
from offhook.sdk.cloud import Cloud
from offhook.sdk.enums import (
    CallingType,
    PhoneServiceRegistrationFailureReason,
    UCLoginServerConnectionStatus,
)
from offhook.sdk.http import Credentials, Http
from offhook.sdk.line import LineKeeper
from offhook.sdk.mercury import MercuryConnection, MercuryEvents
from offhook.sdk.mobius import LineAddress, MobiusClient
from offhook.sdk.supervisor import Supervisor
from offhook.sdk.wdm import REFRESH_INTERVAL, WdmClient, calling_type_of
from offhook.wire.ringing_call import RingingCall

logger = logging.getLogger(__name__)

Status = UCLoginServerConnectionStatus
Reason = PhoneServiceRegistrationFailureReason

#: Seconds that the event connection may take before the app is told that it does not come about.
_EVENTS_PATIENCE = 10.0

_FAILURES = {
    registration.LineFailure.NONE: Reason.NONE,
    registration.LineFailure.UNREACHABLE: Reason.COULD_NOT_CONNECT,
    registration.LineFailure.BAD_REQUEST: Reason.INVALID_CONFIG,
    registration.LineFailure.UNAUTHORIZED: Reason.INVALID_CREDENTIALS,
    registration.LineFailure.FORBIDDEN: Reason.DEVICE_NOT_AUTHORISED,
    registration.LineFailure.NOT_FOUND: Reason.DEVICE_NOT_IN_SERVICE,
    registration.LineFailure.ALL_SERVERS_FAILED: Reason.REG_ALL_FAILED,
    registration.LineFailure.FAIL_OVER: Reason.FAILOVER,
    registration.LineFailure.FAIL_BACK: Reason.FALLBACK,
}


@dataclass(frozen=True, slots=True)
class PhoneServicesEvents:
    """Whom phone services tell. `on_trouble`: a try to sign in failed, and others may follow."""

    on_status: Callable[[Status, Reason], None]
    on_logged_in: Callable[[], None]
    on_trouble: Callable[[WebexError], None]
    on_refused: Callable[[WebexError], None]
    on_event: Callable[[msgspec.Raw, str], None]
    on_back: Callable[[], None]


class PhoneServices:
    """See the module. `connect` and `disconnect` begin; `status` and `on_status` tell the rest."""

    def __init__(
        self,
        http: Http,
        cloud: Cloud,
        credentials: Credentials,
        events: PhoneServicesEvents,
        supervisor: Supervisor,
        email: str | None,
    ) -> None:
        self._http = http
        self._credentials = credentials
        self._addresses = Addresses(http, cloud, credentials, email)
        self._events = events
        self._supervisor = supervisor
        self._mobius = MobiusClient(http)
        self._wdm = WdmClient(http)
        self._mercury: MercuryConnection | None = None
        self._line: LineKeeper | None = None
        self._online = asyncio.Event()
        self._hurried = asyncio.Event()
        self._work: set[asyncio.Task[None]] = set()
        self._connecting: asyncio.Task[None] | None = None
        self._refreshing: asyncio.Task[None] | None = None
        self._taking_down = asyncio.Lock()
        self._renewal_due = False
        self._calls_active = False
        self._changed = asyncio.Event()
        self.status = Status.IDLE
        self.reason = Reason.NONE
        self.error: WebexError | None = None
        self.logged_in = False
        self.calling_type = CallingType.NONE

    # --- what is known ---

    @property
    def established(self) -> bool:
        """Whether the sign-in to phone services has got as far as a line."""
        return self._line is not None

    @property
    def line(self) -> LineAddress | None:
        """The line on which calls are placed, None while there is none."""
        return self._line.address if self._line is not None else None

    @property
    def call_keepalive(self) -> float:
        """Seconds between two signs of life of a call."""
        return self._line.call_keepalive if self._line is not None else 600.0

    def rest_base(self) -> str:
        """Where the public REST API is. Raises `ServiceError` if the cloud has none."""
        return self._addresses.link("hydra")

    def trusts(self, host: str) -> bool:
        """Whether the token may be sent to `host`."""
        return self._addresses.trusts(host)

    @property
    def ready(self) -> bool:
        """Whether a call could come now."""
        return self.status is Status.CONNECTED

    async def ask_ringing(self, call_id: str) -> RingingCall:
        """How it stands with a call that a push announced. Waits until it is known whom to ask."""
        return await self._mobius.ringing(await self._addresses.mobius_base(), call_id)

    async def wait_until_connected(self) -> None:
        """Wait. Raises the error with which it failed, if it has."""
        while self.status is not Status.CONNECTED:
            if self.status is Status.FAILED:
                raise self.error or PhoneServicesError(
                    "Phone services could not be connected.", self.reason, retryable=True
                )
            if self.status in (Status.IDLE, Status.DISCONNECTED):
                raise PhoneServicesError(
                    "Phone services are not connected; call connect_phone_services().", self.reason
                )
            await self._changed.wait()

    # --- connecting ---

    def connect(self) -> None:
        """Sign in to phone services in the background, unless that is so already."""
        under_way = self._connecting is not None and not self._connecting.done()
        if under_way or self.status in (Status.CONNECTING, Status.CONNECTED):
            return
        self._begin()

    def hurry(self) -> None:
        """`connect`, without the rest of the pause that failures are followed by.

        What is connected is checked.
        """
        self._hurried.set()
        if self._mercury is not None:
            self._mercury.hurry()
        self.connect()

    def _begin(self) -> None:
        self._set(Status.CONNECTING, Reason.NONE)
        self._connecting = self._start(self._connect(), "offhook-sign-in")

    def _start(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task: asyncio.Task[None] = self._supervisor.spawn(work, name)
        self._work.add(task)
        task.add_done_callback(self._work.discard)
        return task

    async def _connect(self) -> None:
        await self._take_down()
        attempts = SignInAttempts()
        while True:
            self._hurried.clear()
            try:
                await self._sign_in()
                return
            except WebexError as error:
                self._events.on_trouble(error)
                verdict = attempts.failed(error)
                if verdict.tell:
                    self._fail(error)
                await self._take_down()
                if verdict.pause is None:
                    self._events.on_refused(error)
                    return
                with suppress(TimeoutError):
                    async with asyncio.timeout(verdict.pause):
                        await self._hurried.wait()

    async def _sign_in(self) -> None:
        await self._addresses.look_up()
        self._wdm.base = self._addresses.link("wdm")
        device = await self._wdm.register()
        self.calling_type = calling_type_of(device)
        self.logged_in = True
        self._events.on_logged_in()
        self._open_mercury()
        self._refreshing = self._start(self._refresh_device(), "offhook-wdm-refresh")
        # The line is registered while the event connection comes about; both are needed.
        primary, backup = await self._addresses.servers()
        if self._mercury is None:
            return  # it has given up meanwhile, and said why
        line = LineKeeper(self._mobius, self._identity, self._line_reported, self._supervisor)
        self._line = line
        line.feed(registration.CallsChanged(self._calls_active))
        line.feed(registration.Start(primary, backup))
        await self._until_online()

    def _identity(self) -> tuple[str, str]:
        device = self._wdm.device
        return (device.userId, device.url) if device is not None else ("", "")

    def _open_mercury(self) -> None:
        self._online.clear()
        self._mercury = MercuryConnection(
            self._http,
            lambda: self._wdm.device.webSocketUrl if self._wdm.device else "",
            MercuryEvents(
                on_event=self._events.on_event,
                on_online=self._went_online,
                on_offline=self._went_offline,
                on_gave_up=self._gave_up,
                token=self._credentials.token,
                renew_credentials=self._renew_credentials,
                renew_device=self._renew_device,
            ),
            self._supervisor,
        )
        self._mercury.start()

    async def _until_online(self) -> None:
        """Wait for the event connection, which tries by itself for as long as it takes."""
        while self._mercury is not None:
            try:
                async with asyncio.timeout(_EVENTS_PATIENCE):
                    await self._online.wait()
                    return
            except TimeoutError:
                self._fail(
                    NetworkError("The event connection does not come about; it is tried on.")
                )

    # --- what happens afterwards ---

    def _went_online(self, again: bool) -> None:
        self._online.set()
        if again and self._line is not None:
            self._line.feed(registration.EventsBack())
            self._events.on_back()
        elif self.line is not None:
            self._set(Status.CONNECTED, Reason.NONE)

    def _went_offline(self) -> None:
        self._online.clear()
        if self.status is Status.CONNECTED:
            self._set(Status.CONNECTING, Reason.NO_NETWORK)

    def _gave_up(self, why: mercury_io.GiveUpReason) -> None:
        match why:
            case mercury_io.GiveUpReason.UNAUTHORIZED | mercury_io.GiveUpReason.FORBIDDEN:
                error: WebexError = NotAuthorizedError(
                    "The cloud does not accept the sign-in for events; sign in again."
                )
            case mercury_io.GiveUpReason.REPLACED:
                error = WebSocketError("Another client of the same device took over.")
            case mercury_io.GiveUpReason.CLOSED:
                error = WebSocketError("The cloud has ended the event connection.")
            case _:
                assert_never(why)
        self._fail(error)
        self._start(self._take_down(), "offhook-take-down")

    async def _renew_credentials(self) -> bool:
        try:
            await self._credentials.renew(await self._credentials.token())
        except WebexError:
            return False
        return True

    async def _renew_device(self) -> bool:
        try:
            known = await self._wdm.refresh()
            if not known:
                await self._wdm.register()
                self._register_anew()
        except WebexError:
            return False
        return True

    def _register_anew(self) -> None:
        """The device is another one, and events of the old line do not reach it."""
        if self._line is not None:
            primary, backup = self._line.servers
            self._line.feed(registration.Stop())
            self._line.feed(registration.Start(primary, backup))

    async def _refresh_device(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_INTERVAL)
            try:
                if not await self._wdm.refresh():
                    # The service has forgotten the device, and will forget the line with it.
                    self._renewal_due = True
                    self._renew_when_idle()
            except WebexError as error:
                logger.warning("the device was not refreshed: %s", error)

    def calls_changed(self, *, active: bool) -> None:
        """Whether there are calls: some things wait until there are none."""
        self._calls_active = active
        if self._line is not None:
            self._line.feed(registration.CallsChanged(active))
        self._renew_when_idle()

    def _renew_when_idle(self) -> None:
        if self._renewal_due and not self._calls_active:
            self._renewal_due = False
            self._begin()

    def _line_reported(self, report: registration.Report) -> None:
        reason = _FAILURES[report.failure]
        match report.status:
            case registration.LineStatus.REGISTERED:
                if self._online.is_set():
                    self._set(Status.CONNECTED, Reason.NONE)
            case registration.LineStatus.FAILED:
                if report.failure is registration.LineFailure.UNAUTHORIZED:
                    self.error = NotAuthorizedError("The cloud does not accept the sign-in.")
                elif report.failure is registration.LineFailure.ALL_SERVERS_FAILED:
                    self.error = NetworkError("No calling server answers; it is tried on.")
                else:
                    self.error = PhoneServicesError(
                        f"The calling service refused the line ({report.failure}).", reason
                    )
                self._set(Status.FAILED, reason)
                self._events.on_refused(self.error)
            case registration.LineStatus.STOPPED:
                return
            case _:
                self._set(Status.CONNECTING, reason)

    def _fail(self, error: WebexError) -> None:
        self.error = error
        match error:
            case NotAuthorizedError():
                reason = Reason.INVALID_CREDENTIALS
            case NetworkError():
                reason = Reason.COULD_NOT_CONNECT
            case WebSocketError():
                reason = Reason.REGISTERED_ELSEWHERE
            case ServiceError():
                reason = Reason.SERVER_ERROR
            case _:
                reason = Reason.UNKNOWN
        self._set(Status.FAILED, reason)

    # --- disconnecting ---

    async def disconnect(self, *, reason: Reason = Reason.NONE) -> None:
        """Unregister and close everything. Returns when that is done."""
        current = asyncio.current_task()
        for task in [each for each in self._work if each is not current]:
            task.cancel()
        await self._take_down()
        self.logged_in = False
        if self.status is not Status.IDLE:
            self._set(Status.DISCONNECTED, reason)

    async def lose(self) -> None:
        """The sign-in is not good any more: stop, as far as that is possible without it."""
        for task in list(self._work):
            task.cancel()
        await self._take_down()
        self.logged_in = False
        self._fail(NotAuthorizedError("The sign-in has ended; sign in again."))

    async def _take_down(self) -> None:
        async with self._taking_down:
            line, self._line = self._line, None
            mercury, self._mercury = self._mercury, None
            refreshing, self._refreshing = self._refreshing, None
            if refreshing is not None:
                refreshing.cancel()
            if line is not None:
                await line.stop()
            if mercury is not None:
                await mercury.stop()
            self._online.clear()
            await self._wdm.unregister()

    def _set(self, status: Status, reason: Reason) -> None:
        if (status, reason) == (self.status, self.reason):
            return
        logger.info("phone services: %s -> %s (%s)", self.status, status, reason)
        self.status, self.reason = status, reason
        if status is not Status.FAILED:
            self.error = None
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        self._events.on_status(status, reason)
