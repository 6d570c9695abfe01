"""Tasks that somebody looks after, and user code that cannot break anything."""

import asyncio
import inspect
import logging
from collections.abc import Callable, Coroutine
from typing import Any

logger = logging.getLogger(__name__)


class Supervisor:
    """Keeps the background tasks of one `Webex`, and reports what goes wrong in them."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def spawn(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Run `work` in the background. An error of it is reported, not lost."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            error = task.exception()
            if error is not None:
                report(f"{task.get_name()} failed", error)

    def call_user(self, callback: Callable[..., Any], *arguments: object) -> None:
        """Call user code. An error of it is reported and goes no further.

        A coroutine function is run in the background.
        """
        try:
            result = callback(*arguments)
        except Exception as error:  # whatever an app's own code raises
            report(f"{_name(callback)} raised an error", error)
            return
        if inspect.iscoroutine(result):
            self.spawn(result, _name(callback))

    async def drain(self, seconds: float) -> None:
        """Wait for the tasks to end by themselves, at most so long; then cancel them."""
        current = asyncio.current_task()
        tasks = {task for task in self._tasks if task is not current}
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
        tasks = {task for task in self._tasks if task is not current}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


def report(message: str, error: BaseException) -> None:
    """Tell the event loop's exception handler, which logs by default."""
    context = {"message": message, "exception": error}
    asyncio.get_running_loop().call_exception_handler(context)


def _name(callback: Callable[..., Any]) -> str:
    return getattr(callback, "__qualname__", repr(callback))
