"""One ring window and the states it goes through.

::

    Invited --push--> Pushed --line--> Woken --rings--> Ringing
    Invited --line--> Woken                Woken, Ringing --last line lost--> Pushed
    any of them --closed--> Over, remembered for whoever wakes too late

`Invited` lasts no longer than the input that opens it: the first push goes out at once.
"""

from dataclasses import dataclass, replace

from offhook.engine.exchange.model import EndReason, Party
from offhook.wire.ringing_call import RingingState

#: Seconds between one push and the next while no device has woken.
PUSH_GAPS = (5.0, 5.0, 10.0)
#: Pushes of one call at most, whatever becomes of the devices that they wake.
MOST_PUSHES = 6
#: A push in the last seconds of the window would wake a phone for a call that is over by then.
LAST_PUSH = 3.0
#: Seconds for which a call that is over is remembered for a phone that wakes too late.
REMEMBERED = 120.0


class _Open:
    """What all states have in common until it is over."""

    __slots__ = ()

    def closed(self, outcome: RingingState, now: float) -> "Over":
        """Nobody rings any more."""
        return Over(outcome, now + REMEMBERED)


@dataclass(frozen=True, slots=True)
class Invited(_Open):
    """The person is called; nothing was done about it yet."""

    def pushed(self, now: float) -> "Pushed":
        """The first push is out."""
        return Pushed(1, now, now + PUSH_GAPS[0])


@dataclass(frozen=True, slots=True)
class Pushed(_Open):
    """`count` pushes are out, the last one at `last`, and no device has woken. Next at `again`."""

    count: int
    last: float
    again: float | None

    def pushed(self, now: float) -> "Pushed":
        """One more is out."""
        count = self.count + 1
        again = now + PUSH_GAPS[count - 1] if count <= len(PUSH_GAPS) else None
        return Pushed(count, now, again)

    def woken(self, line_id: str) -> "Woken":
        """A device has woken and registered its line."""
        return Woken(self.count, self.last, frozenset({line_id}))


@dataclass(frozen=True, slots=True)
class Woken(_Open):
    """These lines are offered the call; none of them has said that it rings."""

    count: int
    last: float
    lines: frozenset[str]

    def woken(self, line_id: str) -> "Woken":
        """One more device."""
        return replace(self, lines=self.lines | {line_id})

    def ringing(self) -> "Ringing":
        """One of them rings."""
        return Ringing(self.count, self.last, self.lines)

    def lost(self, line_id: str, now: float) -> "Woken | Pushed":
        """A line is gone."""
        lines = self.lines - {line_id}
        return replace(self, lines=lines) if lines else _asleep_again(self.count, self.last, now)


@dataclass(frozen=True, slots=True)
class Ringing(_Open):
    """The call rings at one of these lines at least."""

    count: int
    last: float
    lines: frozenset[str]

    def woken(self, line_id: str) -> "Ringing":
        """One more device."""
        return replace(self, lines=self.lines | {line_id})

    def lost(self, line_id: str, now: float) -> "Ringing | Pushed":
        """A line is gone."""
        lines = self.lines - {line_id}
        return replace(self, lines=lines) if lines else _asleep_again(self.count, self.last, now)


def _asleep_again(count: int, last: float, now: float) -> Pushed:
    again = max(now, last + PUSH_GAPS[0]) if count < MOST_PUSHES else None
    return Pushed(count, last, again)


@dataclass(frozen=True, slots=True)
class Over:
    """What became of it, remembered until `forgotten`."""

    outcome: RingingState
    forgotten: float


State = Invited | Pushed | Woken | Ringing | Over


@dataclass(slots=True)
class Window:
    """A call that rings for a person, by the id that all devices know it by. Times in seconds."""

    call_id: str
    tracking_id: str
    caller: Party
    callee: Party
    until: float
    state: State
    group: Party | None = None

    @property
    def due(self) -> float | None:
        """When the next push, or forgetting it, is due."""
        match self.state:
            case Pushed(again=again) if again is not None and again <= self.until - LAST_PUSH:
                return again
            case Over(forgotten=forgotten):
                return forgotten
            case _:
                return None


OUTCOMES: dict[EndReason | None, RingingState] = {
    None: RingingState.ANSWERED,
    EndReason.REJECTED: RingingState.DECLINED,
    EndReason.CANCELLED: RingingState.CANCELLED,
    EndReason.NO_ANSWER: RingingState.NO_ANSWER,
}
