"""A little faster or slower: nobody should notice."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.media.samples import Samples
from offhook.media.spectrum import dominant_tone, level_dbfs
from offhook.media.time_scale import lengthened, shortened

RATES = (8_000, 16_000, 24_000, 48_000)


def tone_frames(frequency: float, rate: int, count: int = 50) -> list[Samples]:
    wave = 8000 * np.sin(2 * np.pi * frequency * np.arange(rate // 50 * count) / rate)
    return list(wave.astype(np.int16).reshape(count, -1))


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("frequency", [120, 300, 440, 1500])
@pytest.mark.parametrize("change", [shortened, lengthened])
def test_a_tone_keeps_its_pitch_and_does_not_click(
    rate: int, frequency: float, change: object
) -> None:
    frames = tone_frames(frequency, rate)
    changed = [
        change(frame, rate) if place % 5 == 0 else frame  # type: ignore[operator]
        for place, frame in enumerate(frames)
    ]
    samples = np.concatenate(changed)
    heard = dominant_tone(samples, rate)
    assert heard is not None
    assert heard.frequency == pytest.approx(frequency, rel=0.005, abs=1.5)
    steepest = np.max(np.abs(np.diff(np.concatenate(frames).astype(int))))
    # Inside each changed frame the wave runs on.
    for place in range(0, 50, 5):
        assert np.max(np.abs(np.diff(changed[place].astype(int)))) <= 1.3 * steepest + 2


@pytest.mark.parametrize("rate", RATES)
def test_some_milliseconds_are_taken_out_or_put_in(rate: int) -> None:
    for frame in tone_frames(317, rate, 5):
        assert 0.0024 * rate <= len(frame) - len(shortened(frame, rate)) <= 0.0101 * rate
        assert 0.0024 * rate <= len(lengthened(frame, rate)) - len(frame) <= 0.0101 * rate


def test_what_is_quiet_stays_quiet_and_what_is_loud_stays_loud() -> None:
    quiet = np.zeros(960, np.int16)
    assert not np.any(shortened(quiet, 48_000))
    assert not np.any(lengthened(quiet, 48_000))
    loud = np.full(960, -32768, np.int16)
    assert np.all(shortened(loud, 48_000) == -32768)
    assert np.all(lengthened(loud, 48_000) == -32768)


def test_noise_keeps_its_level() -> None:
    noise = np.random.default_rng(3).normal(0, 3000, 960).astype(np.int16)
    for changed in (shortened(noise, 48_000), lengthened(noise, 48_000)):
        assert level_dbfs(changed) == pytest.approx(level_dbfs(noise), abs=2)


@given(st.integers(0, 3000), st.sampled_from(RATES), st.integers(0, 2**32 - 1))
def test_audio_of_any_length_is_taken(length: int, rate: int, seed: int) -> None:
    samples = np.random.default_rng(seed).integers(-32768, 32768, length).astype(np.int16)
    shorter, longer = shortened(samples, rate), lengthened(samples, rate)
    assert shorter.dtype == longer.dtype == np.int16
    assert length - rate // 100 <= len(shorter) <= length
    assert length <= len(longer) <= length + rate // 100
