"""How often somebody may do something."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable

from offhook.serving.errors import ApiError

_MOST_KEYS = 10_000


class RateLimit:
    """At most `count` times in `seconds` for each key, as a bucket that refills steadily."""

    def __init__(
        self, count: int, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._count = count
        self._rate = count / seconds
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_for(self, key: str) -> int:
        """Take one; 0 if there was one, else the whole seconds until there is."""
        now = self._clock()
        left, since = self._buckets.pop(key, (float(self._count), now))
        left = min(left + (now - since) * self._rate, self._count)
        wait = 0
        if left >= 1:
            left -= 1
        else:
            wait = math.ceil((1 - left) / self._rate)
        self._buckets[key] = (left, now)
        if len(self._buckets) > _MOST_KEYS:
            self._buckets.popitem(last=False)  # The one that was asked for least recently.
        return wait

    def give_back(self, key: str) -> None:
        """Put one back that was taken for something that does not count after all."""
        left, since = self._buckets.get(key, (float(self._count), self._clock()))
        self._buckets[key] = (min(left + 1, self._count), since)

    def check(self, key: str) -> None:
        """Take one. Raises ApiError 429 with Retry-After if there is none."""
        wait = self.wait_for(key)
        if wait:
            raise ApiError(429, "Too many requests; try again later.", retry_after=wait)
