"""Fails a test that holds up the event loop, leaves a task behind, or loses an exception in it.

A loop callback may use 250 ms of its thread's processor time. Processor time, not time on the
wall, since a busy machine takes turns away from a test that did nothing wrong; a callback that
sleeps or waits without using the processor is caught at twenty times the limit on the wall. What
the garbage collector takes is not counted: it walks what a thousand tests before have left.
A test that has a reason raises its limit: ``@pytest.mark.loop_limit(ms=300)``.

Only asyncio's own loop is watched; uvloop runs its callbacks where Python cannot see them.
"""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Callable, Generator
from typing import Any

import pytest

LIMIT_MS = 250.0
WALL_FACTOR = 20
SETTLING_TURNS = 10
"""Turns of the loop in which a task that was cancelled last may still end."""


class LoopHygiene:
    """Watches every asyncio loop of the process while the tests run."""

    def __init__(self) -> None:
        self._limit = LIMIT_MS / 1000
        self._slow: list[str] = []
        self._left: list[str] = []
        self._lost: list[str] = []
        self._undo: list[Callable[[], None]] = []
        self._collector = CollectorTime()

    def install(self) -> None:
        self._replace(asyncio.Handle, "_run", self._timed)
        self._replace(asyncio.runners, "_cancel_all_tasks", self._noting_tasks)
        self._replace(asyncio.BaseEventLoop, "default_exception_handler", self._noting_errors)
        gc.callbacks.append(self._collector)
        self._undo.append(lambda: gc.callbacks.remove(self._collector))

    def uninstall(self) -> None:
        while self._undo:
            self._undo.pop()()

    def _replace(self, owner: Any, name: str, wrap: Callable[[Any], Any]) -> None:
        original = getattr(owner, name)
        setattr(owner, name, wrap(original))
        self._undo.append(lambda: setattr(owner, name, original))

    # -- what is watched ------------------------------------------------------------------------

    def _timed(self, run: Callable[[asyncio.Handle], None]) -> Callable[[asyncio.Handle], None]:
        def _run(handle: asyncio.Handle) -> None:
            cpu, wall = time.thread_time(), time.perf_counter()
            self._collector.seconds = 0.0
            try:
                run(handle)
            finally:
                collecting = self._collector.seconds
                cpu = time.thread_time() - cpu - collecting
                wall = time.perf_counter() - wall - collecting
                if cpu > self._limit or wall > self._limit * WALL_FACTOR:
                    self._slow.append(
                        f"{cpu * 1000:.0f} ms of processor, {wall * 1000:.0f} ms in all: "
                        f"{_what_ran(handle)}"
                    )

        return _run

    def _noting_tasks(
        self, cancel_all: Callable[[asyncio.AbstractEventLoop], None]
    ) -> Callable[[asyncio.AbstractEventLoop], None]:
        def _cancel_all_tasks(loop: asyncio.AbstractEventLoop) -> None:
            loop.run_until_complete(_settle())
            self._left += [repr(task) for task in asyncio.all_tasks(loop)]
            cancel_all(loop)

        return _cancel_all_tasks

    def _noting_errors(self, handler: Callable[..., None]) -> Callable[..., None]:
        def default_exception_handler(loop: asyncio.BaseEventLoop, context: dict[str, Any]) -> None:
            self._lost.append(f"{context.get('message')}: {context.get('exception')!r}")
            handler(loop, context)

        return default_exception_handler

    # -- when it is judged ----------------------------------------------------------------------

    def pytest_collection_finish(self) -> None:
        # What was imported for the tests lives as long as they do. A full collection that walks
        # all of it takes longer than a callback may.
        gc.collect()
        gc.freeze()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        marker = item.get_closest_marker("loop_limit")
        self._limit = (marker.kwargs["ms"] if marker else LIMIT_MS) / 1000
        self._slow.clear()
        result = yield
        if self._slow:
            pytest.fail(_report("The event loop was held up", self._slow), pytrace=False)
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self) -> Generator[None, object, object]:
        try:
            result = yield
            if self._left:
                pytest.fail(_report("Tasks were left behind", self._left), pytrace=False)
            if self._lost:
                pytest.fail(_report("The event loop met errors", self._lost), pytrace=False)
            return result
        finally:
            self._left.clear()
            self._lost.clear()


class CollectorTime(threading.local):
    """Processor time that the garbage collector took from this thread; one of `gc.callbacks`."""

    seconds = 0.0
    _began = 0.0

    def __call__(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._began = time.thread_time()
        else:
            self.seconds += time.thread_time() - self._began


async def _settle() -> None:
    for _ in range(SETTLING_TURNS):
        await asyncio.sleep(0)


def _what_ran(handle: asyncio.Handle) -> str:
    owner = getattr(getattr(handle, "_callback", None), "__self__", None)
    return repr(owner) if isinstance(owner, asyncio.Task) else repr(handle)


def _report(headline: str, findings: list[str]) -> str:
    return "\n".join([f"{headline}:", *(f"  {finding}" for finding in findings)])


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "loop_limit(ms): how long one loop callback may take")
    hygiene = LoopHygiene()
    hygiene.install()
    config.add_cleanup(hygiene.uninstall)
    config.pluginmanager.register(hygiene, "loop-hygiene-watch")
