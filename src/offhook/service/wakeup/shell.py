"""Carries out what the ring windows decide."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from typing import Protocol, assert_never

from offhook.engine.exchange.effects import WindowEffect
from offhook.engine.wakeup import RingWindows
from offhook.engine.wakeup.ring_windows import Effect, SendPush, Tick, Transition, WithdrawPushes
from offhook.engine.wakeup.window import Over
from offhook.service.firehose.event import FirehoseEvent
from offhook.service.wakeup.payload import push_data
from offhook.serving.metrics import Figure
from offhook.wire.ringing_call import RingingCall, RingingState
from offhook.wire.webhooks import TELEPHONY_PUSH, WebhookEventType

logger = logging.getLogger(__name__)

Observer = Callable[[float, Effect], None]


class Publisher(Protocol):
    """Where pushes go: the firehose."""

    def publish(self, event: FirehoseEvent) -> None:
        """Have it delivered, soon and by itself."""

    def withdraw(self, subject: str, resource: str) -> None:
        """What is not delivered yet does not matter any more."""


class WakeupShell:
    """See the module. `clock` gives Unix seconds. It decides nothing."""

    def __init__(self, firehose: Publisher, clock: Callable[[], float]) -> None:
        self._windows = RingWindows()
        self._firehose = firehose
        self._clock = clock
        self._timer: asyncio.TimerHandle | None = None
        self._observers: list[Observer] = []
        self._pushes = 0
        self._events: Counter[str] = Counter()
        self._stopped = False

    def observe(self, observer: Observer) -> None:
        """Call `observer` with each effect and its time from now on."""
        self._observers.append(observer)

    def on_window(self, effect: WindowEffect) -> None:
        """What the exchange says of a ring window."""
        self._handle(effect)

    def ask(self, call_id: str, person_id: str) -> RingingCall | None:
        """How it stands with a call that this person was woken for; None if it is not known."""
        window = self._windows.ask(call_id, person_id)
        if window is None:
            return None
        over = isinstance(window.state, Over)
        return RingingCall(
            callId=window.call_id,
            state=window.state.outcome if isinstance(window.state, Over) else RingingState.RINGING,
            trackingId=window.tracking_id,
            ringUntil=0 if over else int(window.until * 1000),
        )

    def stop(self) -> None:
        """No more timers."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()

    def figures(self) -> list[Figure]:
        """For ``/metrics``."""
        return [
            ("counter", "wakeup_pushes", "Pushes asked for.", lambda: self._pushes),
            *(
                ("gauge", f"wakeup_{state}", f"Ring windows that are {state}.", self._count(state))
                for state in ("pushed", "woken", "ringing", "over")
            ),
            *(
                (
                    "counter",
                    f"wakeup_outcome_{_snake(outcome)}",
                    f"Ring windows that ended: {outcome}.",
                    self._ended(outcome),
                )
                for outcome in RingingState
                if outcome is not RingingState.RINGING
            ),
        ]

    def _count(self, state: str) -> Callable[[], float]:
        return lambda: sum(type(each.state).__name__.lower() == state for each in self._windows)

    def _ended(self, outcome: RingingState) -> Callable[[], float]:
        return lambda: self._events[outcome]

    def _handle(self, event: WindowEffect | Tick) -> None:
        now = self._clock()
        for effect in self._windows.handle(event, now):
            for observer in self._observers:
                observer(now, effect)
            self._carry_out(effect)
        self._set_timer()

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case SendPush():
                self._pushes += 1
                self._firehose.publish(
                    FirehoseEvent(
                        resource=TELEPHONY_PUSH,
                        event=WebhookEventType.UPDATED,
                        actor_id=effect.callee.person_id,
                        data=push_data(effect),
                        until=effect.until,
                        subject=effect.call_id,
                    )
                )
            case WithdrawPushes():
                self._firehose.withdraw(effect.call_id, TELEPHONY_PUSH)
            case Transition():
                self._events[effect.event] += 1
                logger.info(
                    "ring window %s: %s -> %s -> %s, trackingId %s",
                    effect.call_id,
                    effect.old,
                    effect.event,
                    effect.new,
                    effect.tracking_id,
                )
            case _:
                assert_never(effect)

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline = self._windows.deadline
        if deadline is not None and not self._stopped:
            delay = max(deadline - self._clock(), 0.0)
            self._timer = asyncio.get_running_loop().call_later(delay, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._handle(Tick())


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
