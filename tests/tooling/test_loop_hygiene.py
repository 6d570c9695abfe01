"""The watch over the event loop sees what it is there to see, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch):
    """Runs a test file in a pytest of its own, with the watch on."""
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("CI", raising=False)
    pytester.makeini("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function")

    def run(source: str) -> pytest.RunResult:
        pytester.makepyfile("import asyncio, time, pytest\n" + source)
        return pytester.runpytest_subprocess("-p", "pytest_asyncio.plugin", "-p", "loop_hygiene")

    return run


def test_a_test_that_computes_too_long_in_the_loop_fails(run):
    result = run(
        """
def spin(seconds):
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass

async def test_spins():
    spin(0.3)
"""
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*The event loop was held up*", "*ms of processor*test_spins*"])


def test_a_callback_that_sleeps_long_fails_too(run):
    result = run(
        """
async def test_sleeps():
    asyncio.get_running_loop().call_soon(time.sleep, 5.05)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
"""
    )
    result.assert_outcomes(failed=1)


def test_the_garbage_collector_is_not_held_against_a_test(run):
    result = run(
        """
import gc

async def test_collects():
    heap = [[[]] for _ in range(200_000)]
    await asyncio.sleep(0)
    began = time.thread_time()
    while time.thread_time() - began < 0.3:
        gc.collect()

@pytest.fixture(autouse=True)
def only_when_asked():
    gc.disable()
    yield
    gc.enable()
"""
    )
    result.assert_outcomes(passed=1)


def test_a_marker_raises_the_limit_of_one_test(run):
    result = run(
        """
def spin(seconds):
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass

@pytest.mark.loop_limit(ms=400)
async def test_allowed():
    spin(0.3)

async def test_not_allowed():
    spin(0.3)
"""
    )
    result.assert_outcomes(passed=1, failed=1)


def test_a_task_left_behind_is_an_error(run):
    result = run(
        """
async def test_leaves_a_task():
    asyncio.create_task(asyncio.sleep(60), name="forgotten")
    await asyncio.sleep(0)
"""
    )
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*Tasks were left behind*", "*forgotten*"])


def test_a_task_cancelled_at_the_end_is_not_left_behind(run):
    result = run(
        """
async def test_cancels():
    task = asyncio.create_task(asyncio.sleep(60))
    await asyncio.sleep(0)
    task.cancel()

@pytest.fixture
async def server():
    task = asyncio.create_task(asyncio.sleep(60))
    yield task
    task.cancel()

async def test_uses_a_fixture_with_a_task(server):
    assert not server.done()
"""
    )
    result.assert_outcomes(passed=2)


def test_an_exception_nobody_awaited_is_an_error(run):
    result = run(
        """
async def test_loses_an_exception():
    def broken():
        raise ValueError("lost")

    asyncio.get_running_loop().call_soon(broken)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
"""
    )
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*The event loop met errors*", "*ValueError('lost')*"])
