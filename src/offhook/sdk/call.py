"""A call, as the app holds it in its hands."""

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self, assert_never

from offhook.engine.client import ClientCall
from offhook.engine.client import call_io as io
from offhook.engine.client.model import CallStatus, Direction, EndReason
from offhook.engine.client.negotiation import (
    ApplyAnswer,
    MakeAnswer,
    MakeOffer,
    PostOffer,
    PostRoap,
)
from offhook.engine.rtp.statistics import CallQuality
from offhook.engine.rtp.telephone_event import InvalidDigitError
from offhook.errors import (
    CallEndedError,
    CallMediaError,
    CallStateError,
    CallTimeoutError,
    InvalidApiError,
    WebexError,
)
from offhook.media.errors import MediaError
from offhook.media.leg import LegConfig
from offhook.sdk import call_events as news
from offhook.sdk.call_audio import CallAudio
from offhook.sdk.call_feed import CallFeed
from offhook.sdk.call_media import CallMedia, MediaEvents
from offhook.sdk.call_negotiator import CallNegotiator
from offhook.sdk.call_requests import CallRequests
from offhook.sdk.driver import Driver
from offhook.sdk.enums import (
    CallAssociationType,
    DirectTransferResult,
    RingerType,
    SendingAudioChangeResult,
)
from offhook.sdk.media_option import MediaOption
from offhook.sdk.membership import CallMembership
from offhook.sdk.mobius import CallClient
from offhook.sdk.supervisor import Supervisor
from offhook.wire.call_metrics import CallMetrics
from offhook.wire.mobius import Callee, MobiusEvent

logger = logging.getLogger(__name__)

# A key takes less than this, with its pause.
_DIGIT_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class CallSurroundings:
    """What a call needs of the phone. `waiting` tells whether another call is up."""

    supervisor: Supervisor
    leg_config: Callable[[], LegConfig]
    waiting: Callable[["Call"], bool]
    on_incoming: Callable[["Call"], None]
    on_over: Callable[["Call"], None]


