"""The calls of one phone: made, found again for what comes, and run by the engine together."""

import asyncio
import itertools
import logging
from collections import OrderedDict, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from uuid import uuid4

import msgspec

from offhook.engine.client import ClientCall, ClientPhone
from offhook.engine.client import call_io as io
from offhook.engine.client import phone_io as phone
from offhook.engine.client.model import CallStatus, Direction, RemoteParty
from offhook.errors import (
    CallEndedError,
    CallStateError,
    InvalidApiError,
    NetworkError,
    PhoneServicesError,
    WebexError,
)
from offhook.media.leg import LegConfig
from offhook.sdk.call import Call
from offhook.sdk.call_shell import CallShell
from offhook.sdk.conference import ConferenceClient
from offhook.sdk.dialling import Dialled
from offhook.sdk.driver import Driver
from offhook.sdk.enums import CallAssociationType
from offhook.sdk.http import Http
from offhook.sdk.media_option import MediaOption
from offhook.sdk.mobius import CallClient, LineAddress
from offhook.sdk.phone_services import PhoneServices
from offhook.sdk.supervisor import Supervisor
from offhook.wire.body import MalformedBodyError, read_body
from offhook.wire.ids import InvalidIdError, decode_id
from offhook.wire.mercury import EventType
from offhook.wire.mobius import Callee, MobiusEvent, MobiusEventType
from offhook.wire.roap import RoapType

logger = logging.getLogger(__name__)

_REMEMBERED = 64
# Calls that are over may still be answered by the service, or be spoken of by others.
_REMEMBERED_CALLS = 16


@dataclass(frozen=True, slots=True)
class PhoneEvents:
    """Whom the calls tell. `left_to_others` is given the tracking id and the id of a call."""

    incoming: Callable[[Call, bool], None]
    over: Callable[[Call], None]
    left_to_others: Callable[[str, str], None]


