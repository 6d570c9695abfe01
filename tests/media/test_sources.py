"""What may be given as the audio of a call."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from offhook.media.files import FileSource
from offhook.media.samples import Samples
from offhook.media.sources import (
    AudioSource,
    AudioSourceError,
    Frames,
    Silence,
    SourceLike,
    Tone,
    audio_source,
)
from offhook.media.spectrum import dominant_tone


async def all_of(source: AudioSource, samples: int = 960) -> list[Samples]:
    await source.open()
    frames = []
    while (frame := await source.read(samples)) is not None:
        frames.append(frame)
    await source.close()
    return frames


async def blocks(*lengths: int) -> AsyncIterator[Samples]:
    """Blocks of these lengths in which the samples count up."""
    start = 0
    for length in lengths:
        yield np.arange(start, start + length).astype(np.int16)
        start += length


async def test_a_tone_goes_on_from_frame_to_frame() -> None:
    source = audio_source("tone:440")
    samples = np.concatenate(
        [frame for _ in range(50) if (frame := await source.read(960)) is not None]
    )
    heard = dominant_tone(samples, source.rate)
    assert heard is not None
    assert heard.frequency == pytest.approx(440, abs=0.1)
    steepest = 32767 * 10 ** (-12 / 20) * 2 * np.pi * 440 / 48_000
    assert np.max(np.abs(np.diff(samples.astype(int)))) <= steepest + 1


async def test_silence_is_the_source_of_who_names_none() -> None:
    for what in (None, "silence"):
        source = audio_source(what)
        assert not np.any(await source.read(960))


@pytest.mark.parametrize("lengths", [(960,), (1, 2, 3), (5000,), (0, 700, 0, 700), (320,) * 9])
async def test_an_iterator_may_yield_blocks_of_any_length(lengths: tuple[int, ...]) -> None:
    total = sum(lengths)
    frames = await all_of(audio_source(blocks(*lengths)))
    assert all(frame.shape == (960,) for frame in frames)
    samples = np.concatenate(frames)
    assert np.array_equal(samples[:total], np.arange(total))
    assert not np.any(samples[total:])


async def test_an_iterator_that_yields_nothing_is_over() -> None:
    assert await all_of(Frames(blocks())) == []


async def test_an_iterator_has_the_rate_that_is_said() -> None:
    assert audio_source(blocks(320), rate=16_000).rate == 16_000
    with pytest.raises(AudioSourceError, match="44100 Hz does not fit a call"):
        audio_source(blocks(320), rate=44_100)


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros(960, np.float32),
        np.zeros((960, 2), np.int16),
        b"\x00\x00",
        None,
    ],
)
async def test_an_iterator_that_yields_something_else_is_told_so(wrong: object) -> None:
    async def wrongly() -> AsyncIterator[Samples]:
        yield wrong  # type: ignore[misc]

    source = Frames(wrongly())
    with pytest.raises(AudioSourceError, match="int16"):
        await source.read(960)
    await source.close()


async def test_closing_a_source_ends_the_generator_behind_it() -> None:
    ended = asyncio.Event()

    async def endless() -> AsyncIterator[Samples]:
        try:
            while True:
                yield np.zeros(960, np.int16)
        finally:
            ended.set()

    source = Frames(endless())
    await source.read(960)
    await source.close()
    assert ended.is_set()


async def test_an_object_that_can_be_iterated_over_will_do() -> None:
    class Voice:
        def __aiter__(self) -> AsyncIterator[Samples]:
            return blocks(960, 960)

    assert len(await all_of(audio_source(Voice()))) == 2


def test_a_path_is_a_file() -> None:
    assert isinstance(audio_source("hello.wav"), FileSource)
    assert isinstance(audio_source(Path("hello.wav")), FileSource)


def test_a_source_is_taken_as_it_is() -> None:
    source = Silence()
    assert audio_source(source) is source


@pytest.mark.parametrize("what", ["tone:", "tone:high", "tone:5", "tone:30000", "tone:nan", 42])
def test_what_is_no_source_is_refused_with_a_sentence(what: SourceLike) -> None:
    with pytest.raises(AudioSourceError) as caught:
        audio_source(what)
    assert str(caught.value).endswith(".")


def test_a_tone_is_never_louder_than_full_scale() -> None:
    peak = asyncio.run(Tone(1000, level=20).read(4800))
    assert peak is not None
    assert np.max(peak) == 32767
    assert np.min(peak) == -32767
