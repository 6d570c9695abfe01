"""A call that was announced by push: does it ring here, or what became of it.

::

    Waiting --rang--> Rings
       |  ---over: told by the cloud, or it ended here--> CallOver
       |  ---a third call--> TooMany
       |  ---refused for good, or time is up--> Failed | CallOver | NothingCame

The question how it stands with the call goes out at once, beside the sign-in: who wakes too late is
told so before the line stands. It is asked again when the line stands and the call has not come
since, and at the end of the time: the answer may have changed meanwhile. A cloud that cannot be
asked is only waited for.
"""

from dataclasses import dataclass
from typing import assert_never

from offhook.engine.client.model import EndReason
from offhook.errors import WebexError
from offhook.wire.ringing_call import RingingState

#: Seconds for a call without a known end of its ring window, and the bounds of one that is known.
WITHOUT_WINDOW, SHORTEST, LONGEST = 15.0, 2.0, 120.0
#: Seconds from a line that stands to the question why the call does not come, then from one to the
#: next.
ASK_AGAIN = 1.5
#: Seconds after the end of the ring window until that is taken as the end of the wait.
GRACE = 0.5

_REASONS = {
    RingingState.ANSWERED: EndReason.ANSWERED_ELSEWHERE,
    RingingState.DECLINED: EndReason.REJECTED,
    RingingState.CANCELLED: EndReason.REMOTE_CANCEL,
    RingingState.NO_ANSWER: EndReason.NO_ANSWER,
    RingingState.FAILED: EndReason.ERROR,
}


# --- inputs ---


@dataclass(frozen=True, slots=True)
class Rang:
    """The call is here, and the app was told of it."""


@dataclass(frozen=True, slots=True)
class EndedHere:
    """The call was here and is over."""

    reason: EndReason


@dataclass(frozen=True, slots=True)
class Third:
    """There are as many calls as there may be, and this is a further one."""


@dataclass(frozen=True, slots=True)
class Stands:
    """The cloud's answer. `left` in seconds: how long it rings on, None if that is not told."""

    state: RingingState
    left: float | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """The cloud answers such questions, and knows nothing of this call any more."""


@dataclass(frozen=True, slots=True)
class CannotSay:
    """The cloud does not answer such questions, or not now."""


@dataclass(frozen=True, slots=True)
class LineStands:
    """Events come and the line is registered: the call could come now."""


@dataclass(frozen=True, slots=True)
class LineFailed:
    """There is no line, for now or for good."""

    error: WebexError
    final: bool


@dataclass(frozen=True, slots=True)
class Tick:
    """The time of the deadline has come."""


Input = Rang | EndedHere | Third | Stands | Unknown | CannotSay | LineStands | LineFailed | Tick


# --- effects ---


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask the cloud how it stands with the call."""


Effect = Ask


# --- outcomes ---


@dataclass(frozen=True, slots=True)
class Rings:
    """The app has the call in its hands."""


@dataclass(frozen=True, slots=True)
class TooMany:
    """A third call, which is left to other devices."""


@dataclass(frozen=True, slots=True)
class CallOver:
    """It is over, and why."""

    reason: EndReason


@dataclass(frozen=True, slots=True)
class Failed:
    """It could not come, because there is no line."""

    error: WebexError


@dataclass(frozen=True, slots=True)
class NothingCame:
    """It did not come, and nobody knows why."""


Outcome = Rings | TooMany | CallOver | Failed | NothingCame


class PushedCall:
    """See the module. Times in seconds of any steady clock; `left` is how long the call rings yet.

    `asks` says whether the push names a call that the cloud can be asked about.
    """

    def __init__(self, *, now: float, left: float | None, asks: bool) -> None:
        self._now = now
        self._until = now + _bounded(left)
        self._asks = asks
        self._asking = False
        self._ask_at = now if asks else None
        self._rings_there = False
        self._closing = False
        self._error: WebexError | None = None
        self._out: list[Effect] = []
        self.outcome: Outcome | None = None

    @property
    def deadline(self) -> float | None:
        """When the next `Tick` is due. At the beginning: at once."""
        if self.outcome is not None:
            return None
        return self._until if self._ask_at is None else min(self._until, self._ask_at)

    def handle(self, event: Input, now: float) -> list[Effect]:
        """Take an input and the time; returns what has to be done. Never raises."""
        self._now = max(now, self._now)
        self._out = []
        if self.outcome is None:
            self._take(event)
        return self._out

    def _take(self, event: Input) -> None:
        match event:
            case Rang():
                self.outcome = Rings()
            case EndedHere(reason=reason):
                self.outcome = CallOver(reason)
            case Third():
                self.outcome = TooMany()
            case Stands():
                self._told(event)
            case Unknown():
                self.outcome = CallOver(EndReason.SERVICE_LOST)
            case CannotSay():
                self._asking = False
                if self._closing:
                    self._time_is_up()
            case LineStands():
                self._error = None
                if self._asks and not self._closing:
                    again = self._now + ASK_AGAIN
                    self._ask_at = again if self._ask_at is None else min(self._ask_at, again)
            case LineFailed(error=error, final=final):
                self._error = error
                if final:
                    self.outcome = Failed(error)
            case Tick():
                self._tick()
            case _:
                assert_never(event)

    def _told(self, answer: Stands) -> None:
        self._asking = False
        if answer.state is not RingingState.RINGING:
            self.outcome = CallOver(_REASONS[answer.state])
            return
        self._rings_there = True
        if self._closing:
            self._time_is_up()
        elif answer.left is not None:
            # The cloud's clock is right; that of a phone, by which the push was read, may not be.
            self._until = self._now + _bounded(answer.left + GRACE)

    def _tick(self) -> None:
        if self._ask_at is not None and self._ask_at <= self._now:
            self._ask_at = self._now + ASK_AGAIN if self._rings_there else None
            self._ask()
        if self._until <= self._now:
            if self._closing or not self._asks or self._error is not None:
                self._time_is_up()
                return
            self._closing = True
            self._ask_at = None
            self._until = self._now + SHORTEST
            self._ask()

    def _ask(self) -> None:
        if not self._asking:
            self._asking = True
            self._out.append(Ask())

    def _time_is_up(self) -> None:
        if self._error is not None:
            self.outcome = Failed(self._error)
        elif self._rings_there:
            self.outcome = CallOver(EndReason.NO_ANSWER)
        else:
            self.outcome = NothingCame()


def _bounded(left: float | None) -> float:
    return WITHOUT_WINDOW if left is None else min(max(left, SHORTEST), LONGEST)
