"""Encoded sounds, 20 ms at a time, to any number of legs from one clock."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from offhook.media.leg import LegState
from offhook.media.relay import RelayPort

#: Seconds of audio in one packet.
FRAME_SECONDS = 0.020

# After a longer stall than this the clock starts anew: a burst would overrun jitter buffers.
_LONGEST_CATCH_UP = 5


class Player:
    """What one leg hears of the service's own sounds.

    A `sound` is a sequence of Opus packets of 20 ms. Digits and the like are queued as inserts,
    which play before the sound goes on. Nothing plays, and nothing is lost, until the leg can send.
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
        repeat: bool = False,
        on_end: Callable[[], None] | None = None,
    ) -> None:
        """Play `sound` from its start instead of what played; `on_end` once it is through."""
        self._sound = sound
        self._position = 0
        self._repeat = repeat
        self._on_end = on_end

    def insert(self, sound: Sequence[bytes]) -> None:
        """Play `sound` now, behind inserts that still play."""
        self._inserts.extend(sound)

    def step(self, now: float) -> bool:
        """Send the packet of the 20 ms from `now`, if the leg can send. False at the end of all."""
        leg = self._port.leg
        if leg.state is not LegState.CONNECTED or not leg.direction.sends:
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


class PlayoutClock:
    """Steps all players every 20 ms of the event loop's time, and catches up after a stall.

    It runs only while somebody plays.
    """

    def __init__(self) -> None:
        self._players: dict[Player, None] = {}
        self._next = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, player: Player) -> None:
        """Step `player` from now on, until it has nothing more to play."""
        self._players[player] = None
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._next = loop.time() + FRAME_SECONDS
            self._timer = loop.call_at(self._next, self._tick)

    @property
    def is_idle(self) -> bool:
        """Whether nobody plays."""
        return not self._players

    def remove(self, player: Player) -> None:
        """Leave `player` alone. Not an error if it is not there."""
        self._players.pop(player, None)

    def stop(self) -> None:
        """Leave everybody alone."""
        self._players.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        self._timer = None
        if not self._players:
            return
        loop = asyncio.get_running_loop()
        now = loop.time()
        due = int((now - self._next) / FRAME_SECONDS) + 1
        if due > _LONGEST_CATCH_UP:
            self._next = now
            due = 1
        for _ in range(due):
            for player in list(self._players):
                if not player.step(self._next):
                    self._players.pop(player, None)
            self._next += FRAME_SECONDS
        self._timer = loop.call_at(self._next, self._tick)
