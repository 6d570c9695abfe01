"""Which client has which socket, and what waits for one that is away for a moment."""

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from itertools import count
from uuid import uuid4

import msgspec

from offhook.service.mercury.outbox import Event, Outbox

Address = tuple[str, str]  # person id, WDM device id


class MercuryHub:
    """Delivers events by person and WDM device. `clock` is steady, in seconds.

    For a client without a socket, the latest `keep_events` wait for `keep_seconds`; for `most_away`
    clients at most.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        *,
        keep_seconds: float = 60.0,
        keep_events: int = 64,
        most_away: int = 10_000,
    ) -> None:
        self._clock = clock
        self._keep_seconds = keep_seconds
        self._keep_events = keep_events
        self._most_away = most_away
        self._open: dict[Address, Outbox] = {}
        self._waiting: OrderedDict[Address, deque[Event]] = OrderedDict()
        # Ids of events have the look of UUIDs and are counted, since many are needed.
        series = str(uuid4())[:24]
        self._ids = (f"{series}{number:012x}" for number in count(1))
        self.delivered = 0

    @property
    def sockets(self) -> int:
        """How many clients are connected."""
        return len(self._open)

    @property
    def waiting(self) -> int:
        """For how many clients without a socket something waits."""
        return len(self._waiting)

    def event(self, data: msgspec.Struct, tracking_id: str) -> Event:
        """`data` as an event of now."""
        until = self._clock() + self._keep_seconds
        return Event(next(self._ids), msgspec.json.encode(data), tracking_id, until)

    def publish(self, address: Address, data: msgspec.Struct, tracking_id: str) -> None:
        """Send an event to the client, or keep it for a moment if it has no socket now."""
        event = self.event(data, tracking_id)
        self.delivered += 1
        outbox = self._open.get(address)
        if outbox is not None:
            outbox.put_event(event)
        else:
            self._keep(address, [event])

    def attach(self, address: Address, outbox: Outbox) -> None:
        """The client's socket is ready: it replaces an older one and gets what waited."""
        events: list[Event] = list(self._waiting.pop(address, ()))
        older = self._open.get(address)
        self._open[address] = outbox
        if older is not None:
            # The client may have lost that socket without our knowing.
            events = older.undelivered()
            older.on_replaced()
        now = self._clock()
        for event in events:
            if event.until > now:
                outbox.put_event(event)

    def detach(self, address: Address, outbox: Outbox) -> None:
        """The socket is gone. What its client has not got waits for the next one."""
        if self._open.get(address) is outbox:
            del self._open[address]
            self._keep(address, outbox.undelivered())

    def _keep(self, address: Address, events: Iterable[Event]) -> None:
        now = self._clock()
        fresh = [event for event in events if event.until > now]
        if fresh:
            self._waiting.setdefault(address, deque(maxlen=self._keep_events)).extend(fresh)
            self._waiting.move_to_end(address)
        while self._waiting:
            oldest = next(iter(self._waiting))
            if len(self._waiting) <= self._most_away and self._waiting[oldest][-1].until > now:
                break
            del self._waiting[oldest]
