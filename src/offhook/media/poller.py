"""Waits for the media sockets of a process together: one wake-up of the event loop reads them all.

The event loop's own bookkeeping for each ready socket costs more than the reading. Linux only.
"""

import asyncio
import select
from collections.abc import Callable


class Poller:
    """Calls the handler of each file descriptor that can be read. One is shared by all legs."""

    def __init__(self) -> None:
        self._handlers: dict[int, Callable[[], None]] = {}
        self._epoll: select.epoll | None = None

    def add(self, descriptor: int, handler: Callable[[], None]) -> None:
        """Call `handler`, which reads once, whenever `descriptor` has something."""
        if self._epoll is None:
            self._epoll = select.epoll()
            asyncio.get_running_loop().add_reader(self._epoll.fileno(), self._read)
        self._handlers[descriptor] = handler
        self._epoll.register(descriptor, select.EPOLLIN)

    def remove(self, descriptor: int) -> None:
        """Forget `descriptor`, before it is closed. Nothing stays open after the last one."""
        if self._epoll is None or self._handlers.pop(descriptor, None) is None:
            return
        self._epoll.unregister(descriptor)
        if not self._handlers:
            asyncio.get_running_loop().remove_reader(self._epoll.fileno())
            self._epoll.close()
            self._epoll = None

    def _read(self) -> None:
        if self._epoll is None:
            return
        handlers = self._handlers
        for descriptor, _ in self._epoll.poll(0):
            # A handler may remove the next one.
            handler = handlers.get(descriptor)
            if handler is not None:
                handler()
