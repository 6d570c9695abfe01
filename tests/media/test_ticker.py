"""The 20 ms clock: in time, catching up, and honest about how late it was."""

import asyncio
import time

import pytest

from offhook.media.samples import FRAME_SECONDS
from offhook.media.ticker import Lateness, Ticker


class Steps:
    """Counts steps, and can be waited for."""

    def __init__(self) -> None:
        self.due: list[float] = []
        self.lateness = Lateness()
        self.ticker = Ticker(self._step, self.lateness)
        self._news = asyncio.Event()

    def _step(self, due: float) -> None:
        self.due.append(due)
        self._news.set()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.due) < count:
                self._news.clear()
                await self._news.wait()


async def test_steps_are_due_every_20_ms_and_counted() -> None:
    steps = Steps()
    steps.ticker.start()
    await steps.until(5)
    steps.ticker.stop()
    for earlier, later in zip(steps.due, steps.due[1:], strict=False):
        assert later - earlier == pytest.approx(FRAME_SECONDS)
    assert steps.lateness.steps >= 5
    assert steps.lateness.skipped == 0


async def test_a_stall_is_caught_up_at_once_and_told() -> None:
    steps = Steps()
    steps.ticker.start(0.0)
    await steps.until(1)
    time.sleep(0.07)  # noqa: ASYNC251 - the stall itself
    await steps.until(4)
    steps.ticker.stop()
    assert steps.due[3] - steps.due[0] == pytest.approx(3 * FRAME_SECONDS)
    assert steps.lateness.late >= 1
    assert steps.lateness.worst > 0.03


async def test_after_a_long_stall_it_starts_anew() -> None:
    steps = Steps()
    steps.ticker.start(0.0)
    await steps.until(1)
    time.sleep(0.3)  # noqa: ASYNC251
    await steps.until(2)
    assert steps.due[1] - steps.due[0] > 0.25
    assert steps.lateness.skipped >= 10
    steps.ticker.stop()


async def test_it_may_be_stopped_and_started_from_inside_a_step() -> None:
    taken: list[float] = []

    def step(due: float) -> None:
        taken.append(due)
        ticker.stop()
        if len(taken) < 3:
            ticker.start()

    ticker = Ticker(step)
    ticker.start(0.0)
    await asyncio.sleep(0.15)
    assert len(taken) == 3
    assert not ticker.is_running


async def test_a_step_that_fails_is_told_and_not_the_last() -> None:
    told: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: told.append(context.get("exception")))
    taken: list[float] = []

    def step(due: float) -> None:
        taken.append(due)
        if len(taken) == 1:
            raise ValueError("once")

    ticker = Ticker(step)
    ticker.start(0.0)
    async with asyncio.timeout(10):
        while len(taken) < 3:
            await asyncio.sleep(FRAME_SECONDS)
    ticker.stop()
    assert [type(each) for each in told] == [ValueError]
    assert taken[1] - taken[0] == pytest.approx(FRAME_SECONDS)
