"""The phone itself: carries out what it is told, and says what happens. It decides nothing."""

import asyncio
import itertools
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, assert_never

from offhook import (
    Call,
    CallAssociationType,
    CallStatus,
    Direction,
    DirectTransferResult,
    MediaOption,
    PhoneServiceRegistrationFailureReason,
    UCLoginServerConnectionStatus,
    Webex,
    WebexError,
    WebexUCLoginDelegate,
)
from offhook.cli.desk import commands as do
from offhook.cli.desk.choices import RefusedError
from offhook.cli.desk.seat import Seat
from offhook.cli.desk.snapshot import call_view
from offhook.cli.desk.telling import News, arrived, name_of
from offhook.cli.desk.view import PhoneView, Services
from offhook.cli.report import Report

#: Seconds that a transfer waits for somebody to answer.
TRANSFER_SECONDS = 30.0
#: Seconds in which calls are ended when the phone is put away.
_END_SECONDS = 5.0

_STATUS = UCLoginServerConnectionStatus
_PURPOSES = {
    do.Purpose.ADD: CallAssociationType.MERGE,
    do.Purpose.TRANSFER: CallAssociationType.TRANSFER,
}
# What programs know a command by, where that is not the name of its class.
_NAMES: dict[type[do.Command], str] = {do.Press: "tones", do.SendOn: "transfer"}


