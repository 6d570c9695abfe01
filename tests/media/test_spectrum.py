"""Who hears what, in numbers."""

import numpy as np
import pytest

from offhook.media.spectrum import dominant_tone, has_tone, level_dbfs, tone_share
from offhook.media.tones import silence, tone


def test_levels_are_those_of_the_field() -> None:
    full = (32767 * np.sin(2 * np.pi * 1000 * np.arange(48_000) / 48_000)).astype(np.int16)
    assert level_dbfs(full) == pytest.approx(-3.01, abs=0.01)
    assert level_dbfs((full // 2).astype(np.int16)) == pytest.approx(-9.03, abs=0.02)
    assert level_dbfs(silence(1.0)) == -120
    assert level_dbfs(silence(0.0)) == -120


@pytest.mark.parametrize("rate", [8_000, 16_000, 48_000])
@pytest.mark.parametrize("seconds", [0.1, 0.5, 2.0])
def test_the_tone_that_stands_out_is_found(rate: int, seconds: float) -> None:
    rng = np.random.default_rng(7)
    samples = tone((523,), seconds, rate) + rng.normal(0, 300, round(seconds * rate))
    heard = dominant_tone(samples.astype(np.int16), rate)
    assert heard is not None
    assert heard.frequency == pytest.approx(523, abs=1)


def test_in_silence_no_tone_stands_out() -> None:
    assert dominant_tone(silence(1.0), 48_000) is None
    assert dominant_tone(tone((440,), 1.0, level=-60), 48_000) is None
    assert dominant_tone(tone((440,), 0.01), 48_000) is None  # too short to tell


def test_each_of_two_tones_is_there_and_a_third_is_not() -> None:
    both = tone((440, 660), 1.0)
    assert has_tone(both, 48_000, 440)
    assert has_tone(both, 48_000, 660)
    assert not has_tone(both, 48_000, 550)
    assert tone_share(both, 48_000, 440) == pytest.approx(0.5, abs=0.02)


def test_a_tone_below_the_floor_is_not_heard() -> None:
    assert not has_tone(tone((440,), 1.0, level=-70), 48_000, 440)
    assert tone_share(silence(1.0), 48_000, 440) == 0
