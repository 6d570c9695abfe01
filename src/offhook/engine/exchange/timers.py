"""When the things that wait are due."""

from collections.abc import Callable
from heapq import heapify, heappop, heappush, heapreplace


class Timers:
    """The earliest of many deadlines without asking each: a heap with one valid entry a key.

    `due` tells when a key is due, None if it waits for nothing. It may move later unnoticed; a
    deadline that moves earlier, or is the first of its key, has to be armed.
    """

    def __init__(self, due: Callable[[str], float | None]) -> None:
        self._due = due
        self._heap: list[tuple[float, str]] = []
        self._entry: dict[str, float] = {}

    def __len__(self) -> int:
        """How many entries are kept, those of keys that are gone included."""
        return len(self._heap)

    def arm(self, key: str) -> None:
        """Take note of the key's deadline."""
        due = self._due(key)
        if due is None or due >= self._entry.get(key, float("inf")):
            return
        self._entry[key] = due
        heappush(self._heap, (due, key))
        if len(self._heap) > 64 + 2 * len(self._entry):
            self._heap = [(at, each) for each, at in self._entry.items()]
            heapify(self._heap)

    def disarm(self, key: str) -> None:
        """The key is gone."""
        self._entry.pop(key, None)

    def next(self) -> float | None:
        """The earliest deadline, None if nothing waits."""
        while self._heap:
            at, key = self._heap[0]
            if self._entry.get(key) != at:
                heappop(self._heap)
                continue
            due = self._due(key)
            if due is None:
                heappop(self._heap)
                del self._entry[key]
            elif due > at:
                self._entry[key] = due
                heapreplace(self._heap, (due, key))
            else:
                return at
        return None

    def expired(self, now: float) -> list[str]:
        """The keys that are due, earliest first. Each has to be armed again."""
        keys = []
        while (at := self.next()) is not None and at <= now:
            _, key = heappop(self._heap)
            del self._entry[key]
            keys.append(key)
        return keys
