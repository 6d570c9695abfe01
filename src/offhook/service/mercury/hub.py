"""Which client has which socket, and what waits for one that is away for a moment."""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from uuid import uuid4

import msgspec

from offhook.wire.mercury import Envelope

#: Seconds for which events wait for a client that has lost its socket, and how many of them.
_KEEP_SECONDS = 60.0
_KEEP_EVENTS = 64
_KEEP_CLIENTS = 10_000

Address = tuple[str, str]  # person id, WDM device id


@dataclass(frozen=True, slots=True)
class Event:
    """An event for a client. `event_id` stays the same when it has to be sent again."""

    event_id: str
    data: bytes
    tracking_id: str
    until: float


@dataclass(slots=True)
class Outbox:
    """What is to be written to one socket.

    `on_full` is called instead of growing past `most` frames. Events stay in `unconfirmed` until
    the client acknowledges them.
    """

    most: int
    on_full: Callable[[], None]
    on_replaced: Callable[[], None]
    frames: deque[bytes] = field(default_factory=deque)
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    sequence: int = 0
    unconfirmed: OrderedDict[str, Event] = field(default_factory=OrderedDict)

    def put(self, frame: bytes) -> None:
        """Queue a frame behind those that wait."""
        if len(self.frames) >= self.most:
            self.on_full()
            return
        self.frames.append(frame)
        self.ready.set()

    def greet(self, data: bytes) -> None:
        """Queue the first event, which belongs to this socket alone."""
        event_id = str(uuid4())
        self.put_event(Event(event_id, data, f"OFFHOOK_{event_id}", 0.0))
        self.confirm(event_id)

    def put_event(self, event: Event) -> None:
        """Queue an event in its envelope."""
        self.sequence += 1
        now = int(time.time() * 1000)
        envelope = Envelope(
            id=event.event_id,
            data=msgspec.Raw(event.data),
            timestamp=now,
            trackingId=event.tracking_id,
            sequenceNumber=self.sequence,
            wsWriteTimestamp=now,
        )
        self.unconfirmed[event.event_id] = event
        if len(self.unconfirmed) > _KEEP_EVENTS:
            self.unconfirmed.popitem(last=False)
        self.put(msgspec.json.encode(envelope))

    def confirm(self, event_id: str) -> None:
        """The client has the event."""
        self.unconfirmed.pop(event_id, None)


class MercuryHub:
    """Delivers events by person and WDM device. `clock` is steady, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._open: dict[Address, Outbox] = {}
        self._waiting: OrderedDict[Address, deque[Event]] = OrderedDict()
        self.delivered = 0

    @property
    def sockets(self) -> int:
        """How many clients are connected."""
        return len(self._open)

    def publish(self, address: Address, event: msgspec.Struct, tracking_id: str) -> None:
        """Send `event` to the client, or keep it for a moment if it has no socket now."""
        self.delivered += 1
        data = msgspec.json.encode(event)
        sent = Event(str(uuid4()), data, tracking_id, self._clock() + _KEEP_SECONDS)
        outbox = self._open.get(address)
        if outbox is not None:
            outbox.put_event(sent)
        else:
            self._keep(address, [sent])

    def attach(self, address: Address, outbox: Outbox) -> None:
        """The client's socket is ready: it replaces an older one and gets what waited."""
        older = self._open.get(address)
        if older is not None:
            self.detach(address, older)
            older.on_replaced()
        self._open[address] = outbox
        now = self._clock()
        for each in self._waiting.pop(address, ()):
            if each.until > now:
                outbox.put_event(each)

    def detach(self, address: Address, outbox: Outbox) -> None:
        """The socket is gone. What was not acknowledged on it goes out again on the next one."""
        if self._open.get(address) is outbox:
            del self._open[address]
            if outbox.unconfirmed:
                self._keep(address, outbox.unconfirmed.values())

    def _keep(self, address: Address, events: Iterable[Event]) -> None:
        waiting = self._waiting.setdefault(address, deque(maxlen=_KEEP_EVENTS))
        waiting.extend(events)
        self._waiting.move_to_end(address)
        if len(self._waiting) > _KEEP_CLIENTS:
            self._waiting.popitem(last=False)
