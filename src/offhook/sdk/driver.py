"""Runs a sans-I/O state machine on the event loop: inputs in order, effects in order, ticks."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

Input = TypeVar("Input")
Effect = TypeVar("Effect")
InputContra = TypeVar("InputContra", contravariant=True)
EffectCo = TypeVar("EffectCo", covariant=True)


class Machine(Protocol[InputContra, EffectCo]):
    """What the machines of `engine.client` have in common."""

    @property
    def deadline(self) -> float | None:
        """When the next tick is due, on the clock of `handle`."""

    def handle(self, event: InputContra, now: float) -> Sequence[EffectCo]:
        """Take an input and the time; what has to be done comes out."""


class Driver(Generic[Input, Effect]):
    """Feeds `machine` and hands its effects to `carry_out`, one input at a time.

    What is fed from within `carry_out` waits its turn. `tick` is the machine's own tick input.
    """

    def __init__(
        self,
        machine: Machine[Input, Effect],
        carry_out: Callable[[Effect], None],
        tick: Input,
    ) -> None:
        self._machine = machine
        self._carry_out = carry_out
        self._tick = tick
        self._waiting: deque[Input] = deque()
        self._busy = False
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def feed(self, event: Input) -> None:
        """Give an input. Raises what the machine raises for a command it refuses."""
        if self._busy:
            self._waiting.append(event)
            return
        self._busy = True
        try:
            self._step(event)
            while self._waiting:
                self._step(self._waiting.popleft())
        finally:
            self._busy = False
            self._set_timer()

    def close(self) -> None:
        """No more ticks."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()

    def _step(self, event: Input) -> None:
        for effect in self._machine.handle(event, asyncio.get_running_loop().time()):
            self._carry_out(effect)

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline = self._machine.deadline
        if deadline is not None and not self._closed:
            self._timer = asyncio.get_running_loop().call_at(deadline, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self.feed(self._tick)
