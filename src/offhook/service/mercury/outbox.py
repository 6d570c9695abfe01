"""What one socket still has to write, and what its client has not acknowledged yet."""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from offhook.wire.mercury import Envelope

#: Events that are remembered until their acknowledgement comes; older ones count as delivered.
_MOST_UNACKNOWLEDGED = 64


@dataclass(frozen=True, slots=True)
class Event:
    """An event for a client. `data` is its JSON; nobody wants it after `until`, in hub time."""

    event_id: str
    data: bytes
    tracking_id: str
    until: float


@dataclass(slots=True)
class Frame:
    """A frame to be written, and the event that it brings, if a later socket may repeat it."""

    text: str
    event: Event | None = None
    written: bool = False


class Outbox:
    """The frames of one socket, in order. Beyond `most` of them, `on_full` is called instead.

    An event that was written may still be lost with the connection, so it is kept until the client
    acknowledges it. `undelivered` gives what a next socket has to bring. A client that never
    acknowledges anything is believed to have got what was written.
    """

    def __init__(
        self, most: int, *, on_full: Callable[[], None], on_replaced: Callable[[], None]
    ) -> None:
        self._most = most
        self._on_full = on_full
        self.on_replaced = on_replaced
        self._frames: deque[Frame] = deque()
        self._unacknowledged: OrderedDict[str, Frame] = OrderedDict()
        self._acknowledges = False
        self._sequence = 0
        self._ready = asyncio.Event()

    # --- in ---

    def put(self, text: bytes) -> None:
        """Queue a frame that is of no use to another socket, such as a pong."""
        self._queue(Frame(text.decode()))

    def put_first(self, event: Event) -> None:
        """Queue the event that opens the socket; never repeated."""
        self.put(self._enveloped(event))

    def put_event(self, event: Event) -> None:
        """Queue an event in its envelope."""
        frame = Frame(self._enveloped(event).decode(), event)
        self._unacknowledged[event.event_id] = frame
        if len(self._unacknowledged) > _MOST_UNACKNOWLEDGED:
            self._unacknowledged.popitem(last=False)
        self._queue(frame)

    def acknowledge(self, event_id: str) -> None:
        """The client has got this frame."""
        self._acknowledges = True
        self._unacknowledged.pop(event_id, None)

    # --- out ---

    async def next(self) -> str:
        """Wait for the frame that is to be written next. It stays until it is `written`."""
        while not self._frames:
            self._ready.clear()
            await self._ready.wait()
        return self._frames[0].text

    def written(self) -> None:
        """The frame that `next` gave is out."""
        frame = self._frames.popleft()
        frame.text, frame.written = "", True

    def undelivered(self) -> list[Event]:
        """The events that the client may not have got, in order."""
        return [
            frame.event
            for frame in self._unacknowledged.values()
            if frame.event is not None and (self._acknowledges or not frame.written)
        ]

    def _queue(self, frame: Frame) -> None:
        if len(self._frames) >= self._most:
            self._on_full()
            return
        self._frames.append(frame)
        self._ready.set()

    def _enveloped(self, event: Event) -> bytes:
        self._sequence += 1
        now = int(time.time() * 1000)
        return msgspec.json.encode(
            Envelope(
                id=event.event_id,
                data=msgspec.Raw(event.data),
                timestamp=now,
                trackingId=event.tracking_id,
                sequenceNumber=self._sequence,
                wsWriteTimestamp=now,
            )
        )
