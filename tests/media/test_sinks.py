"""Where what is heard may go."""

import asyncio
import gc
from pathlib import Path

import numpy as np
import pytest

from offhook.media.files import FileSink
from offhook.media.samples import Samples
from offhook.media.sinks import AudioSinkError, FrameQueue, Nowhere, audio_sink


def counting(start: int, count: int) -> Samples:
    return np.arange(start, start + count).astype(np.int16)


async def test_frames_come_in_blocks_of_the_length_that_was_asked_for() -> None:
    queue = FrameQueue(8_000, block_ms=50)
    for place in range(10):
        queue.write(counting(place * 160, 160))
    await queue.close()
    blocks = [block async for block in queue]
    assert [len(block) for block in blocks] == [400] * 4
    assert np.array_equal(np.concatenate(blocks), np.arange(1600))


async def test_who_waits_gets_a_block_as_soon_as_it_is_whole() -> None:
    queue = FrameQueue(16_000, block_ms=40)
    waiting = asyncio.create_task(anext(queue))
    await asyncio.sleep(0)
    queue.write(counting(0, 320))
    await asyncio.sleep(0)
    assert not waiting.done()
    queue.write(counting(320, 320))
    assert len(await waiting) == 640


async def test_the_end_of_the_call_ends_the_loop() -> None:
    queue = FrameQueue()
    waiting = asyncio.create_task(anext(queue, None))
    await asyncio.sleep(0)
    await queue.close()
    assert await waiting is None
    queue.write(counting(0, 320))
    assert await anext(queue, None) is None


async def test_who_is_too_slow_loses_the_oldest_and_memory_stays_bounded() -> None:
    queue = FrameQueue(8_000, seconds=1.0)
    for place in range(200):
        queue.write(np.full(160, place, np.int16))
    assert queue.dropped == 150 * 160
    first = await anext(queue)
    assert set(first.tolist()) == {150}


async def test_who_gives_up_waiting_loses_nothing() -> None:
    queue = FrameQueue(8_000)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await anext(queue)
    queue.write(counting(0, 160))
    assert np.array_equal(await anext(queue), np.arange(160))


@pytest.mark.parametrize("settings", [{"rate": 44_100}, {"block_ms": 0}, {"block_ms": 20_000}])
def test_a_shape_that_does_not_fit_is_refused(settings: dict[str, int]) -> None:
    with pytest.raises(AudioSinkError):
        FrameQueue(**settings)


def test_a_path_is_a_file_and_nothing_is_nowhere() -> None:
    assert isinstance(audio_sink("heard.wav"), FileSink)
    assert isinstance(audio_sink(Path("heard.ogg")), FileSink)
    assert isinstance(audio_sink(None), Nowhere)
    sink = Nowhere()
    assert audio_sink(sink) is sink


def test_what_is_no_sink_is_refused_with_a_sentence() -> None:
    with pytest.raises(AudioSinkError, match="no sink of audio"):
        audio_sink(42)  # type: ignore[arg-type]


def test_a_forgotten_queue_is_gone() -> None:
    queue = FrameQueue()
    queue.write(counting(0, 320))
    del queue
    gc.collect()
    assert not [each for each in gc.get_objects() if isinstance(each, FrameQueue)]
