"""The pushes of one app on their way to one provider: sans-I/O.

::

    waiting --send--> under way --taken, refused, dead--> finished
    under way --no answer, the first time--> waiting, before all others
    under way --again, no answer--> resting --its time has come--> waiting, before all others
    any of them --the ring window ended, shed, misconfigured--> finished

What is always true: every push is finished exactly once; none is sent at or after its `until`;
nothing is sent while there is no connection, nor when `capacity` are under way; the oldest are shed
first.
"""

from collections import deque
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from typing import assert_never

from offhook.engine.dispatch.model import Outcome, OutcomeKind, Push
from offhook.engine.dispatch.verdict import (
    Again,
    DropToken,
    Misconfigured,
    Refuse,
    Renew,
    Reply,
    Taken,
    Verdict,
)

#: Seconds to rest before the second attempt, the third, ...; the last for all further ones.
RESTS = (0.1, 0.25, 0.5, 1.0)
#: Pushes that may wait; beyond, the oldest are shed.
MOST_WAITING = 10_000
#: Seconds for which an app that is misconfigured is left alone before it is tried once more.
PAUSE = 5.0


@dataclass(frozen=True, slots=True)
class Send:
    """Send it now; `number` counts its attempts from 1."""

    push: Push
    number: int


@dataclass(frozen=True, slots=True)
class Abandon:
    """Its answer is of no interest any more: let its place on the connection go."""

    push: Push


