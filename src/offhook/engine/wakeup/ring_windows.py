"""All ring windows of a node: what the exchange says of them goes in, what to push comes out.

What is always true: one push goes out when a window opens; no further one while a device is awake,
and none after it has closed; a call is pushed `MOST_PUSHES` times at most; a push names who calls
now; whoever asks is told the state that holds now.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

from offhook.engine.exchange.effects import (
    CallerChanged,
    LineLost,
    LineOffered,
    LineRings,
    WindowClosed,
    WindowEffect,
    WindowOpened,
)
from offhook.engine.exchange.model import Party
from offhook.engine.exchange.timers import Timers
from offhook.engine.wakeup.window import OUTCOMES, Invited, Over, Pushed, Ringing, Window, Woken
from offhook.wire.ringing_call import RingingState


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""


@dataclass(frozen=True, slots=True)
class SendPush:
    """Have the person's devices woken; the `count`-th push of this call.

    `group` is the hunt group that was called, if one was.
    """

    call_id: str
    tracking_id: str
    caller: Party
    callee: Party
    until: float
    count: int
    group: Party | None = None


@dataclass(frozen=True, slots=True)
class WithdrawPushes:
    """Pushes of this call that are still on their way do not matter any more."""

    call_id: str


@dataclass(frozen=True, slots=True)
class Transition:
    """For log and trace: ``old -> event -> new`` of a window."""

    call_id: str
    tracking_id: str
    old: str
    event: str
    new: str


Effect = SendPush | WithdrawPushes | Transition


class RingWindows:
    """See the module. Times are Unix seconds."""

    def __init__(self) -> None:
        self._windows: dict[str, Window] = {}
        self._timers = Timers(self._due)
        self._out: list[Effect] = []
        self._now = 0.0

    def handle(self, event: WindowEffect | Tick, now: float) -> list[Effect]:
        """Take what the exchange says, or the time; returns what has to be done, in order."""
        self._now = max(now, self._now)
        self._out = []
        match event:
            case WindowOpened():
                self._open(event)
            case LineOffered() | LineRings() | LineLost() | CallerChanged() | WindowClosed():
                window = self._windows.get(event.ring_id)
                if window is not None:
                    self._change(window, event)
            case Tick():
                self._tick()
            case _:
                assert_never(event)
        return self._out

    @property
    def deadline(self) -> float | None:
        """When the next `Tick` is due, None if nothing waits."""
        return self._timers.next()

    def ask(self, call_id: str, person_id: str) -> Window | None:
        """The window of a call of this person, open or over; None if nothing is known of it."""
        window = self._windows.get(call_id)
        return window if window is not None and window.callee.person_id == person_id else None

    def __iter__(self) -> Iterator[Window]:
        return iter(self._windows.values())

    def _open(self, event: WindowOpened) -> None:
        window = Window(
            event.ring_id,
            event.tracking_id,
            event.caller,
            event.callee,
            event.until,
            Invited(),
            event.group,
        )
        self._windows[window.call_id] = window
        self._push(window, Invited())

    def _change(
        self,
        window: Window,
        event: LineOffered | LineRings | LineLost | CallerChanged | WindowClosed,
    ) -> None:
        state = window.state
        match event, state:
            case _, Over():
                return
            case LineOffered(line_id=line_id), Pushed() | Woken() | Ringing():
                self._enter(window, "woken", state.woken(line_id))
            case LineRings(), Woken():
                self._enter(window, "rings", state.ringing())
            case LineLost(line_id=line_id), Woken() | Ringing():
                self._enter(window, "lost", state.lost(line_id, self._now))
            case CallerChanged(caller=caller), Invited() | Pushed() | Woken() | Ringing():
                window.caller = caller
            case WindowClosed(reason=reason), Invited() | Pushed() | Woken() | Ringing():
                outcome = OUTCOMES.get(reason, RingingState.FAILED)
                self._enter(window, outcome, state.closed(outcome, self._now))
                self._out.append(WithdrawPushes(window.call_id))
            case _:
                return  # A second line that rings, or one that is lost twice, changes nothing.

    def _push(self, window: Window, state: Invited | Pushed) -> None:
        pushed = state.pushed(self._now)
        self._enter(window, "push", pushed)
        self._out.append(
            SendPush(
                window.call_id,
                window.tracking_id,
                window.caller,
                window.callee,
                window.until,
                pushed.count,
                window.group,
            )
        )

    def _enter(self, window: Window, event: str, state: Pushed | Woken | Ringing | Over) -> None:
        old, window.state = window.state, state
        self._out.append(
            Transition(
                window.call_id, window.tracking_id, _name(old), str(event), _name(window.state)
            )
        )
        self._timers.arm(window.call_id)

    def _tick(self) -> None:
        for call_id in self._timers.expired(self._now):
            window = self._windows[call_id]
            match window.state:
                case Over():
                    del self._windows[call_id]
                    self._timers.disarm(call_id)
                case Pushed() as state:
                    self._push(window, state)
                case _:
                    self._timers.arm(call_id)

    def _due(self, call_id: str) -> float | None:
        window = self._windows.get(call_id)
        return None if window is None else window.due


def _name(state: object) -> str:
    return type(state).__name__.lower()
