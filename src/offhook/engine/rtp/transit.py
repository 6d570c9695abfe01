"""How late packets come: the order of their transit times over the last seconds.

A transit is arrival minus timestamp, in ticks of the packets' clock. Its zero is arbitrary; only
differences count (RFC 3550 section 6.4.1).
"""

from bisect import bisect_left, insort
from collections import deque

# Ten seconds of 20 ms packets: long enough to know the network's habits, short enough to forget.
_WINDOW = 500
_QUANTILE = 0.99


class TransitWindow:
    """The transits of the last packets. Two clocks that drift apart age out of it."""

    def __init__(self) -> None:
        self._in_order: list[int] = []
        self._by_age: deque[int] = deque()

    def __len__(self) -> int:
        return len(self._in_order)

    def add(self, transit: int) -> None:
        """Take note of a packet."""
        if len(self._by_age) == _WINDOW:
            del self._in_order[bisect_left(self._in_order, self._by_age.popleft())]
        self._by_age.append(transit)
        insort(self._in_order, transit)

    @property
    def fastest(self) -> int:
        """The least transit. IndexError before the first packet."""
        return self._in_order[0]

    @property
    def spread(self) -> int:
        """How much slower than the fastest 99 % of the packets are at most."""
        ranks = self._in_order
        return ranks[round(_QUANTILE * (len(ranks) - 1))] - ranks[0]
