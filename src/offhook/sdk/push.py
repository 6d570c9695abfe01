"""Calls that are announced by push: carries out what `PushedCall` decides."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, assert_never

from offhook.engine.client import pushed_call as engine
from offhook.engine.client.model import CallStatus, Direction, EndReason
from offhook.engine.client.pushed_call import PushedCall
from offhook.errors import CallEndedError, NotAuthorizedError, ServiceError, WebexError
from offhook.sdk.call import Call
from offhook.sdk.driver import Driver
from offhook.sdk.enums import PushNotificationResult
from offhook.sdk.push_info import PushMessage, VoicePushInfo, voice_push_info
from offhook.sdk.supervisor import Supervisor
from offhook.wire.received_push import EmptyPushError, NotACallPushError
from offhook.wire.ringing_call import RingingCall

_REMEMBERED = 64
#: Seconds for the question how it stands with a call, and the way to whom to ask.
_ASKING = 5.0

_OVER = {
    EndReason.ANSWERED_ELSEWHERE: "The call was answered on another device.",
    EndReason.REJECTED: "The call was declined on another device.",
    EndReason.REMOTE_CANCEL: "The caller has given up.",
    EndReason.NO_ANSWER: "The call rings no more; nobody answered it.",
    EndReason.SERVICE_LOST: "The service does not know this call any more.",
}


class PushedServices(Protocol):
    """What is needed of phone services."""

    @property
    def ready(self) -> bool:
        """Whether a call could come now."""

    def hurry(self) -> None:
        """Connect, now and not after the pause that failures are followed by."""

    async def ask_ringing(self, call_id: str) -> RingingCall:
        """How it stands with a call. Waits until it is known whom to ask."""


@dataclass(frozen=True, slots=True)
class PushedSurroundings:
    """What is needed of the phone and of `Webex`."""

    initialize: Callable[[], Awaitable[None]]
    is_authorized: Callable[[], bool]
    calls: Callable[[], tuple[Call, ...]]
    is_full: Callable[[], bool]


class _Waiter:
    """Somebody waits for the call of `info`. `any_call`: ids cannot tell which call it is."""

    def __init__(
        self, info: VoicePushInfo, left: float | None, ask: Callable[["_Waiter"], None]
    ) -> None:
        self.info = info
        # Our own pushes name the call; of others it is not known by what they could be told apart.
        self.any_call = not info.call_id
        self.decided = asyncio.Event()
        self._machine = PushedCall(
            now=asyncio.get_running_loop().time(), left=left, asks=bool(info.call_id)
        )
        self._driver: Driver[engine.Input, engine.Effect] = Driver(
            self._machine, lambda _: ask(self), engine.Tick()
        )

    @property
    def outcome(self) -> engine.Outcome | None:
        """What came of it."""
        return self._machine.outcome

    def means(self, *ids: str) -> bool:
        """Whether it is the call with these ids."""
        return not {self.info.external_tracking_id, self.info.call_id}.isdisjoint({*ids} - {""})

    def feed(self, event: engine.Input) -> None:
        """Give the machine an input."""
        self._driver.feed(event)
        if self._machine.outcome is not None:
            self.decided.set()

    def close(self) -> None:
        """No more ticks."""
        self._driver.close()


class PushedCalls:
    """See the module. There is one for each `Phone`."""

    def __init__(
        self, services: PushedServices, supervisor: Supervisor, around: PushedSurroundings
    ) -> None:
        self._services = services
        self._supervisor = supervisor
        self._around = around
        self._waiters: list[_Waiter] = []
        self._past: OrderedDict[str, engine.Outcome] = OrderedDict()

    async def process(self, message: PushMessage) -> PushNotificationResult:
        """See `Phone.process_push_notification`."""
        try:
            info = voice_push_info(message)
        except EmptyPushError:
            return PushNotificationResult.EMPTY_MESSAGE
        except NotACallPushError:
            return PushNotificationResult.NOT_WEBEX_CALLING_PUSH
        await self._around.initialize()
        if not self._around.is_authorized():
            raise NotAuthorizedError("Nobody is signed in, so there is no phone that could ring.")
        left = None if info.ring_until is None else info.ring_until - time.time()
        waiter = _Waiter(info, left, self._ask)
        self._waiters.append(waiter)
        try:
            self._begin(waiter)
            await waiter.decided.wait()
        finally:
            self._waiters.remove(waiter)
            waiter.close()
        assert waiter.outcome is not None
        return _result(waiter.outcome)

    # --- told by the phone ---

    def rang(self, call: Call) -> None:
        """The app was told of an incoming call."""
        for waiter in self._waiters:
            if waiter.any_call or waiter.means(call.tracking_id, call.call_id):
                waiter.feed(engine.Rang())

    def over(self, call: Call) -> None:
        """A call has ended."""
        reason = call.end_reason
        if call.direction is not Direction.INCOMING or reason is None:
            return
        self._remember(engine.CallOver(reason), call.tracking_id, call.call_id)
        for waiter in self._waiters:
            if waiter.means(call.tracking_id, call.call_id):
                waiter.feed(engine.EndedHere(reason))

    def left_to_others(self, tracking_id: str, call_id: str) -> None:
        """An incoming call was refused, because there are as many as there may be."""
        self._remember(engine.TooMany(), tracking_id, call_id)
        for waiter in self._waiters:
            if waiter.any_call or waiter.means(tracking_id, call_id):
                waiter.feed(engine.Third())

    def line_stands(self) -> None:
        """A call could come now."""
        for waiter in self._waiters:
            waiter.feed(engine.LineStands())

    def line_failed(self, error: WebexError) -> None:
        """Phone services have failed."""
        for waiter in self._waiters:
            waiter.feed(engine.LineFailed(error, final=not error.retryable))

    # --- one push ---

    def _begin(self, waiter: _Waiter) -> None:
        if self._here(waiter):
            waiter.feed(engine.Rang())
            return
        info = waiter.info
        match self._past.get(info.external_tracking_id) or self._past.get(info.call_id):
            case engine.CallOver(reason=reason):
                waiter.feed(engine.EndedHere(reason))
                return
            case engine.TooMany():
                waiter.feed(engine.Third())
                return
            case _:
                pass
        if self._full() and not self._ringing():
            waiter.feed(engine.Third())
            return
        self._services.hurry()
        if self._services.ready:
            waiter.feed(engine.LineStands())
        waiter.feed(engine.Tick())

    def _here(self, waiter: _Waiter) -> bool:
        return (waiter.any_call and bool(self._ringing())) or any(
            call.direction is Direction.INCOMING and waiter.means(call.tracking_id, call.call_id)
            for call in self._around.calls()
            if call.status in (CallStatus.RINGING, CallStatus.CONNECTED)
        )

    def _ringing(self) -> list[Call]:
        return [
            call
            for call in self._around.calls()
            if call.direction is Direction.INCOMING and call.status is CallStatus.RINGING
        ]

    def _full(self) -> bool:
        return self._around.is_full()

    def _remember(self, outcome: engine.Outcome, *ids: str) -> None:
        for each in ids:
            if each:
                self._past[each] = outcome
        while len(self._past) > _REMEMBERED:
            self._past.popitem(last=False)

    # --- asking ---

    def _ask(self, waiter: _Waiter) -> None:
        self._supervisor.spawn(self._asked(waiter), "offhook-ask-ringing")

    async def _asked(self, waiter: _Waiter) -> None:
        try:
            async with asyncio.timeout(_ASKING):
                told = await self._services.ask_ringing(waiter.info.call_id)
        except ServiceError as error:
            if error.status == 404 and error.error_code is not None:
                waiter.feed(engine.Unknown())
                return
            # A cloud without the question is one whose ids of calls are not ours either.
            waiter.any_call = error.status == 404
            if self._here(waiter):
                waiter.feed(engine.Rang())
            elif waiter.any_call and self._full():
                waiter.feed(engine.Third())
            waiter.feed(engine.CannotSay())
        except (WebexError, TimeoutError):
            waiter.feed(engine.CannotSay())
        else:
            left = told.ringUntil / 1000 - time.time() if told.ringUntil else None
            waiter.feed(engine.Stands(told.state, left))
            if waiter.outcome is None and self._full():
                waiter.feed(engine.Third())


def _result(outcome: engine.Outcome) -> PushNotificationResult:
    match outcome:
        case engine.Rings():
            return PushNotificationResult.NO_ERROR
        case engine.TooMany():
            return PushNotificationResult.MAX_INCOMING_CALL_LIMIT_REACHED
        case engine.NothingCame():
            return PushNotificationResult.INTERNAL_ERROR
        case engine.CallOver(reason=reason):
            raise CallEndedError(_OVER.get(reason, "The call is over."), reason)
        case engine.Failed(error=error):
            raise error
        case _:
            assert_never(outcome)
