"""What happens to a call, told to its observer and to whoever iterates over its events."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from offhook.sdk import call_events as news
from offhook.sdk.supervisor import Supervisor

_MOST_EVENTS = 256


class CallFeed:
    """Keeps the events of one call, bounded, and hands them on."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._history: deque[news.CallEvent] = deque(maxlen=_MOST_EVENTS)
        self._queues: set[asyncio.Queue[news.CallEvent]] = set()
        self.observer: news.CallObserver | None = None

    def tell(self, event: news.CallEvent) -> None:
        """Something happened."""
        self._history.append(event)
        for queue in self._queues:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(event)
        if self.observer is not None:
            self._supervisor.call_user(news.tell, self.observer, event)

    def observe(self, observer: news.CallObserver | None) -> None:
        """Tell `observer` from now on; the first one also what has happened so far."""
        first = self.observer is None
        self.observer = observer
        if first and observer is not None:
            for event in list(self._history):
                self._supervisor.call_user(news.tell, observer, event)

    async def events(self) -> AsyncIterator[news.CallEvent]:
        """From the beginning to the end of the call."""
        queue: asyncio.Queue[news.CallEvent] = asyncio.Queue(_MOST_EVENTS)
        for event in self._history:
            queue.put_nowait(event)
        self._queues.add(queue)
        try:
            while True:
                event = await queue.get()
                yield event
                if isinstance(event, news.CallDisconnectedEvent):
                    return
        finally:
            self._queues.discard(queue)
