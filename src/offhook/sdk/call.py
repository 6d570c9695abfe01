"""A call, as the app holds it in its hands."""

import asyncio
from collections.abc import AsyncIterator
from types import TracebackType
from typing import TYPE_CHECKING, Self

from offhook.engine.client import call_io as io
from offhook.engine.client import phone_io as phone
from offhook.engine.client.model import CallStatus, Direction, EndReason
from offhook.engine.rtp.statistics import CallQuality
from offhook.engine.rtp.telephone_event import InvalidDigitError
from offhook.errors import (
    CallMediaError,
    CallStateError,
    CallTimeoutError,
    InvalidApiError,
    WebexError,
)
from offhook.media.errors import MediaError
from offhook.sdk import call_events as news
from offhook.sdk.call_audio import CallAudio
from offhook.sdk.call_media import CallMedia
from offhook.sdk.dialling import phone_number
from offhook.sdk.enums import CallAssociationType, DirectTransferResult
from offhook.sdk.media_option import MediaOption
from offhook.sdk.membership import CallMembership

if TYPE_CHECKING:
    from offhook.sdk.call_shell import CallShell
    from offhook.sdk.phone_calls import PhoneCalls

# A key takes less than this, with its pause.
_DIGIT_SECONDS = 0.5


class Call:
    """One call. Made by `Phone`; never by the app itself.

    Every command is awaited and raises `CallEndedError` on a call that is over, `CallStateError`
    where the call is not in a state for it, `CallTimeoutError` if the service does not confirm in
    time, `NetworkError` or `ServiceError` if it cannot be asked. Hold and resume that are asked
    for at the same time are done one after the other. A task that is cancelled while it waits for
    a command leaves the command to its end.
    """

    def __init__(self, shell: "CallShell", calls: "PhoneCalls") -> None:
        self._shell = shell
        self._machine = shell.machine
        self._calls = calls
        self.audio: CallAudio = shell.audio

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
        return self._machine.info.tracking_id if self._shell.info_known else ""

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
        party = self._machine.info.party
        return party.name or party.number

    @property
    def caller_number(self) -> str:
        """The number of the other party, empty if it is withheld."""
        return self._machine.info.party.number

    @property
    def group_name(self) -> str:
        """The name of the hunt group through which the call comes, empty if there is none."""
        return self._machine.info.group.name

    @property
    def group_number(self) -> str:
        """The number of the hunt group through which the call comes, empty if there is none."""
        return self._machine.info.group.number

    @property
    def memberships(self) -> tuple[CallMembership, ...]:
        """Who is in the call: this app's own side first, then the others."""
        return tuple(self._shell.membership(each) for each in self._machine.members)

    @property
    def is_group_call(self) -> bool:
        """Whether it is a conference: more than two are in it."""
        return self._machine.info.roster.conference

    @property
    def is_transfer_supported(self) -> bool:
        """Whether it can be transferred: connected, on hold or not, and not a conference."""
        return self._machine.is_up and not self.is_group_call

    @property
    def is_add_participant_supported(self) -> bool:
        """Whether somebody can be added: connected, on hold or not, a conference or not."""
        return self._machine.is_up

    @property
    def associated_with(self) -> "Call | None":
        """The call from which this one was begun by `start_associated_call`, while both last."""
        return self._calls.origin_of(self._shell)

    @property
    def association_type(self) -> CallAssociationType:
        """What `start_associated_call` was told that this call is meant for."""
        return self._shell.association_type

    @property
    def is_muted_by_service(self) -> bool:
        """Whether the service passes nothing on of what is said here; asked for elsewhere."""
        return self._machine.info.muted

    @property
    def is_on_hold(self) -> bool:
        """Whether this side holds the call."""
        return self._machine.held

    @property
    def is_sending_audio(self) -> bool:
        """Whether what the source says is heard: not while muted, here or by the service."""
        return self._shell.is_sending and not self.is_muted_by_service

    @property
    def end_reason(self) -> EndReason | None:
        """Why the call ended, and who ended it; None while it has not."""
        return self._machine.end.reason if self._machine.end is not None else None

    @property
    def quality(self) -> CallQuality | None:
        """How the audio has been so far, None before there is any."""
        media = self._shell.media
        return media.quality if media is not None else None

    # --- commands ---

    async def answer(self, option: MediaOption | None = None) -> None:
        """Take the call. Returns when it is connected.

        Only an incoming call that rings. Another call that is up is put on hold before; if that
        fails, this one rings on and both are as they were. Raises `PermissionRequiredError` or
        `InvalidApiError` if the audio of `option` cannot be opened; then the call rings on.
        """
        self._refuse_unless_ringing()
        option = option or MediaOption.audio_only()
        await option.open()
        try:
            self._refuse_unless_ringing()
        except WebexError:
            await option.close()
            raise
        await self._shell.answer(option)

    async def reject(self) -> None:
        """Decline the call: the person does not want it, on any device."""
        self._shell.refuse_if_over()
        self._shell.feed(io.Reject())
        await self._shell.told()

    async def hangup(self) -> None:
        """End the call, or give it up if it was not answered yet."""
        self._shell.refuse_if_over()
        self._shell.feed(io.Hangup())
        await self._shell.told()

    async def hold(self) -> None:
        """Put the other party on hold. Returns when that is so; at once if it is already."""
        await self._shell.command(lambda number: io.SetHold(number, held=True))

    async def resume(self) -> None:
        """Talk again with the party on hold. Returns when that is so; at once if it is already.

        Another call that is up is put on hold before. If that fails, or this one cannot be resumed,
        they are as they were; if the service gives no answer, both are on hold.
        """
        await self._shell.command(lambda number: io.SetHold(number, held=False))

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
        whom = phone_number(number)
        self._refuse_unless_up()
        return await self._calls.dial(whom, option, origin=self, association_type=association_type)

    async def merge_calls(self, target: "Call | str") -> None:
        """Join the old call `target`, or the one with that `call_id`, into this new one.

        Both connected, on hold or not, conferences or not. Returns when it is true: this call is
        the conference, and the old one has ended as `MERGED`. Raises `CallAssociationError` if the
        service does not join them; then both are as they were before.
        """
        key = self._calls.key_of(target)
        await self._shell.command(lambda number: phone.Merge(number, key))

    async def transfer_call(self, to: "Call | str") -> None:
        """Connect the other party of this old call with that of the new one `to`, and leave both.

        `to` is a call or a `call_id`; it is connected, or still rings at the other side. Returns
        when both have ended as `TRANSFERRED`. Raises `CallAssociationError` if the service refuses;
        then both are as they were before.
        """
        key = self._calls.key_of(to)
        await self._shell.command(lambda number: phone.Transfer(number, key))

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
        whom = phone_number(number)
        self._refuse_unless_up()
        if self.is_group_call:
            return DirectTransferResult.NOT_SUPPORTED
        if wait:
            await self._calls.transfer_when_answered(self, whom, timeout)
        else:
            await self._shell.command(lambda command: phone.DirectTransfer(command, whom.digits))
        return DirectTransferResult.NO_ERROR

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
            self._shell.refuse_if_over()
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
        await self._shell.finish()

    # --- waiting and watching ---

    async def connected(self) -> None:
        """Wait until the call is connected. Raises `CallEndedError` if it ends before."""
        while self.status is not CallStatus.CONNECTED:
            self._shell.refuse_if_over()
            await self._shell.changed()

    async def ended(self) -> EndReason:
        """Wait until the call is over and its audio closed. Returns why it ended."""
        while self._machine.end is None:
            await self._shell.changed()
        await self._shell.closed()
        return self._machine.end.reason

    def events(self) -> AsyncIterator[news.CallEvent]:
        """What happens to the call, from its beginning to its `CallDisconnectedEvent`.

        Whoever falls more than 256 events behind misses the oldest.
        """
        return self._shell.news.events()

    @property
    def observer(self) -> news.CallObserver | None:
        """The observer that was set last."""
        return self._shell.news.observer

    def set_observer(self, observer: news.CallObserver | None) -> None:
        """Tell `observer` what happens from now on.

        The first one is told at once what has happened since the call began, so that nothing is
        missed between dialling and this line.
        """
        self._shell.news.observe(observer)

    # --- small things ---

    @property
    def tracking_id(self) -> str:
        """The id that is the same from end to end, as soon as it is known; for the phone."""
        return self._machine.info.tracking_id

    def _set_sending(self, *, sending: bool) -> None:
        self._talking().session.muted = not sending
        self._shell.tell_sending()

    def _talking(self) -> CallMedia:
        self._refuse_unless_up()
        media = self._shell.media
        if self.is_on_hold or media is None:
            raise CallStateError("The call is on hold; resume it first.")
        return media

    def _refuse_unless_up(self) -> None:
        self._shell.refuse_if_over()
        if not self._machine.is_up:
            raise CallStateError("Only a connected call can do this; wait for connected().")

    def _refuse_unless_ringing(self) -> None:
        self._shell.refuse_if_over()
        self._machine.refuse_unless_alerting()
        if self._shell.is_being_answered:
            raise CallStateError("This call is being answered already.")
