"""The shell of one call: carries out what the engine decides about it, in order.

It decides nothing itself. The app holds a `Call`, which gives commands and asks for what is known.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, assert_never

from offhook.engine.client import ClientCall
from offhook.engine.client import call_io as io
from offhook.engine.client import phone_io as phone
from offhook.engine.client.model import CallStatus, Direction, Member
from offhook.engine.client.negotiation import (
    ApplyAnswer,
    MakeAnswer,
    MakeOffer,
    PostOffer,
    PostRoap,
)
from offhook.errors import CallEndedError, CallStateError
from offhook.sdk import call_events as news
from offhook.sdk.call import Call
from offhook.sdk.call_audio import CallAudio
from offhook.sdk.call_feed import CallFeed
from offhook.sdk.call_media import CallMedia, MediaEvents
from offhook.sdk.call_negotiator import CallNegotiator
from offhook.sdk.call_requests import CallRequests
from offhook.sdk.conference import ConferenceClient
from offhook.sdk.enums import CallAssociationType, RingerType, SendingAudioChangeResult
from offhook.sdk.media_option import MediaOption
from offhook.sdk.membership import CallMembership, CallMembershipState, membership
from offhook.sdk.mobius import CallClient
from offhook.wire.call_metrics import CallMetrics
from offhook.wire.mobius import Callee, MobiusEvent

if TYPE_CHECKING:
    from offhook.sdk.phone_calls import PhoneCalls

logger = logging.getLogger(__name__)


class CallShell:
    """See the module. `hidden`: the app does not know of this call."""

    def __init__(
        self,
        machine: ClientCall,
        calls: "PhoneCalls",
        client: CallClient,
        conferences: ConferenceClient,
        callee: Callee | None,
        *,
        hidden: bool = False,
    ) -> None:
        self.machine = machine
        self.hidden = hidden
        self.audio = CallAudio()
        self.media: CallMedia | None = None
        self.info_known = False
        self.association_type = CallAssociationType.UNDEFINED
        self._calls = calls
        self._supervisor = calls.supervisor
        self.news = CallFeed(calls.supervisor)
        self._requests = CallRequests(
            client,
            conferences,
            callee,
            lambda: machine.call_id,
            self._fed_back,
            calls.supervisor,
        )
        self._option: MediaOption | None = None
        self._answering: int | None = None
        self._negotiator: CallNegotiator | None = None
        self._closing: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._ringer: RingerType | None = None
        self.call = Call(self, calls)

    @property
    def key(self) -> str:
        """By what the engine knows the call."""
        return self.machine.correlation_id

    # --- inputs ---

    def feed(self, event: io.Input) -> None:
        """Give the engine an input of this call."""
        self._calls.feed(phone.ForCall(self.key, event))

    def _fed_back(self, event: io.Input | phone.RequestAnswered) -> None:
        if isinstance(event, phone.RequestAnswered):
            self._calls.feed(event)
        else:
            self.feed(event)

    def take(self, event: MobiusEvent, tracking_id: str) -> None:
        """An event about this call."""
        self.feed(io.EventCame(event, tracking_id))

    async def command(self, make: Callable[[int], io.Command | phone.Command]) -> None:
        """Give a command, and wait until it is done. Raises the error with which it failed."""
        self.refuse_if_over()
        await self._calls.command(self.key, make)

    def prepare(self, option: MediaOption) -> None:
        """The audio that an outgoing call will have; both ends are open."""
        self._option = option

    async def answer(self, option: MediaOption) -> None:
        """Take the call, with this audio, whose ends are open."""

        def make(number: int) -> io.Command:
            self._answering = number
            return io.Answer(number)

        self._option = option
        await self.command(make)

    @property
    def is_being_answered(self) -> bool:
        """Whether somebody has given the command to answer."""
        return self._option is not None

    def end_now(self) -> None:
        """End the call in the way that its state asks for; nothing if it is over."""
        if self.machine.end is None:
            ringing = self.machine.direction is Direction.INCOMING and self.machine.status in (
                CallStatus.INITIATED,
                CallStatus.RINGING,
            )
            try:
                self.feed(io.Reject() if ringing else io.Hangup())
            except CallStateError:
                self.feed(io.Hangup())

    async def finish(self) -> None:
        """End the call, and wait until that is done."""
        self.end_now()
        await self.told()

    # --- waiting ---

    async def changed(self) -> None:
        """Wait until something about the call has changed."""
        await self._changed.wait()

    async def told(self) -> None:
        """Wait until the service was told of the end, and the audio is closed."""
        await self._requests.told()
        await self.closed()

    async def closed(self) -> None:
        """Wait until the audio of a call that is over is closed."""
        if self._closing is not None:
            await asyncio.shield(self._closing)

    def refuse_if_over(self) -> None:
        """Raises `CallEndedError` if the call is over."""
        end = self.machine.end
        if end is not None:
            text = end.message or f"This call is over ({end.reason})."
            raise CallEndedError(text, end.reason) from end.error

    # --- what is known ---

    @property
    def is_sending(self) -> bool:
        """Whether this side is not muted here."""
        return self.media is None or not self.media.session.muted

    def membership(self, member: Member) -> CallMembership:
        """How the app sees somebody in the call."""
        return membership(self.machine, member, sending=self.is_sending)

    # --- carrying out ---

    def carry_out(self, effect: io.Effect | phone.PostTransfer | phone.PostConference) -> None:
        """Do what the engine has decided."""
        match effect:
            case MakeOffer() | MakeAnswer() | ApplyAnswer():
                self._open_media()
                if self._negotiator is not None:
                    self._negotiator.do(effect)
            case io.PatchConnected():
                self._open_media()
                self._requests.send(effect)
            case (
                PostOffer()
                | PostRoap()
                | io.PatchAlerting()
                | io.PostHold()
                | io.PostStatus()
                | phone.PostTransfer()
                | phone.PostConference()
            ):
                self._requests.send(effect)
            case io.Disconnect():
                metrics = self.media.metrics if self.media is not None else CallMetrics()
                self._requests.disconnect(effect, metrics)
            case io.CloseMedia():
                self._closing = self._supervisor.spawn(self._close_media(), "offhook-close-media")
                self._calls.over(self)
            case io.CommandDone(command=number):
                self._calls.answered(number, None)
            case io.CommandFailed(command=number, error=error):
                self._failed(number)
                self._calls.answered(number, error)
            case io.Transition(old=old, event=event, new=new):
                logger.info(
                    "call %s: %s -> %s -> %s, trackingId %s",
                    self.machine.call_id or self.key,
                    old,
                    event,
                    new,
                    self.machine.info.tracking_id,
                )
            case _:
                self._report(effect)

    def _report(self, what: io.News) -> None:
        match what:
            case io.Incoming():
                self._calls.incoming(self)
            case io.RingingStarted():
                self._start_ringing(what)
            case io.RingingStopped():
                if self._ringer is not None:
                    self.news.tell(news.StopRingingEvent(self.call, self._ringer))
                    self._ringer = None
            case io.Connected():
                self._connected()
            case io.InfoChanged():
                self._tell_info()
            case io.HoldChanged(held=held, by_local=by_local):
                if self.media is not None:
                    self.media.pause(paused=held)
                info = news.HoldResumeInfo(held, by_local)
                self.news.tell(news.CallHoldStateChangedEvent(self.call, info))
            case io.MemberChanged(change=change, member=member):
                self._tell_membership(change, self.membership(member))
            case io.SpeakerChanged(before=before, now=now):
                who = self.membership(before) if before is not None else None
                event = news.ActiveSpeakerChangedEvent(self.call, who, self.membership(now))
                self.news.tell(event)
            case io.MutedByService():
                self.tell_sending()
            case io.AnswerRequested():
                self.news.tell(news.AnswerRequestedEvent(self.call))
                self._calls.answer_requested(self)
            case io.AssociatedEnded(consultation=key, reason=reason):
                ended = news.AssociatedCallEndedEvent(self.call, self._calls.by_key(key), reason)
                self.news.tell(ended)
            case io.Ended(end=end):
                self.news.tell(news.disconnected(self.call, end))
            case _:
                assert_never(what)
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def _start_ringing(self, started: io.RingingStarted) -> None:
        self.news.tell(news.RingingEvent(self.call))
        if not started.tone:
            if self.media is not None:
                self.media.listen()  # the other side is to be heard already
            return
        if started.ringing is io.Ringing.OUTGOING:
            self._ringer = RingerType.OUTGOING
        else:
            waiting = self._calls.another_is_up(self)
            self._ringer = RingerType.CALL_WAITING if waiting else RingerType.INCOMING
        self.news.tell(news.StartRingingEvent(self.call, self._ringer))

    def _connected(self) -> None:
        if self.media is not None:
            self.media.pause(paused=self.machine.held)
            self.media.talk()
        self.news.tell(news.ConnectedEvent(self.call))
        if self.machine.info.tracking_id:
            self._tell_info()

    def _tell_info(self) -> None:
        self.info_known = True
        self.news.tell(news.InfoChangedEvent(self.call))

    def tell_sending(self) -> None:
        """The call was muted or unmuted, here or by the service."""
        sending = self.call.is_sending_audio
        self.news.tell(news.SendingAudioEvent(self.call, sending, SendingAudioChangeResult.SUCCESS))

    def _tell_membership(self, change: io.Change, who: CallMembership) -> None:
        match change:
            case io.Change.JOINED:
                self.news.tell(news.MembershipJoinedEvent(self.call, who))
            case io.Change.LEFT:
                left = replace(who, state=CallMembershipState.LEFT)
                self.news.tell(news.MembershipLeftEvent(self.call, left))
            case io.Change.HELD:
                self.news.tell(news.MembershipHeldEvent(self.call, who))
            case io.Change.MUTED:
                self.news.tell(news.MembershipSendingAudioEvent(self.call, who))
            case _:
                assert_never(change)

    # --- audio ---

    def _open_media(self) -> None:
        if self.media is not None or self._option is None:
            return
        self.media = CallMedia(
            self._calls.leg_config(),
            self._option,
            MediaEvents(
                on_lost=lambda error: self.feed(io.MediaLost(error)),
                on_dtmf=lambda digit: self.news.tell(news.DTMFReceivedEvent(self.call, digit)),
                on_source_end=self._source_ended,
                on_error=lambda error: self.news.tell(news.AudioFailedEvent(self.call, error)),
            ),
            self._supervisor,
        )
        self._negotiator = CallNegotiator(self.media, self.feed, self._supervisor)
        self.audio.attach(self.media)

    def _failed(self, command: int) -> None:
        if command == self._answering and self.media is None and self._option is not None:
            # It rings on, and may be answered with other audio.
            option, self._option, self._answering = self._option, None, None
            self._supervisor.spawn(option.close(), "offhook-close-option")

    def _source_ended(self) -> None:
        self.audio.source_ended()
        self.news.tell(news.AudioSourceEndedEvent(self.call))

    async def _close_media(self) -> None:
        if self._negotiator is not None:
            await self._negotiator.close()
        elif self._option is not None:
            await self._option.close()
        self.audio.end()