@dataclass(frozen=True, slots=True)
class Finish:
    """Tell what came of it."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Reconnect:
    """The connection is of no use any more: replace it."""


@dataclass(frozen=True, slots=True)
class RenewCredentials:
    """The provider does not accept our credentials: make new ones."""


Effect = Send | Abandon | Finish | Reconnect | RenewCredentials


@dataclass(slots=True, eq=False)
class _Item:
    push: Push
    attempts: int = 0
    sent: float = 0.0
    renewed: bool = False
    last: Reply = field(default_factory=lambda: Reply(0))


class Lane:
    """See the module. Times are Unix seconds."""

    def __init__(self, most_waiting: int = MOST_WAITING) -> None:
        self._most_waiting = most_waiting
        self._waiting: deque[_Item] = deque()
        self._resting: list[tuple[float, int, _Item]] = []
        self._under_way: dict[str, _Item] = {}
        self._numbers = count()
        self._capacity = 0
        self._closed_until: float | None = None
        self._closed_by = Reply(0)
        self._out: list[Effect] = []

    @property
    def open(self) -> int:
        """How many pushes have no outcome yet. While there are any, call `tick` often."""
        return len(self._waiting) + len(self._resting) + len(self._under_way)

    def add(self, push: Push, now: float) -> list[Effect]:
        """A new push."""
        self._out = []
        self._waiting.append(_Item(push))
        self._shed(now)
        self._fill(now)
        return self._out

    def connected(self, capacity: int, now: float) -> list[Effect]:
        """There is a connection that takes `capacity` requests at once."""
        self._out = []
        self._capacity = capacity
        self._fill(now)
        return self._out

    def disconnected(self) -> None:
        """There is no connection that takes requests. What is under way may still be answered."""
        self._capacity = 0

    def answered(self, push_id: str, reply: Reply, verdict: Verdict, now: float) -> list[Effect]:
        """The provider answered; `verdict` is what that means."""
        self._out = []
        item = self._under_way.pop(push_id, None)
        if item is not None:
            item.last = reply
            self._judge(item, verdict, now)
        self._fill(now)
        return self._out

    def failed(self, push_id: str, now: float) -> list[Effect]:
        """Its answer cannot be understood, or it was cut off: try it on another connection."""
        return self.answered(push_id, Reply(0), Again(bad=True), now)

    def unanswered(self, push_id: str, now: float) -> list[Effect]:
        """Its connection went away: try it again on the next one."""
        self._out = []
        item = self._under_way.pop(push_id, None)
        if item is not None and item.attempts == 1:
            # Connections come and go; only one that goes again and again is a reason to rest.
            self._waiting.appendleft(item)
        elif item is not None:
            self._rest(item, None, now)
        self._fill(now)
        return self._out

    def tick(self, now: float) -> list[Effect]:
        """Time has passed."""
        self._out = []
        rested = []
        while self._resting and self._resting[0][0] <= now:
            rested.append(heappop(self._resting)[2])
        # They are older than whatever waits.
        self._waiting.extendleft(reversed(rested))
        for item in [each for each in self._under_way.values() if each.push.until <= now]:
            # No answer that comes now would help; the phone may ring or not.
            del self._under_way[item.push.push_id]
            self._out.append(Abandon(item.push))
            self._finish(item, OutcomeKind.EXPIRED, now)
        late = [item for item in self._waiting if item.push.until <= now]
        if late:
            self._waiting = deque(item for item in self._waiting if item.push.until > now)
            for item in late:
                self._finish(item, OutcomeKind.EXPIRED, now)
        self._shed(now)
        self._fill(now)
        return self._out

    def stop(self, now: float) -> list[Effect]:
        """Everything that has no outcome gets one: it will not be sent."""
        self._out = []
        items = [*self._waiting, *(each[2] for each in self._resting), *self._under_way.values()]
        self._waiting.clear()
        self._resting.clear()
        self._under_way.clear()
        for item in items:
            self._finish(item, OutcomeKind.SHED, now)
        return self._out

    # --- decisions ---

    def _shed(self, now: float) -> None:
        """Give up the oldest of too many."""
        while len(self._waiting) > self._most_waiting:
            self._finish(self._waiting.popleft(), OutcomeKind.SHED, now)

    def _fill(self, now: float) -> None:
        """Send what may be sent."""
        while self._waiting and len(self._under_way) < self._capacity:
            item = self._waiting.popleft()
            if item.push.until <= now:
                self._finish(item, OutcomeKind.EXPIRED, now)
                continue
            if self._closed_until is not None:
                if now < self._closed_until:
                    item.last = self._closed_by
                    self._finish(item, OutcomeKind.MISCONFIGURED, now)
                    continue
                # One goes ahead and finds out.
                self._closed_until = now + PAUSE
            item.attempts += 1
            item.sent = now
            self._under_way[item.push.push_id] = item
            self._out.append(Send(item.push, item.attempts))

    def _judge(self, item: _Item, verdict: Verdict, now: float) -> None:
        match verdict:
            case Taken():
                self._closed_until = None
                self._finish(item, OutcomeKind.SENT, now)
            case DropToken(since=since):
                self._finish(item, OutcomeKind.TOKEN_DEAD, now, since)
            case Again(after=after, bad=bad):
                self._rest(item, after, now)
                if bad:
                    self._out.append(Reconnect())
            case Renew() if not item.renewed:
                item.renewed = True
                self._out.append(RenewCredentials())
                self._rest(item, None, now)
            case Renew():
                self._close(item, now)
            case Misconfigured(whole_app=True):
                self._close(item, now)
            case Misconfigured():
                self._finish(item, OutcomeKind.MISCONFIGURED, now)
            case Refuse():
                self._finish(item, OutcomeKind.REFUSED, now)
            case _:
                assert_never(verdict)

    def _close(self, item: _Item, now: float) -> None:
        self._closed_until = now + PAUSE
        self._closed_by = item.last
        self._finish(item, OutcomeKind.MISCONFIGURED, now)

    def _rest(self, item: _Item, after: float | None, now: float) -> None:
        """Try it again later, if there is a later within its window."""
        pause = RESTS[min(item.attempts, len(RESTS)) - 1]
        at = now + max(pause, after or 0.0)
        if at >= item.push.until:
            self._finish(item, OutcomeKind.EXPIRED, now)
        else:
            heappush(self._resting, (at, next(self._numbers), item))

    def _finish(
        self, item: _Item, kind: OutcomeKind, now: float, since: float | None = None
    ) -> None:
        push, last = item.push, item.last
        until = item.sent if kind is OutcomeKind.SENT else now
        self._out.append(
            Finish(
                Outcome(
                    push,
                    kind,
                    item.attempts,
                    max(until - push.received, 0.0),
                    last.status,
                    last.reason,
                    since,
                )
            )
        )
