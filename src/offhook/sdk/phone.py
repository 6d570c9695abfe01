"""`Webex.phone`: placing and taking calls, and phone services."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import uuid4

import msgspec

from offhook.engine.client import ClientCall
from offhook.engine.client.model import CallStatus, Direction, RemoteParty
from offhook.errors import (
    InitializationError,
    InvalidApiError,
    NetworkError,
    NotAuthorizedError,
    PhoneServicesError,
    WebexError,
)
from offhook.media.leg import LegConfig
from offhook.sdk.call import Call, CallSurroundings
from offhook.sdk.enums import CallingType, PhoneConnectionResult, PushNotificationResult
from offhook.sdk.http import Http
from offhook.sdk.media_option import MediaOption
from offhook.sdk.mobius import CallClient, LineAddress
from offhook.sdk.phone_services import PhoneServices
from offhook.sdk.push import PushedCalls, PushedSurroundings
from offhook.sdk.push_info import PushMessage
from offhook.sdk.supervisor import Supervisor
from offhook.wire.body import MalformedBodyError, read_body
from offhook.wire.mercury import EventType
from offhook.wire.mobius import Callee, MobiusEvent, MobiusEventType
from offhook.wire.phone_number import NotAPhoneNumberError, parse_dial_string
from offhook.wire.roap import RoapType

logger = logging.getLogger(__name__)

#: Calls that one phone may have at a time; a further incoming one is left to other devices.
MOST_CALLS = 2
_REMEMBERED = 64


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
        self._http = http
        self._services = services
        self._is_authorized = is_authorized
        self._supervisor = supervisor
        self._around = CallSurroundings(
            supervisor, leg_config, self._waiting, self._incoming, self._over
        )
        self._calls: dict[str, Call] = {}
        self._past: deque[str] = deque(maxlen=_REMEMBERED)
        # What came for a line that we are still being told of: answer and event take two ways.
        self._early: deque[tuple[MobiusEvent, str]] = deque(maxlen=_REMEMBERED)
        self._pushed = PushedCalls(
            services,
            supervisor,
            PushedSurroundings(initialize, is_authorized, lambda: self.calls, MOST_CALLS),
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

        Raises `InvalidApiError` for anything that is not a phone number, before the network is
        touched; `PhoneServicesError` if phone services are not connected; `NetworkError` or
        `ServiceError` if the call was refused.
        """
        try:
            dialled = parse_dial_string(number)
        except NotAPhoneNumberError as error:
            raise InvalidApiError(f"This is not a phone number. {error}") from error
        return await self._dial(Callee("tel", dialled.uri), dialled.digits, option)

    async def dial(self, address: str, option: MediaOption | None = None) -> Call:
        """Call a person by e-mail or SIP address. Otherwise like `dial_phone_number`."""
        plain = address.strip().removeprefix("sip:").removeprefix("sips:")
        user, at, domain = plain.partition("@")
        if not (user and at and domain) or any(character.isspace() for character in plain):
            raise InvalidApiError(
                "This is neither an e-mail nor a SIP address; numbers go to dial_phone_number()."
            )
        return await self._dial(Callee("uri", f"sip:{plain}"), "", option)

    async def cancel(self) -> None:
        """Give up the outgoing calls that are not connected yet."""
        for call in list(self._calls.values()):
            if call.direction is Direction.OUTGOING and call.status in (
                CallStatus.INITIATED,
                CallStatus.RINGING,
            ):
                await call.hangup()

    async def _dial(self, callee: Callee, number: str, option: MediaOption | None) -> Call:
        self._refuse_unless_initialized()
        line = self._line()
        option = option or MediaOption.audio_only()
        await option.open()
        machine = ClientCall(
            Direction.OUTGOING,
            str(uuid4()),
            now=asyncio.get_running_loop().time(),
            party=RemoteParty("", number),
            keepalive_interval=self._services.call_keepalive,
        )
        call = self._make(machine, line, callee)
        await call.dial(option)
        return call

    def _line(self) -> LineAddress:
        line = self._services.line
        if line is None:
            error = self._services.error
            if isinstance(error, NetworkError):
                raise NetworkError(error.message)
            raise PhoneServicesError(
                "Phone services are not connected; wait for ready().",
                self._services.reason,
                retryable=True,
            )
        return line

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
        for call in self._calls.values():
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
        return tuple(self._calls.values())

    # --- used by Webex ---

    def initialized(self) -> None:
        """Calls may be placed from now on."""
        self._initialized = True

    async def end_calls(self) -> None:
        """End every call, and wait until that is done."""
        await asyncio.gather(*(call.finish() for call in list(self._calls.values())))

    async def close(self) -> None:
        """End every call; no more come."""
        self._closed = True
        self._pushed.line_failed(InitializationError("This Webex object was closed meanwhile."))
        await self.end_calls()
        for queue in self._iterators:
            queue.put_nowait(None)

    def service_back(self) -> None:
        """The event connection stands again."""
        for call in list(self._calls.values()):
            call.service_back()

    def take(self, data: msgspec.Raw, tracking_id: str) -> None:
        """An event of the cloud."""
        try:
            if not read_body(data, EventType).eventType.startswith("mobius."):
                return
            event = read_body(data, MobiusEvent)
        except MalformedBodyError as error:
            logger.warning("an event could not be read: %s", error)
            return
        self._deliver(event, tracking_id)

    def line_ready(self) -> None:
        """The line is known: calls that were announced on it before may come in."""
        self._pushed.line_stands()
        early = list(self._early)
        self._early.clear()
        line = self._services.line
        for event, tracking_id in early:
            if line is not None and event.deviceId == line.device_id:
                self._deliver(event, tracking_id)

    def line_failed(self, error: WebexError) -> None:
        """Phone services have failed, for now or for good."""
        self._pushed.line_failed(error)

    def _deliver(self, event: MobiusEvent, tracking_id: str) -> None:
        call = self._find(event)
        if call is None and _begins_a_call(event) and event.callId not in self._past:
            line = self._services.line
            if event.deviceId and (line is None or event.deviceId != line.device_id):
                self._early.append((event, tracking_id))
                return
            call = self._called(event)
        if call is not None:
            call.take(event, tracking_id)

    def _find(self, event: MobiusEvent) -> Call | None:
        known = self._calls.get(event.correlationId) if event.correlationId else None
        if known is not None:
            return known
        return next(
            (
                each
                for each in self._calls.values()
                if event.callId and each.call_id == event.callId
            ),
            None,
        )

    def _called(self, event: MobiusEvent) -> Call | None:
        line = self._services.line
        if line is None:
            return None
        if len(self._calls) >= MOST_CALLS:
            logger.info("a third call is left to other devices")
            self._past.append(event.callId)
            self._pushed.left_to_others(event.trackingId or "", event.callId)
            return None
        machine = ClientCall(
            Direction.INCOMING,
            str(uuid4()),
            now=asyncio.get_running_loop().time(),
            call_id=event.callId,
            keepalive_interval=self._services.call_keepalive,
        )
        return self._make(machine, line, None)

    # --- calls ---

    def _make(self, machine: ClientCall, line: LineAddress, callee: Callee | None) -> Call:
        client = CallClient(self._http, line, machine.correlation_id)
        call = Call(machine, client, self._around, callee)
        self._calls[machine.correlation_id] = call
        self._services.calls_changed(active=True)
        return call

    def _incoming(self, call: Call) -> None:
        if self._listener is not None:
            self._supervisor.call_user(self._listener.on_incoming_call, call, False)
        for queue in self._iterators:
            queue.put_nowait(call)
        self._pushed.rang(call)

    def _over(self, call: Call) -> None:
        self._calls.pop(call.correlation_id, None)
        if call.call_id:
            self._past.append(call.call_id)
        self._pushed.over(call)
        self._services.calls_changed(active=bool(self._calls))

    def _waiting(self, call: Call) -> bool:
        return any(
            each is not call and each.status is CallStatus.CONNECTED
            for each in self._calls.values()
        )

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


def _begins_a_call(event: MobiusEvent) -> bool:
    if event.eventType is MobiusEventType.CALL:
        return not event.midCallService
    offers = (RoapType.OFFER, RoapType.OFFER_REQUEST)
    return (
        event.eventType is MobiusEventType.MEDIA
        and event.message is not None
        and event.message.messageType in offers
    )