class PhoneCalls:
    """See the module. Carries out what `ClientPhone` decides."""

    def __init__(
        self,
        http: Http,
        services: PhoneServices,
        supervisor: Supervisor,
        leg_config: Callable[[], LegConfig],
        events: PhoneEvents,
    ) -> None:
        self.supervisor = supervisor
        self.leg_config = leg_config
        #: Makes the audio of a call that is answered from elsewhere; None to let it ring.
        self.remote_answer: Callable[[], MediaOption] | None = None
        self._http = http
        self._services = services
        self._events = events
        self._conferences = ConferenceClient(http, services.rest_base)
        self._machine = ClientPhone()
        self._driver: Driver[phone.Input, phone.Effect] = Driver(
            self._machine, self._carry_out, phone.Tick()
        )
        self._lasting: dict[str, CallShell] = {}
        self._past: OrderedDict[str, CallShell] = OrderedDict()
        self._past_ids: deque[str] = deque(maxlen=_REMEMBERED)
        # What came for a line that we are still being told of: answer and event take two ways.
        self._early: deque[tuple[MobiusEvent, str]] = deque(maxlen=_REMEMBERED)
        self._numbers = itertools.count(1)
        self._commands: dict[int, asyncio.Future[None]] = {}

    # --- what is known ---

    @property
    def lasting(self) -> tuple[Call, ...]:
        """The calls that the app knows of and that are not over."""
        return tuple(each.call for each in self._lasting.values() if not each.hidden)

    @property
    def is_full(self) -> bool:
        """Whether a further incoming call is left to other devices."""
        return self._machine.is_full

    def by_key(self, key: str) -> Call:
        """The call that the engine knows by this key, though it may be over."""
        return (self._lasting.get(key) or self._past[key]).call

    def key_of(self, wanted: Call | str) -> str:
        """By what the engine knows a call, or the one with this id. Raises `InvalidApiError`."""
        if isinstance(wanted, Call):
            return wanted.correlation_id
        with suppress(InvalidIdError):
            wanted = decode_id(wanted).uuid
        for each in (*self._lasting.values(), *self._past.values()):
            if wanted and each.machine.call_id == wanted:
                return each.key
        raise InvalidApiError("This phone has no such call; use one of phone.calls.")

    def origin_of(self, shell: CallShell) -> Call | None:
        """The call from which this one was begun, while both last."""
        origin = self._machine.origin_of(shell.machine)
        return self.by_key(origin.correlation_id) if origin is not None else None

    def another_is_up(self, shell: CallShell) -> bool:
        """Whether there is a connected call beside this one."""
        return any(each is not shell and each.machine.is_up for each in self._lasting.values())

    # --- the engine ---

    def feed(self, event: phone.Input) -> None:
        """Give the engine an input."""
        self._driver.feed(event)

    async def command(
        self,
        key: str,
        make: Callable[[int], io.Command | phone.Command],
        *,
        undo: bool = False,
    ) -> None:
        """Give a command, and wait until it is done. Raises the error with which it failed.

        A task that is cancelled meanwhile leaves the command to its end, or has it undone.
        """
        number = next(self._numbers)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._commands[number] = future
        try:
            self.feed(phone.ForCall(key, make(number)))
            await asyncio.shield(future)
        except asyncio.CancelledError:
            if undo:
                self.feed(phone.GiveUp(number))
            raise
        finally:
            self._commands.pop(number, None)

    def answered(self, command: int, error: WebexError | None) -> None:
        """A command is done, or has failed."""
        future = self._commands.get(command)
        if future is not None and not future.done():
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)

    def _carry_out(self, effect: phone.Effect) -> None:
        shell = self._lasting.get(effect.key) or self._past.get(effect.key)
        if shell is not None:
            shell.carry_out(effect.effect)

    # --- outgoing calls ---

    async def dial(
        self,
        whom: Dialled,
        option: MediaOption | None,
        *,
        origin: Call | None = None,
        association_type: CallAssociationType = CallAssociationType.UNDEFINED,
    ) -> Call:
        """Place a call, from `origin` if there is one. Returns when the service took it."""
        line = self._line()
        self._machine.refuse_if_full(consultation=origin is not None)
        option = option or MediaOption.audio_only()
        await option.open()
        try:
            shell = self._make_outgoing(line, whom, consultation=origin is not None)
        except WebexError:
            await option.close()
            raise
        shell.association_type = association_type
        shell.prepare(option)
        from_key = self.key_of(origin) if origin is not None else ""
        try:
            await self.command(
                shell.key,
                lambda number: phone.Consult(number, from_key) if from_key else io.Dial(number),
            )
        except BaseException:
            # Nobody will ever hold this call in their hands.
            shell.end_now()
            raise
        return shell.call

    async def transfer_when_answered(self, call: Call, whom: Dialled, seconds: float) -> None:
        """Call somebody in silence, and transfer `call` there once it is answered."""
        shell = self._make_outgoing(self._line(), whom, consultation=True, hidden=True)
        shell.prepare(MediaOption.audio_only())
        try:
            await self.command(
                self.key_of(call),
                lambda number: phone.TransferWhenAnswered(number, shell.key, seconds),
                undo=True,
            )
        except WebexError:
            shell.end_now()
            raise

    def _make_outgoing(
        self, line: LineAddress, whom: Dialled, *, consultation: bool, hidden: bool = False
    ) -> CallShell:
        machine = ClientCall(
            Direction.OUTGOING,
            str(uuid4()),
            now=asyncio.get_running_loop().time(),
            party=RemoteParty("", whom.digits),
            keepalive_interval=self._services.call_keepalive,
        )
        self._machine.add(machine, consultation=consultation)
        return self._make(machine, line, whom.callee, hidden=hidden)

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

    # --- what comes ---

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
        early = list(self._early)
        self._early.clear()
        line = self._services.line
        for event, tracking_id in early:
            if line is not None and event.deviceId == line.device_id:
                self._deliver(event, tracking_id)

    def service_back(self) -> None:
        """The event connection stands again: see whether the calls still do."""
        for shell in list(self._lasting.values()):
            shell.feed(io.ServiceBack())

    def _deliver(self, event: MobiusEvent, tracking_id: str) -> None:
        shell = self._find(event)
        if shell is None and _begins_a_call(event) and event.callId not in self._past_ids:
            line = self._services.line
            if event.deviceId and (line is None or event.deviceId != line.device_id):
                self._early.append((event, tracking_id))
                return
            shell = self._called(event)
        if shell is not None:
            shell.take(event, tracking_id)

    def _find(self, event: MobiusEvent) -> CallShell | None:
        known = self._lasting.get(event.correlationId) if event.correlationId else None
        if known is not None:
            return known
        return next(
            (
                each
                for each in self._lasting.values()
                if event.callId and each.machine.call_id == event.callId
            ),
            None,
        )

    def _called(self, event: MobiusEvent) -> CallShell | None:
        line = self._services.line
        if line is None:
            return None
        if self._machine.is_full:
            logger.info("a third call is left to other devices")
            self._past_ids.append(event.callId)
            self._events.left_to_others(event.trackingId or "", event.callId)
            return None
        machine = ClientCall(
            Direction.INCOMING,
            str(uuid4()),
            now=asyncio.get_running_loop().time(),
            call_id=event.callId,
            keepalive_interval=self._services.call_keepalive,
        )
        self._machine.add(machine)
        return self._make(machine, line, None)

    def _make(
        self,
        machine: ClientCall,
        line: LineAddress,
        callee: Callee | None,
        *,
        hidden: bool = False,
    ) -> CallShell:
        client = CallClient(self._http, line, machine.correlation_id)
        shell = CallShell(machine, self, client, self._conferences, callee, hidden=hidden)
        self._lasting[shell.key] = shell
        self._services.calls_changed(active=True)
        return shell

    # --- told by the calls ---

    def incoming(self, shell: CallShell) -> None:
        """Somebody calls."""
        self._events.incoming(shell.call, self._machine.conflicts(shell.machine))

    def answer_requested(self, shell: CallShell) -> None:
        """The person asks from elsewhere that this phone take the call."""
        if self.remote_answer is not None:
            answering = self._answer(shell.call, self.remote_answer)
            self.supervisor.spawn(answering, "offhook-remote-answer")

    @staticmethod
    async def _answer(call: Call, make_option: Callable[[], MediaOption]) -> None:
        with suppress(CallEndedError, CallStateError):  # it is over, or answered here already
            await call.answer(make_option())

    def over(self, shell: CallShell) -> None:
        """A call has ended."""
        self._lasting.pop(shell.key, None)
        self._past[shell.key] = shell
        while len(self._past) > _REMEMBERED_CALLS:
            self._past.popitem(last=False)
        if shell.machine.call_id:
            self._past_ids.append(shell.machine.call_id)
        self._events.over(shell.call)
        self._services.calls_changed(active=bool(self._lasting))

    async def cancel(self) -> None:
        """Give up the outgoing calls that are not connected yet."""
        for shell in list(self._lasting.values()):
            if shell.machine.direction is Direction.OUTGOING and shell.machine.status in (
                CallStatus.INITIATED,
                CallStatus.RINGING,
            ):
                await shell.finish()

    async def close(self) -> None:
        """End every call; nothing is timed any more."""
        await self.end_all()
        self._driver.close()

    async def end_all(self) -> None:
        """End every call, and wait until that is done."""
        await asyncio.gather(*(shell.finish() for shell in list(self._lasting.values())))


def _begins_a_call(event: MobiusEvent) -> bool:
    if event.eventType is MobiusEventType.CALL:
        return not event.midCallService
    offers = (RoapType.OFFER, RoapType.OFFER_REQUEST)
    return (
        event.eventType is MobiusEventType.MEDIA
        and event.message is not None
        and event.message.messageType in offers
    )
