"""The attempts to deliver one event: at 0, 1, 2, 4 and 8 s, and never after it ceases to matter.

::

    Waiting --begin--> Trying --2xx--> Delivered
    Trying --failed--> Waiting | GivenUp
    Waiting, Trying --withdrawn--> GivenUp

A receiver that is slow to fail shifts what follows; nothing is tried twice at once.
"""

from dataclasses import dataclass

#: Seconds after its acceptance at which an event is tried.
OFFSETS = (0.0, 1.0, 2.0, 4.0, 8.0)
#: Seconds that one attempt may take.
TIMEOUT = 5.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """The next attempt is due at `at`; `made` were made."""

    accepted: float
    until: float
    at: float
    made: int = 0

    @classmethod
    def accepted_at(cls, now: float, until: float) -> "Waiting | GivenUp":
        """An event that was taken at `now` and matters until `until`."""
        return cls(now, until, now) if now < until else GivenUp(0)

    def begin(self, now: float) -> "Trying | GivenUp":
        """Try it now, if it still matters."""
        if now >= self.until:
            return GivenUp(self.made)
        return Trying(self.accepted, self.until, self.made + 1, min(TIMEOUT, self.until - now))


@dataclass(frozen=True, slots=True)
class Trying:
    """The `number`-th attempt is under way, for `seconds` at most."""

    accepted: float
    until: float
    number: int
    seconds: float

    def delivered(self) -> "Delivered":
        """It was taken."""
        return Delivered(self.number)

    def failed(self, now: float) -> "Waiting | GivenUp":
        """It was not: when to try again, if at all."""
        if self.number >= len(OFFSETS):
            return GivenUp(self.number)
        at = max(now, self.accepted + OFFSETS[self.number])
        if at >= self.until:
            return GivenUp(self.number)
        return Waiting(self.accepted, self.until, at, self.number)


@dataclass(frozen=True, slots=True)
class Delivered:
    """The receiver has it, after so many attempts."""

    attempts: int


@dataclass(frozen=True, slots=True)
class GivenUp:
    """It is of no use any more, after so many attempts."""

    attempts: int


Delivery = Waiting | Trying | Delivered | GivenUp
