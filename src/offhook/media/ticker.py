"""The 20 ms clock of whatever the service itself lets its legs hear."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from offhook.media.samples import FRAME_SECONDS

# After a longer stall than this the clock starts anew: a burst would overrun jitter buffers.
_LONGEST_CATCH_UP = 5
# A step that is through so much after it was due eats into what a jitter buffer holds.
_LATE = 0.005


@dataclass(slots=True)
class Lateness:
    """How punctual steps were: from when one was due until it was through.

    `late` counts those that took more than 5 ms, `skipped` those that were given up after a stall;
    `worst` is in seconds.
    """

    steps: int = 0
    late: int = 0
    skipped: int = 0
    worst: float = 0.0

    def note(self, seconds: float) -> None:
        """One step was through `seconds` after it was due."""
        self.steps += 1
        self.late += seconds > _LATE
        self.worst = max(self.worst, seconds)


class Ticker:
    """Calls `step` with the time for which it is due, every 20 ms of the event loop's time.

    After a stall it catches up, a step in each turn of the loop.
    """

    def __init__(self, step: Callable[[float], None], lateness: Lateness | None = None) -> None:
        self._step = step
        self._lateness = lateness or Lateness()
        self._timer: asyncio.TimerHandle | None = None
        self.due = 0.0

    @property
    def is_running(self) -> bool:
        """Whether a step is to come."""
        return self._timer is not None

    def start(self, delay: float = FRAME_SECONDS) -> None:
        """Step for the first time after `delay` seconds. Nothing if it is running."""
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self.due = loop.time() + delay
            self._timer = loop.call_at(self.due, self._tick)

    def stop(self) -> None:
        """No step from now on, not even of those that are overdue."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        missed = int((now - self.due) / FRAME_SECONDS)
        if missed >= _LONGEST_CATCH_UP:
            self._lateness.skipped += missed
            self.due = now
        timer, due = self._timer, self.due
        self.due += FRAME_SECONDS
        try:
            self._step(due)
            self._lateness.note(monotonic() - due)
        finally:
            # Also behind a step that failed: the loop tells, and the next one may do better. Behind
            # the time, this still lets a turn of the loop pass, in which packets are read.
            if self._timer is timer:
                self._timer = loop.call_at(self.due, self._tick)
