"""The shell around the exchange: inputs go in here, and their effects are carried out in order.

It decides nothing. Everything runs on the event loop, one input at a time.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from offhook.engine.exchange import Exchange
from offhook.engine.exchange.effects import (
    CallerChanged,
    Effect,
    LineLost,
    LineOffered,
    LineRings,
    Record,
    Tell,
    Transition,
    ViewChanged,
    WindowClosed,
    WindowEffect,
    WindowOpened,
)
from offhook.engine.exchange.inputs import Input, MediaNews, Shutdown, Tick
from offhook.service.calls.events import mobius_event
from offhook.service.lines.registry import Line
from offhook.service.media import MediaPlane
from offhook.service.mercury import MercuryHub
from offhook.service.records import Records

logger = logging.getLogger(__name__)

#: How long a client's first events wait at most for the answer to its request to be written.
_HOLD_BACK_SECONDS = 5.0
#: Seconds by which a timer of the exchange may be late: looking for the next one takes its time.
_TIMER_SECONDS = 0.05


class Lines(Protocol):
    """Finds the line that something is to be told to."""

    def get(self, line_id: str) -> Line | None:
        """The line, if it is registered."""


Observer = Callable[[float, Input | Effect], None]


class ExchangeShell:
    """See the module. `clock` gives Unix seconds; `on_window` is told of ring windows.

    `observe` lets somebody watch inputs and effects with their times, as `offhook demo` does.
    """

    def __init__(
        self,
        exchange: Exchange,
        hub: MercuryHub,
        records: Records,
        clock: Callable[[], float],
        on_window: Callable[[WindowEffect], None],
    ) -> None:
        self._exchange = exchange
        self._on_window = on_window
        self._hub = hub
        self._records = records
        self._clock = clock
        self._plane: MediaPlane | None = None
        self._lines: Lines | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._looking: asyncio.TimerHandle | None = None
        self._stopped = False
        self._held_back: dict[str, list[Tell]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._observers: list[Observer] = []

    def attach(self, plane: MediaPlane, lines: Lines) -> None:
        """Say where media effects go and which lines there are, before the first input."""
        self._plane = plane
        self._lines = lines

    def observe(self, observer: Observer) -> None:
        """Call `observer` with each input and effect from now on."""
        self._observers.append(observer)

    @property
    def exchange(self) -> Exchange:
        """For reading only."""
        return self._exchange

    def submit(self, event: Input) -> None:
        """Give `event` to the exchange. Raises ExchangeRefused for a command that cannot be."""
        now = self._clock()
        try:
            effects = self._exchange.handle(event, now)
            for observer in self._observers:
                observer(now, event)
            for effect in effects:
                for observer in self._observers:
                    observer(now, effect)
                self._carry_out(effect)
        finally:
            self._look_for_timer()

    def on_media(self, news: MediaNews) -> None:
        """What the media plane reports."""
        self.submit(news)

    def hold_back(self, key: str) -> None:
        """Keep what there is to tell about a line or a call: its client does not know the id yet.

        Until `release` or `answered`, or five seconds have passed.
        """
        self._held_back[key] = []
        asyncio.get_running_loop().call_later(_HOLD_BACK_SECONDS, self.release, key)

    def release(self, key: str) -> None:
        """The client knows the line or the call now."""
        for tell in self._held_back.pop(key, ()):
            self._tell(tell)

    async def answered(self, key: str, settling: float = 0.0) -> None:
        """`release`, for what runs after an answer has been written.

        `settling` seconds later, where the client must have read it before it hears more: answer
        and event take two connections.
        """
        if settling:
            asyncio.get_running_loop().call_later(settling, self.release, key)
        else:
            self.release(key)

    async def stop(self) -> None:
        """End every call, and wait until their records are kept."""
        self.submit(Shutdown())
        self._stopped = True
        for timer in (self._timer, self._looking):
            if timer is not None:
                timer.cancel()
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Tell():
                self._tell(effect)
            case (
                WindowOpened()
                | LineOffered()
                | LineRings()
                | LineLost()
                | CallerChanged()
                | WindowClosed()
            ):
                self._on_window(effect)
            case Record(record=record):
                task = asyncio.create_task(self._records.keep(record), name="keep-call-record")
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            case ViewChanged():
                pass  # For who observes.
            case Transition():
                logger.info(
                    "call %s: %s -> %s -> %s, trackingId %s",
                    effect.call_id,
                    effect.old,
                    effect.event,
                    effect.new,
                    effect.tracking_id,
                )
            case _:
                if self._plane is not None:
                    self._plane.carry_out(effect)

    def _tell(self, tell: Tell) -> None:
        for key in (tell.line_id, tell.call_id):
            if key in self._held_back:
                self._held_back[key].append(tell)
                return
        line = self._lines.get(tell.line_id) if self._lines is not None else None
        if line is None:
            return  # The client unregistered: there is nobody to tell.
        event = mobius_event(tell, line)
        self._hub.publish((line.person_id, line.client_id), event, tell.tracking_id)

    def _look_for_timer(self) -> None:
        if self._looking is None and not self._stopped:
            loop = asyncio.get_running_loop()
            self._looking = loop.call_later(_TIMER_SECONDS, self._set_timer)

    def _set_timer(self) -> None:
        self._looking = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline = self._exchange.deadline
        if deadline is not None:
            delay = max(deadline - self._clock(), 0.0)
            self._timer = asyncio.get_running_loop().call_later(delay, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self.submit(Tick())
