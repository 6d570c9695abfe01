"""Encoded sounds, 20 ms at a time, to any number of legs from one clock."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from offhook.media.relay import RelayPort
from offhook.media.ticker import Ticker


class Player:
    """What one leg hears of the service's own sounds.

    A `sound` is a sequence of Opus packets of 20 ms. Digits and the like are queued as inserts,
    which play before the sound goes on. Nothing plays, and nothing is lost, until the leg can send;
    while something interrupts what the leg hears, the sound runs on unheard.
    """

    def __init__(self, port: RelayPort) -> None:
        self._port = port
        self._sound: Sequence[bytes] = ()
        self._position = 0
        self._repeat = False
        self._on_end: Callable[[], None] | None = None
        self._inserts: deque[bytes] = deque()

    def play(
        self,
        sound: Sequence[bytes],
        *,
        start: int = 0,
        repeat: bool = False,
        on_end: Callable[[], None] | None = None,
    ) -> None:
        """Play `sound` from its packet `start` instead of what played; `on_end` once it is through.

        ValueError if there is no such packet.
        """
        if not 0 <= start <= len(sound):
            raise ValueError(f"The sound has {len(sound)} packets; none is number {start}.")
        self._sound = sound
        self._position = start
        self._repeat = repeat
        self._on_end = on_end

    def insert(self, sound: Sequence[bytes]) -> None:
        """Play `sound` now, behind inserts that still play."""
        self._inserts.extend(sound)

    def step(self, now: float) -> bool:
        """Send the packet of the 20 ms from `now`, if the leg can send. False at the end of all."""
        if not self._port.leg.can_send:
            return True
        if self._inserts:
            self._port.send(self._inserts.popleft(), now)
            return True
        if self._position >= len(self._sound):
            return False
        self._port.send(self._sound[self._position], now)
        self._position += 1
        if self._position == len(self._sound):
            if self._repeat:
                self._position = 0
            elif self._on_end is not None:
                on_end, self._on_end = self._on_end, None
                on_end()
        return True


class Played(Protocol):
    """What a clock can step: a `Player`, or digits."""

    def step(self, now: float) -> bool:
        """Send what is to be heard in the 20 ms from `now`. False at the end of all."""


class PlayoutClock:
    """Steps all that is played every 20 ms of the event loop's time, and catches up after a stall.

    It runs only while something plays.
    """

    def __init__(self) -> None:
        self._played: dict[Played, None] = {}
        self._ticker = Ticker(self._step)

    def add(self, played: Played) -> None:
        """Step `played` from now on, until it has nothing more to play."""
        self._played[played] = None
        self._ticker.start()

    @property
    def is_idle(self) -> bool:
        """Whether nothing plays."""
        return not self._played

    def remove(self, played: Played) -> None:
        """Leave `played` alone. Not an error if it is not there."""
        self._played.pop(played, None)

    def stop(self) -> None:
        """Leave everything alone."""
        self._played.clear()
        self._ticker.stop()

    def _step(self, due: float) -> None:
        for played in list(self._played):
            if not played.step(due):
                self._played.pop(played, None)
        if not self._played:
            self._ticker.stop()
