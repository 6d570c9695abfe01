"""`Webex.phone`: placing and taking calls, and phone services."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec

from offhook.engine.client.model import CallStatus, Direction
from offhook.errors import (
    InitializationError,
    NotAuthorizedError,
    PhoneServicesError,
    WebexError,
)
from offhook.media.leg import LegConfig
from offhook.sdk.call import Call
from offhook.sdk.dialling import address as read_address
from offhook.sdk.dialling import phone_number
from offhook.sdk.enums import CallingType, PhoneConnectionResult, PushNotificationResult
from offhook.sdk.http import Http
from offhook.sdk.media_option import MediaOption
from offhook.sdk.phone_calls import PhoneCalls, PhoneEvents
from offhook.sdk.phone_services import PhoneServices
from offhook.sdk.push import PushedCalls, PushedSurroundings
from offhook.sdk.push_info import PushMessage
from offhook.sdk.supervisor import Supervisor


class IncomingCallListener:
    """Told of incoming calls. Subclass it; the method may be a coroutine function."""

    def on_incoming_call(self, call: Call, has_active_conflict_calls: bool) -> Any:
        """Somebody calls. Set an observer, then answer or reject.

        `has_active_conflict_calls`: another call is up and not on hold; answering this one puts
        that one on hold. No phone call is ever ended by answering another.
        """


class Phone:
    """See the module. There is one for each `Webex`."""

    def __init__(
        self,
        http: Http,
        services: PhoneServices,
        supervisor: Supervisor,
        leg_config: Callable[[], LegConfig],
        is_authorized: Callable[[], bool],
        initialize: Callable[[], Awaitable[None]],
    ) -> None:
        self._services = services
        self._is_authorized = is_authorized
        self._supervisor = supervisor
        self._pushed = PushedCalls(
            services,
            supervisor,
            PushedSurroundings(
                initialize,
                is_authorized,
                calls=lambda: self.calls,
                is_full=lambda: self._calls.is_full,
            ),
        )
        self._calls = PhoneCalls(
            http,
            services,
            supervisor,
            leg_config,
            PhoneEvents(self._incoming, self._pushed.over, self._pushed.left_to_others),
        )
        self._listener: IncomingCallListener | None = None
        self._iterators: set[asyncio.Queue[Call | None]] = set()
        self._initialized = False
        self._closed = False

    # --- phone services ---

    @property
    def calling_type(self) -> CallingType:
        """Which kind of calling the person has, NONE before the sign-in."""
        return self._services.calling_type

    async def ready(self, timeout: float | None = 30.0) -> None:
        """Wait until phone services are connected, at most `timeout` seconds.

        Raises `NotAuthorizedError` if the cloud refuses the sign-in, `NetworkError` if it cannot
        be reached, `PhoneServicesError` for other failures or if it takes too long.
        """
        self._refuse_unless_authorized()
        try:
            async with asyncio.timeout(timeout):
                await self._services.wait_until_connected()
        except TimeoutError as error:
            raise self._services.error or PhoneServicesError(
                f"Phone services were not connected within {timeout:g} s.",
                self._services.reason,
                retryable=True,
            ) from error

    async def connect_phone_services(self) -> PhoneConnectionResult:
        """Begin to sign in to phone services, after they were disconnected or have failed.

        The result says whether that was begun; `ready` and the delegate tell what comes of it.
        Raises `NotAuthorizedError` if nobody is signed in.
        """
        self._refuse_unless_authorized()
        if self._services.calling_type is CallingType.CUCM:
            return PhoneConnectionResult.NOT_SUPPORTED
        self._services.connect()
        return PhoneConnectionResult.NO_ERROR

    async def disconnect_phone_services(self) -> PhoneConnectionResult:
        """End all calls and sign out of phone services; the rest of the sign-in stays."""
        self._refuse_unless_initialized()
        await self.end_calls()
        await self._services.disconnect()
        return PhoneConnectionResult.NO_ERROR

    # --- outgoing calls ---

    async def dial_phone_number(self, number: str, option: MediaOption | None = None) -> Call:
        """Call a phone number, written as people write it. Returns when the service took the call.

        Another call that is up is put on hold before. Raises `InvalidApiError` for anything that is
        not a phone number, before the network is touched; `PhoneServicesError` if phone services
        are not connected; `CallStateError` if there are two calls already; `NetworkError` or
        `ServiceError` if the call was refused, and then the other call is as it was.
        """
        whom = phone_number(number)
        self._refuse_unless_initialized()
        return await self._calls.dial(whom, option)

    async def dial(self, address: str, option: MediaOption | None = None) -> Call:
        """Call a person by e-mail or SIP address. Otherwise like `dial_phone_number`."""
        whom = read_address(address)
        self._refuse_unless_initialized()
        return await self._calls.dial(whom, option)

    async def cancel(self) -> None:
        """Give up the outgoing calls that are not connected yet."""
        await self._calls.cancel()

    # --- incoming calls ---

    def set_incoming_call_listener(self, listener: IncomingCallListener | None) -> None:
        """Tell `listener` of incoming calls; there is one at a time."""
        self._listener = listener

    @property
    def incoming_call_listener(self) -> IncomingCallListener | None:
        """The listener that was set last."""
        return self._listener

    async def incoming_calls(self) -> AsyncIterator[Call]:
        """Incoming calls, those that ring already first; ends when the `Webex` is closed."""
        queue: asyncio.Queue[Call | None] = asyncio.Queue()
        for call in self.calls:
            if call.direction is Direction.INCOMING and call.status is CallStatus.RINGING:
                queue.put_nowait(call)
        self._iterators.add(queue)
        try:
            while not self._closed or not queue.empty():
                call_or_end = await queue.get()
                if call_or_end is None:
                    return
                if call_or_end.end_reason is None:
                    yield call_or_end
        finally:
            self._iterators.discard(queue)

    def set_remote_answer(self, make_option: Callable[[], MediaOption] | None) -> None:
        """Let the person answer calls of this phone from elsewhere, over REST for example.

        `make_option` makes the media of a call that is answered so. None, and at first, only tells
        the observer by `AnswerRequestedEvent`: a phone must not listen in because of a request.
        """
        self._calls.remote_answer = make_option

    async def process_push_notification(self, message: PushMessage) -> PushNotificationResult:
        """Take a call that was announced by push, whatever state the app is in.

        `message` as the app received it: the payload, the dictionary of an iPhone or the data map
        of FCM. Set the listener first. Initializes and connects where that has not been done.
        `NO_ERROR` as soon as the listener was told of the call, now or before; the same call pushed
        twice rings once. Returns within the ring window, or 15 s if the push does not tell it.
        Raises `CallEndedError` with its reason if the call is over, `NotAuthorizedError` if nobody
        is signed in, `NetworkError` or `PhoneServicesError` if phone services cannot be reached.
        """
        return await self._pushed.process(message)

    @property
    def calls(self) -> tuple[Call, ...]:
        """The calls there are now."""
        return self._calls.lasting

    # --- used by Webex ---

    def initialized(self) -> None:
        """Calls may be placed from now on."""
        self._initialized = True

    async def end_calls(self) -> None:
        """End every call, and wait until that is done."""
        await self._calls.end_all()

    async def close(self) -> None:
        """End every call; no more come."""
        self._closed = True
        self._pushed.line_failed(InitializationError("This Webex object was closed meanwhile."))
        await self._calls.close()
        for queue in self._iterators:
            queue.put_nowait(None)

    def service_back(self) -> None:
        """The event connection stands again."""
        self._calls.service_back()

    def take(self, data: msgspec.Raw, tracking_id: str) -> None:
        """An event of the cloud."""
        self._calls.take(data, tracking_id)

    def line_ready(self) -> None:
        """The line is known: calls that were announced on it before may come in."""
        self._pushed.line_stands()
        self._calls.line_ready()

    def line_failed(self, error: WebexError) -> None:
        """Phone services have failed, for now or for good."""
        self._pushed.line_failed(error)

    def _incoming(self, call: Call, conflicts: bool) -> None:
        if self._listener is not None:
            self._supervisor.call_user(self._listener.on_incoming_call, call, conflicts)
        for queue in self._iterators:
            queue.put_nowait(call)
        self._pushed.rang(call)

    def _refuse_unless_authorized(self) -> None:
        self._refuse_unless_initialized()
        if not self._is_authorized():
            raise self._services.error or NotAuthorizedError(
                "Nobody is signed in; authorize first."
            )

    def _refuse_unless_initialized(self) -> None:
        if self._closed:
            raise InitializationError("This Webex object is closed; make a new one.")
        if not self._initialized:
            raise InitializationError("Call initialize() first, or use `async with Webex(...)`.")
