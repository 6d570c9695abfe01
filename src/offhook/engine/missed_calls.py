"""How many calls were missed while no webhook came: when to ask the call history, and what counts.

Sans-I/O: windows in which the webhook was down go in, queries come out when the history can know of
all their calls. A call is missed if it began in the window, was for a person, and no side of it of
that person was answered: so neither on a desk phone nor after a push that came all the same.

Source: `wire.call_history`; its rate limit is a query a minute.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from offhook.wire.call_history import (
    AVAILABLE_AFTER,
    LONGEST_QUERY,
    TERMINATING,
    USER,
    CallSide,
)

#: Seconds after a window in which its last calls end, and of grace for clocks that differ.
SETTLING, GRACE = 120.0, 30.0
#: Seconds between two queries, and after one that failed.
PAUSE, RETRY_PAUSE = 65.0, 120.0
#: Tries for each query.
TRIES = 3
#: What is longer ago, in seconds, is not asked for.
OLDEST = 48 * 3600.0


@dataclass(frozen=True, slots=True)
class Query:
    """The calls that began between two times are wanted; `due` is when, all in Unix seconds.

    The history is searched by when a call ended, so it has to be asked until `ended_before`.
    """

    since: float
    until: float
    due: float
    tries: int = 0

    @property
    def ended_before(self) -> float:
        """The end of what the history is asked for."""
        return self.until + SETTLING


@dataclass(slots=True)
class MissedCalls:
    """Figures since the start, and the queries that are still to be made.

    `uncounted` is the seconds of windows for which the history did not answer.
    """

    calls: int = 0
    windows: int = 0
    uncounted: float = 0.0
    _queries: deque[Query] = field(default_factory=deque)

    @property
    def due(self) -> float | None:
        """When the next query is to be made."""
        return self._queries[0].due if self._queries else None

    def add(self, since: float, until: float) -> None:
        """No webhook came in this window."""
        if until <= since:
            return
        self.windows += 1
        if until - since > OLDEST:
            self.uncounted += until - since - OLDEST
            since = until - OLDEST
        longest = LONGEST_QUERY - SETTLING
        while since < until:
            end = min(since + longest, until)
            due = end + SETTLING + AVAILABLE_AFTER + GRACE
            if self._queries:
                due = max(due, self._queries[-1].due + PAUSE)
            self._queries.append(Query(since, end, due))
            since = end

    def query(self, now: float) -> Query | None:
        """What to ask now, None if nothing is due. Answer with `counted` or `failed`."""
        due = self.due
        return self._queries[0] if due is not None and due <= now else None

    def counted(self, query: Query, sides: Iterable[CallSide], now: float) -> int:
        """The history has answered `query`; how many calls were missed."""
        self._queries.remove(query)
        self._pause(now)
        missed = missed_in(sides, query.since, query.until)
        self.calls += missed
        return missed

    def failed(
        self, query: Query, now: float, *, hopeless: bool = False, retry_after: float | None = None
    ) -> bool:
        """The history did not answer. Whether it is given up."""
        self._queries.remove(query)
        if hopeless or query.tries + 1 >= TRIES:
            self.uncounted += query.until - query.since
            self._pause(now)
            return True
        due = now + max(RETRY_PAUSE, retry_after or 0.0)
        self._queries.appendleft(replace(query, due=due, tries=query.tries + 1))
        return False

    def _pause(self, now: float) -> None:
        """The next query is made no sooner than the history allows."""
        if self._queries:
            following = self._queries.popleft()
            due = max(following.due, now + PAUSE)
            self._queries.appendleft(replace(following, due=due))


def missed_in(sides: Iterable[CallSide], since: float, until: float) -> int:
    """Calls to people that began in the window, and which none of their phones answered."""
    answered: dict[tuple[str, str], bool] = {}
    for number, side in enumerate(sides):
        began = _seconds(side.start_time)
        is_to_somebody = side.direction == TERMINATING and side.user_type in (USER, "")
        if not is_to_somebody or began is None or not since <= began < until:
            continue
        key = (side.user_uuid, side.correlation_id or str(number))
        answered[key] = answered.get(key, False) or _is_true(side.answered)
    return sum(not each for each in answered.values())


def _is_true(value: str | bool | None) -> bool:
    return value is True or (isinstance(value, str) and value.casefold() == "true")


def _seconds(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None
