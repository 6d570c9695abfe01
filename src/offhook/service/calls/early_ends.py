"""Calls that were given up before the request for them was worked off.

A client that hangs up at once does not know the call's id yet, and its two requests come on two
connections: the one that ends the call may be there first (client document, 4.2).
"""

from collections import OrderedDict
from collections.abc import Callable

#: Seconds for which the request for the call may still come, and how many calls are remembered.
_KEEP_SECONDS = 10.0
_KEEP_CALLS = 10_000


class EarlyEnds:
    """Remembers them by line and the client's correlation id. `clock` in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._ends: OrderedDict[tuple[str, str], float] = OrderedDict()

    def note(self, line_id: str, correlation_id: str) -> None:
        """This call is not wanted any more, should it still come."""
        self._ends[line_id, correlation_id] = self._clock() + _KEEP_SECONDS
        if len(self._ends) > _KEEP_CALLS:
            self._ends.popitem(last=False)

    def take(self, line_id: str, correlation_id: str) -> bool:
        """Whether the call that comes now was given up before; asked once."""
        return self._ends.pop((line_id, correlation_id), 0.0) > self._clock()
