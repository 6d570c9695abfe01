"""Which deliveries have been seen before: sans-I/O, bounded in time and number."""

from collections import OrderedDict
from collections.abc import Iterable


class Duplicates:
    """Remembers keys for `seconds`, at most `most` of them; the oldest are forgotten first.

    A delivery has one key or several; it is a duplicate if any of them was seen.
    """

    def __init__(self, seconds: float = 600.0, most: int = 1_000_000) -> None:
        self.seconds = seconds
        self._most = most
        self._seen: OrderedDict[bytes, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._seen)

    def is_new(self, keys: Iterable[bytes], now: float) -> bool:
        """Whether none of `keys` was seen; they are from now on. `now` in seconds."""
        while self._seen:
            key, seen = next(iter(self._seen.items()))
            if seen > now - self.seconds and len(self._seen) <= self._most:
                break
            del self._seen[key]
        keys = tuple(keys)
        fresh = not any(key in self._seen for key in keys)
        if fresh:
            self._seen.update(dict.fromkeys(keys, now))
        return fresh

    def forget(self, keys: Iterable[bytes]) -> None:
        """These were not dealt with after all: let them come again."""
        for key in keys:
            self._seen.pop(key, None)