class DeskPhone:
    """One person's phone, from when the program begins to when it ends.

    It has calls while it is `run`. `media` makes the audio of a call. With `answers` it answers by
    itself. `on_change` is called when there may be something new to see.
    """

    def __init__(
        self, media: Callable[[], MediaOption], report: Report, *, answers: bool = False
    ) -> None:
        self._media = media
        self._report = report
        self._answers = answers
        self._seats: list[Seat] = []
        self._order = itertools.count(1)
        self._view = PhoneView()
        self._standing = Services.SIGNING_IN
        self._webex: Webex | None = None
        self._group: asyncio.TaskGroup | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._quit = asyncio.Event()
        self._changed = asyncio.Event()
        self._had_calls = False
        self.on_change: Callable[[], None] = lambda: None

    # --- what is to be seen ---

    @property
    def view(self) -> PhoneView:
        """The phone as it is now."""
        self._adopt()
        standing = self._standing
        if standing is Services.READY and not self.runs:
            standing = Services.SIGNING_IN  # A call would not be taken yet.
        self._view = replace(self._view, services=standing)
        slots = {seat.call: seat.slot for seat in self._seats}
        seats = sorted(self._seats, key=lambda seat: seat.slot)
        calls = tuple(call_view(seat, slots, self._view.owner) for seat in seats)
        self._view = self._view.showing(calls)
        return self._view

    def belongs_to(self, owner: str, number: str) -> None:
        """Whose phone it is."""
        self._view = replace(self._view, owner=owner, number=number)
        self.changed()

    def stands(self, services: Services) -> None:
        """How it stands with the phone services."""
        self._standing = services
        self.changed()

    def changed(self) -> None:
        """There may be something new."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        self.on_change()

    # --- its life ---

    async def run(self, webex: Webex, *, once: bool, patience: float | None = None) -> bool:
        """Have calls until the phone is put away, or with `once` until there were some.

        False if none came within `patience` seconds, where that is given.
        """
        try:
            async with asyncio.TaskGroup() as group:
                return await self._live(group, webex, once, patience)
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from errors  # whoever reads on is told of the first one

    async def _live(
        self, group: asyncio.TaskGroup, webex: Webex, once: bool, patience: float | None
    ) -> bool:
        self._webex, self._group, self._had_calls = webex, group, False
        self._spawn(self._take_calls(webex), "desk-incoming")
        self.changed()
        try:
            came = await self._until_over(once, patience)
            await self._end_calls(webex)
        finally:
            self._webex = self._group = None
            for task in self._tasks:
                task.cancel()
        return came

    @property
    def is_put_away(self) -> bool:
        """Whether the person has had enough."""
        return self._quit.is_set()

    @property
    def runs(self) -> bool:
        """Whether it can have calls at the moment."""
        return self._group is not None

    async def begun(self) -> None:
        """Wait until it has signed in, or sleeps."""
        while self.view.services is Services.SIGNING_IN:
            await self._changed.wait()

    def leave(self) -> None:
        """Put it away: end all calls."""
        self._quit.set()
        self.changed()

    async def put_away(self) -> None:
        """Wait until the person has had enough."""
        await self._quit.wait()

    async def _until_over(self, once: bool, patience: float | None) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while not self._had_calls and not self.is_put_away:
                    await self._changed.wait()
        if patience is not None and not self._had_calls:
            return False
        while not self.is_put_away and not (once and self._had_calls and not self._seats):
            await self._changed.wait()
        return True

    async def _end_calls(self, webex: Webex) -> None:
        for seat in self._seats:
            if seat.waiting is not None:
                seat.waiting.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(_END_SECONDS):
                await webex.phone.end_calls()
                while self._seats:
                    await self._changed.wait()

    # --- calls ---

    async def _take_calls(self, webex: Webex) -> None:
        async for call in webex.phone.incoming_calls():
            active = next((seat for seat in self._seats if _is_heard(seat.call)), None)
            seat = self._seat(call)
            self._tell(seat, arrived(call, conflicts_with=name_of(active.call) if active else ""))
            self._answer_by_itself()

    def _answer_by_itself(self) -> None:
        """Where that is wanted, and nobody is talked with: a call in progress is not disturbed."""
        if not self._answers or any(_is_heard(seat.call) or seat.busy for seat in self._seats):
            return
        for seat in self._seats:
            if seat.call.direction is Direction.INCOMING and seat.call.status is CallStatus.RINGING:
                self.obey(do.Answer(seat.slot))
                return

    def _adopt(self) -> None:
        """Outgoing calls are there before the service has taken them."""
        if self._webex is None:
            return
        known = {seat.call for seat in self._seats}
        for call in self._webex.phone.calls:
            outgoing = call.direction is Direction.OUTGOING and call.end_reason is None
            if outgoing and call not in known:
                self._seat(call)

    def _seat(self, call: Call) -> Seat:
        known = next((seat for seat in self._seats if seat.call is call), None)
        if known is not None:
            return known
        taken = {seat.slot for seat in self._seats}
        slot = next(slot for slot in itertools.count(1) if slot not in taken)
        seat = Seat(slot, next(self._order), call, self._tell, self.changed)
        self._seats.append(seat)
        self._had_calls = True
        self._spawn(self._occupy(seat), f"desk-call-{slot}")
        self.changed()
        return seat

    async def _occupy(self, seat: Seat) -> None:
        listening = asyncio.create_task(seat.listen(), name=f"desk-ear-{seat.slot}")
        try:
            await seat.watch()
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening
            self._seats.remove(seat)
            self.changed()
        self._answer_by_itself()

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None] | None:
        """Run it for as long as the phone runs; what it raises ends the phone."""
        if self._group is None:
            work.close()
            return None
        task = self._group.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _tell(self, seat: Seat, news: News) -> None:
        self._report.event(news.name, news.sentence, **seat.fields(), **news.fields)

    # --- commands ---

    def obey(self, command: do.Command) -> asyncio.Task[None] | None:
        """Carry it out. The task, if it takes time, ends when it is done or has failed."""
        match command:
            case do.Quit():
                self._quit.set()
            case do.Select(slot=slot):
                self._view = replace(self._view, selected=slot)
            case do.TakeBack(slot=slot):
                for seat in self._seats:
                    if seat.slot == slot and seat.waiting is not None:
                        seat.waiting.cancel()
            case _:
                return self._spawn(self._carry_out(command), "desk-command")
        self.changed()
        return None

    async def _carry_out(self, command: do.Command) -> None:
        try:
            await self._do(command)
        except RefusedError as refusal:
            self._report.event("refused", str(refusal))
        except WebexError as error:
            if not self.is_put_away:
                name = _NAMES.get(type(command), type(command).__name__.lower())
                self._report.event("failed", str(error), command=name, code=error.code.name)
        finally:
            self.changed()

    async def _do(self, command: do.Command) -> None:
        match command:
            case do.Answer(slot=slot):
                with self._being(slot, "answering") as seat:
                    await seat.call.answer(self._media())
            case do.Decline(slot=slot):
                with self._being(slot, "declining") as seat:
                    await seat.call.reject()
            case do.HangUp(slot=slot):
                with self._being(slot, "hanging up") as seat:
                    await seat.call.hangup()
            case do.Hold(slot=slot):
                with self._being(slot, "holding") as seat:
                    await seat.call.hold()
            case do.Resume(slot=slot):
                with self._being(slot, "resuming") as seat:
                    await seat.call.resume()
            case do.Mute(slot=slot, muted=muted):
                call = self._at(slot).call
                await (call.mute() if muted else call.unmute())
            case do.Press(slot=slot, digits=digits):
                await self._press(self._at(slot), digits)
            case do.Dial(number=number):
                await self._dial(number)
            case do.Consult():
                await self._consult(command)
            case do.Join(new=new, old=old):
                with self._being(old, "joining"), self._being(new, "joining") as seat:
                    await seat.call.merge_calls(self._at(old).call)
            case do.Complete(old=old, new=new):
                with self._being(new, "transferring"), self._being(old, "transferring") as seat:
                    await seat.call.transfer_call(self._at(new).call)
            case do.SendOn():
                await self._send_on(command)
            case do.Select() | do.TakeBack() | do.Quit():
                return  # Done at once, in `obey`.
            case _:
                assert_never(command)

    async def _dial(self, number: str) -> None:
        if self._webex is None:
            return
        phone = self._webex.phone
        dial = phone.dial if "@" in number else phone.dial_phone_number
        call = await dial(number, self._media())
        self._dialled(call, number)

    async def _consult(self, command: do.Consult) -> None:
        with self._being(command.slot, "calling somebody else") as seat:
            call = await seat.call.start_associated_call(
                command.number, _PURPOSES[command.purpose], self._media()
            )
            self._dialled(call, command.number)

    def _dialled(self, call: Call, number: str) -> None:
        if call.end_reason is None:
            seat = self._seat(call)
            self._tell(seat, News("dialled", f"Calling {name_of(call)}", {"number": number}))

    async def _send_on(self, command: do.SendOn) -> None:
        seat, number, wait = self._at(command.slot), command.number, command.wait
        who = name_of(seat.call)
        words = f"transferring to {number}" + (", when they answer" if wait else "")
        waiting = asyncio.create_task(
            seat.call.direct_transfer_call(number, wait=wait, timeout=TRANSFER_SECONDS),
            name="desk-transfer",
        )
        seat.waiting = waiting if wait else None
        try:
            with self._being(command.slot, words):
                await asyncio.wait([waiting])
        finally:
            waiting.cancel()
            seat.waiting = None
        if waiting.cancelled():
            self._tell(seat, News("taken_back", f"{who}: taken back"))
        elif waiting.result() is DirectTransferResult.NO_ERROR:
            self._tell(seat, News("sent_on", "", {"number": number}))
        else:
            self._tell(seat, News("failed", f"{who} cannot be transferred."))

    async def _press(self, seat: Seat, digits: str) -> None:
        async with seat.pressing:
            await seat.call.send_dtmf(digits)
        self._tell(seat, News("dtmf_sent", f"Sent {digits}", {"digits": digits}))

    def _at(self, slot: int) -> Seat:
        for seat in self._seats:
            if seat.slot == slot:
                return seat
        raise RefusedError("That call is over.")

    @contextmanager
    def _being(self, slot: int, busy: str) -> Iterator[Seat]:
        seat = self._at(slot)
        with seat.being(busy):
            yield seat


class ServicesWatch(WebexUCLoginDelegate):
    """Tells the phone how it stands with the phone services."""

    def __init__(self, phone: DeskPhone) -> None:
        self._phone = phone
        self._was_ready = False

    def on_uc_server_connection_state_changed(
        self,
        status: UCLoginServerConnectionStatus,
        failure_reason: PhoneServiceRegistrationFailureReason,  # noqa: ARG002 - the SDK's interface
    ) -> None:
        """Phone services are ready, or not."""
        match status:
            case _STATUS.CONNECTED:
                self._was_ready = True
                self._phone.stands(Services.READY)
            case _STATUS.FAILED | _STATUS.DISCONNECTED:
                self._phone.stands(Services.FAILED)
            case _ if self._was_ready:
                self._phone.stands(Services.CONNECTING)
            case _:
                self._phone.stands(Services.SIGNING_IN)


def _is_heard(call: Call) -> bool:
    return call.status is CallStatus.CONNECTED and not call.is_on_hold
