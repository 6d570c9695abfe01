"""Which client has which socket, and what waits for one that is away for a moment."""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import uuid4

import msgspec

from offhook.wire.mercury import Envelope

#: Seconds for which events wait for a client that has lost its socket, and how many of them.
_KEEP_SECONDS = 60.0
_KEEP_EVENTS = 64
_KEEP_CLIENTS = 10_000

Address = tuple[str, str]  # person id, WDM device id


@dataclass(slots=True)
class Outbox:
    """What is to be written to one socket. `full` is called instead of growing past `most`."""

    most: int
    on_full: Callable[[], None]
    on_replaced: Callable[[], None]
    frames: deque[bytes] = field(default_factory=deque)
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    sequence: int = 0

    def put(self, frame: bytes) -> None:
        """Queue a frame behind those that wait."""
        if len(self.frames) >= self.most:
            self.on_full()
            return
        self.frames.append(frame)
        self.ready.set()

    def put_event(self, data: bytes, tracking_id: str) -> None:
        """Queue an event in its envelope."""
        self.sequence += 1
        now = int(time.time() * 1000)
        envelope = Envelope(
            id=str(uuid4()),
            data=msgspec.Raw(data),
            timestamp=now,
            trackingId=tracking_id,
            sequenceNumber=self.sequence,
            wsWriteTimestamp=now,
        )
        self.put(msgspec.json.encode(envelope))


@dataclass(frozen=True, slots=True)
class _Waiting:
    until: float
    data: bytes
    tracking_id: str


class MercuryHub:
    """Delivers events by person and WDM device. `clock` is steady, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._open: dict[Address, Outbox] = {}
        self._waiting: OrderedDict[Address, deque[_Waiting]] = OrderedDict()
        self.delivered = 0

    @property
    def sockets(self) -> int:
        """How many clients are connected."""
        return len(self._open)

    def publish(self, address: Address, event: msgspec.Struct, tracking_id: str) -> None:
        """Send `event` to the client, or keep it for a moment if it has no socket now."""
        data = msgspec.json.encode(event)
        self.delivered += 1
        outbox = self._open.get(address)
        if outbox is not None:
            outbox.put_event(data, tracking_id)
            return
        waiting = self._waiting.setdefault(address, deque(maxlen=_KEEP_EVENTS))
        waiting.append(_Waiting(self._clock() + _KEEP_SECONDS, data, tracking_id))
        self._waiting.move_to_end(address)
        if len(self._waiting) > _KEEP_CLIENTS:
            self._waiting.popitem(last=False)

    def attach(self, address: Address, outbox: Outbox) -> None:
        """The client's socket is ready: it replaces an older one and gets what waited."""
        older = self._open.get(address)
        self._open[address] = outbox
        if older is not None:
            older.on_replaced()
        now = self._clock()
        for each in self._waiting.pop(address, ()):
            if each.until > now:
                outbox.put_event(each.data, each.tracking_id)

    def detach(self, address: Address, outbox: Outbox) -> None:
        """The socket is gone. What it did not get written waits for the next one."""
        if self._open.get(address) is outbox:
            del self._open[address]