class Call:
    """One call. Made by `Phone`; never by the app itself.

    Every command is awaited and raises `CallEndedError` on a call that is over, `CallStateError`
    where the call is not in a state for it, `CallTimeoutError` if the service does not confirm in
    time, `NetworkError` or `ServiceError` if it cannot be asked. Hold and resume that are asked
    for at the same time are done one after the other. A task that is cancelled while it waits for
    a command leaves the command to its end.
    """

    def __init__(
        self,
        machine: ClientCall,
        client: CallClient,
        surroundings: CallSurroundings,
        callee: Callee | None = None,
    ) -> None:
        self._machine = machine
        self._around = surroundings
        self._driver: Driver[io.Input, io.Effect] = Driver(machine, self._carry_out, io.Tick())
        self._requests = CallRequests(
            client, callee, lambda: machine.call_id, self._driver.feed, surroundings.supervisor
        )
        self._feed = CallFeed(surroundings.supervisor)
        self._media: CallMedia | None = None
        self._negotiator: CallNegotiator | None = None
        self._closing: asyncio.Task[None] | None = None
        self._commands: dict[int, asyncio.Future[None]] = {}
        self._numbers = itertools.count(1)
        self._changed = asyncio.Event()
        self._ringer: RingerType | None = None
        self._info_known = False
        self.audio = CallAudio()

    def __repr__(self) -> str:
        return f"<Call {self.call_id or 'new'} {self.direction} {self.status}>"

    # --- what is known ---

    @property
    def call_id(self) -> str:
        """The service's id of this side of the call, empty until it has given one."""
        return self._machine.call_id

    @property
    def correlation_id(self) -> str:
        """This app's own id of the call."""
        return self._machine.correlation_id

    @property
    def external_tracking_id(self) -> str:
        """The id that is the same from end to end; empty until `on_info_changed`."""
        return self._machine.tracking_id if self._info_known else ""

    @property
    def status(self) -> CallStatus:
        """Where the call is."""
        return self._machine.status

    @property
    def direction(self) -> Direction:
        """Who called."""
        return self._machine.direction

    @property
    def title(self) -> str:
        """The name of the other party, its number if it has no name."""
        return self._machine.party.name or self._machine.party.number

    @property
    def caller_number(self) -> str:
        """The number of the other party, empty if it is withheld."""
        return self._machine.party.number

    @property
    def group_name(self) -> str:
        """The name of the hunt group through which the call comes, empty if there is none."""
        return ""

    @property
    def group_number(self) -> str:
        """The number of the hunt group through which the call comes, empty if there is none."""
        return ""

    @property
    def memberships(self) -> tuple[CallMembership, ...]:
        """Who is in the call: this app's own side first, then the others."""
        return ()

    @property
    def is_group_call(self) -> bool:
        """Whether it is a conference: more than two are in it."""
        return False

    @property
    def is_transfer_supported(self) -> bool:
        """Whether it can be transferred: connected, on hold or not, and not a conference."""
        return False

    @property
    def is_add_participant_supported(self) -> bool:
        """Whether somebody can be added: connected, on hold or not, a conference or not."""
        return False

    @property
    def associated_with(self) -> "Call | None":
        """The call from which this one was begun by `start_associated_call`, while both last."""
        return None

    @property
    def is_muted_by_service(self) -> bool:
        """Whether the service passes nothing on of what is said here; asked for elsewhere."""
        return False

    @property
    def is_on_hold(self) -> bool:
        """Whether this side holds the call."""
        return self._machine.held

    @property
    def is_sending_audio(self) -> bool:
        """Whether what the source says is sent: not while muted."""
        return self._media is None or not self._media.session.muted

    @property
    def end_reason(self) -> EndReason | None:
        """Why the call ended, and who ended it; None while it has not."""
        return self._machine.end.reason if self._machine.end is not None else None

    @property
    def quality(self) -> CallQuality | None:
        """How the audio has been so far, None before there is any."""
        return self._media.quality if self._media is not None else None

    # --- commands ---

    async def answer(self, option: MediaOption | None = None) -> None:
        """Take the call. Returns when it is connected.

        Only an incoming call that rings. Raises `PermissionRequiredError` or `InvalidApiError` if
        the audio of `option` cannot be opened; then the call rings on.
        """
        self._refuse_unless_ringing()
        option = option or MediaOption.audio_only()
        await option.open()
        try:
            self._refuse_unless_ringing()
        except WebexError:
            await option.close()
            raise
        self._open_media(option)
        await self._command(io.Answer)

    async def reject(self) -> None:
        """Decline the call: the person does not want it, on any device."""
        self._driver.feed(io.Reject())
        await self._told()

    async def hangup(self) -> None:
        """End the call, or give it up if it was not answered yet."""
        self._driver.feed(io.Hangup())
        await self._told()

    async def hold(self) -> None:
        """Put the other party on hold. Returns when that is so; at once if it is already."""
        await self._command(lambda number: io.SetHold(number, held=True))

    async def resume(self) -> None:
        """Talk again with the party on hold. Returns when that is so; at once if it is already."""
        await self._command(lambda number: io.SetHold(number, held=False))

    async def start_associated_call(
        self,
        number: str,
        association_type: CallAssociationType = CallAssociationType.UNDEFINED,
        option: MediaOption | None = None,
    ) -> "Call":
        """Call somebody to be added to this call, or to whom it is to be transferred.

        On a connected call, which is put on hold first if it is not; also where there are two
        calls already. Returns when the service took the new call, whose `merge_calls` or whose
        part in `transfer_call` comes next, whatever `association_type` says. Raises like
        `dial_phone_number`; then everything is as it was before. If the new call ends without
        either, this one is told by `AssociatedCallEndedEvent` and can be resumed.
        """
        raise NotImplementedError

    async def merge_calls(self, target: "Call | str") -> None:
        """Join the old call `target`, or the one with that `call_id`, into this new one.

        Both connected, on hold or not, conferences or not. Returns when it is true: this call is
        the conference, and the old one has ended as `MERGED`. Raises `CallAssociationError` if the
        service does not join them; then both are as they were before.
        """
        raise NotImplementedError

    async def transfer_call(self, to: "Call | str") -> None:
        """Connect the other party of this old call with that of the new one `to`, and leave both.

        `to` is a call or a `call_id`; it is connected, or still rings at the other side. Returns
        when both have ended as `TRANSFERRED`. Raises `CallAssociationError` if the service refuses;
        then both are as they were before.
        """
        raise NotImplementedError

    async def direct_transfer_call(
        self, number: str, *, wait: bool = False, timeout: float = 30.0
    ) -> DirectTransferResult:
        """Send the other party on to `number`, and leave.

        Raises `InvalidApiError` for what is not a phone number, before the network is touched.
        Returns when the service has accepted it and this call has ended as `TRANSFERRED`; raises
        `TransferFailedError` if it does not. Whether the target answers, nobody learns.

        With `wait` it returns when the target has answered. If the target is busy, rejects, does
        not exist, or does not answer within `timeout` seconds, the call is given back: it goes on,
        resumed if it was not on hold before, and `TransferFailedError` says why. So it does if the
        waiting task is cancelled. If the other party hangs up meanwhile, `CallEndedError` is raised
        and the target is left in peace.
        """
        raise NotImplementedError

    async def mute(self) -> None:
        """Send silence instead of the source. Not while the call is on hold."""
        self._set_sending(sending=False)

    async def unmute(self) -> None:
        """Send the source again. Not while the call is on hold."""
        self._set_sending(sending=True)

    async def send_dtmf(self, digits: str) -> None:
        """Press keys: ``0-9 * # A-D``, several at once. Returns when they have been sent.

        Raises `InvalidApiError` for other characters, and then sends nothing.
        """
        media = self._talking()
        try:
            async with asyncio.timeout(5.0 + _DIGIT_SECONDS * len(digits)):
                await media.send_dtmf(digits)
        except InvalidDigitError as error:
            raise InvalidApiError(str(error)) from error
        except TimeoutError as error:
            raise CallTimeoutError("The keys were not sent in time; try again.") from error
        except MediaError as error:
            self._refuse_if_over()
            raise CallMediaError(str(error)) from error

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the call, whatever state it is in, and wait until its audio is closed."""
        await self.finish()

    # --- waiting and watching ---

    async def connected(self) -> None:
        """Wait until the call is connected. Raises `CallEndedError` if it ends before."""
        while self.status is not CallStatus.CONNECTED:
            self._refuse_if_over()
            await self._changed.wait()

    async def ended(self) -> EndReason:
        """Wait until the call is over and its audio closed. Returns why it ended."""
        while self._machine.end is None:
            await self._changed.wait()
        if self._closing is not None:
            await asyncio.shield(self._closing)
        return self._machine.end.reason

    def events(self) -> AsyncIterator[news.CallEvent]:
        """What happens to the call, from its beginning to its `CallDisconnectedEvent`.

        Whoever falls more than 256 events behind misses the oldest.
        """
        return self._feed.events()

    @property
    def observer(self) -> news.CallObserver | None:
        """The observer that was set last."""
        return self._feed.observer

    def set_observer(self, observer: news.CallObserver | None) -> None:
        """Tell `observer` what happens from now on.

        The first one is told at once what has happened since the call began, so that nothing is
        missed between dialling and this line.
        """
        self._feed.observe(observer)

    # --- used by the phone ---

    @property
    def tracking_id(self) -> str:
        """The id that is the same from end to end, as soon as it is known."""
        return self._machine.tracking_id

    async def dial(self, option: MediaOption) -> None:
        """Place the call. Returns when the service has accepted it."""
        self._open_media(option)
        try:
            await self._command(io.Dial)
        except asyncio.CancelledError:
            # Nobody will ever hold this call in their hands.
            self.end_now()
            raise

    def take(self, event: MobiusEvent, tracking_id: str) -> None:
        """An event about this call."""
        self._driver.feed(io.EventCame(event, tracking_id))

    def service_back(self) -> None:
        """The event connection stands again: see whether the call still does."""
        self._driver.feed(io.ServiceBack())

    def end_now(self) -> None:
        """End the call in the way that its state asks for; nothing if it is over."""
        if self._machine.end is None:
            ringing = self.direction is Direction.INCOMING and self.status in (
                CallStatus.INITIATED,
                CallStatus.RINGING,
            )
            try:
                self._driver.feed(io.Reject() if ringing else io.Hangup())
            except CallStateError:
                self._driver.feed(io.Hangup())

    async def finish(self) -> None:
        """End the call, and wait until that is done."""
        self.end_now()
        await self._told()

    # --- carrying out ---

    def _carry_out(self, effect: io.Effect) -> None:
        match effect:
            case MakeOffer() | MakeAnswer() | ApplyAnswer():
                if self._negotiator is not None:
                    self._negotiator.do(effect)
            case (
                PostOffer()
                | PostRoap()
                | io.PatchAlerting()
                | io.PatchConnected()
                | io.PostHold()
                | io.PostStatus()
            ):
                self._requests.send(effect)
            case io.Disconnect():
                metrics = self._media.metrics if self._media is not None else CallMetrics()
                self._requests.disconnect(effect, metrics)
            case io.CloseMedia():
                self._closing = self._around.supervisor.spawn(
                    self._close_media(), "offhook-close-media"
                )
                self._around.on_over(self)
            case io.CommandDone(command=number):
                self._answered(number, None)
            case io.CommandFailed(command=number, error=error):
                self._answered(number, error)
            case io.Transition(old=old, event=event, new=new):
                logger.info(
                    "call %s: %s -> %s -> %s, trackingId %s",
                    self.call_id or self.correlation_id,
                    old,
                    event,
                    new,
                    self._machine.tracking_id,
                )
            case _:
                self._report(effect)

    def _report(self, what: io.News) -> None:
        match what:
            case io.Incoming():
                self._around.on_incoming(self)
            case io.RingingStarted():
                self._start_ringing(what)
            case io.RingingStopped():
                if self._ringer is not None:
                    self._tell(news.StopRingingEvent(self, self._ringer))
                    self._ringer = None
            case io.Connected():
                if self._media is not None:
                    self._media.talk()
                self._tell(news.ConnectedEvent(self))
                if self._machine.tracking_id:
                    self._info_known = True
                    self._tell(news.InfoChangedEvent(self))
            case io.InfoChanged():
                self._info_known = True
                self._tell(news.InfoChangedEvent(self))
            case io.HoldChanged(held=held, by_local=by_local):
                if self._media is not None:
                    self._media.pause(paused=held)
                info = news.HoldResumeInfo(held, by_local)
                self._tell(news.CallHoldStateChangedEvent(self, info))
            case io.Ended(end=end):
                self._tell(news.disconnected(self, end))
            case _:
                assert_never(what)
        self._wake()

    def _start_ringing(self, started: io.RingingStarted) -> None:
        self._tell(news.RingingEvent(self))
        if not started.tone:
            if self._media is not None:
                self._media.listen()  # the other side is to be heard already
            return
        if started.ringing is io.Ringing.OUTGOING:
            self._ringer = RingerType.OUTGOING
        else:
            waiting = self._around.waiting(self)
            self._ringer = RingerType.CALL_WAITING if waiting else RingerType.INCOMING
        self._tell(news.StartRingingEvent(self, self._ringer))

    def _tell(self, event: news.CallEvent) -> None:
        self._feed.tell(event)

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def _told(self) -> None:
        """Wait until the service was told of the end, and the audio is closed."""
        await self._requests.told()
        if self._closing is not None:
            await asyncio.shield(self._closing)

    # --- audio ---

    def _open_media(self, option: MediaOption) -> None:
        self._media = CallMedia(
            self._around.leg_config(),
            option,
            MediaEvents(
                on_lost=lambda error: self._driver.feed(io.MediaLost(error)),
                on_dtmf=lambda digit: self._tell(news.DTMFReceivedEvent(self, digit)),
                on_source_end=self._source_ended,
                on_error=lambda error: self._tell(news.AudioFailedEvent(self, error)),
            ),
            self._around.supervisor,
        )
        self._negotiator = CallNegotiator(self._media, self._driver.feed, self._around.supervisor)
        self.audio.attach(self._media)

    def _source_ended(self) -> None:
        self.audio.source_ended()
        self._tell(news.AudioSourceEndedEvent(self))

    async def _close_media(self) -> None:
        if self._negotiator is not None:
            await self._negotiator.close()
        self.audio.end()

    # --- small things ---

    async def _command(self, make: Callable[[int], io.Command]) -> None:
        number = next(self._numbers)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._commands[number] = future
        try:
            self._driver.feed(make(number))
            await asyncio.shield(future)
        finally:
            self._commands.pop(number, None)

    def _answered(self, number: int, error: WebexError | None) -> None:
        future = self._commands.get(number)
        if future is not None and not future.done():
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)

    def _set_sending(self, *, sending: bool) -> None:
        media = self._talking()
        media.session.muted = not sending
        self._tell(news.SendingAudioEvent(self, sending, SendingAudioChangeResult.SUCCESS))

    def _talking(self) -> CallMedia:
        self._refuse_if_over()
        if self.status is not CallStatus.CONNECTED or self._media is None:
            raise CallStateError("Only a connected call can do this; wait for connected().")
        if self.is_on_hold:
            raise CallStateError("The call is on hold; resume it first.")
        return self._media

    def _refuse_if_over(self) -> None:
        end = self._machine.end
        if end is not None:
            text = end.message or f"This call is over ({end.reason})."
            raise CallEndedError(text, end.reason) from end.error

    def _refuse_unless_ringing(self) -> None:
        self._refuse_if_over()
        rings = self.status is CallStatus.RINGING and self._media is None
        if self.direction is not Direction.INCOMING or not rings:
            raise CallStateError("Only an incoming call that rings can be answered.")
