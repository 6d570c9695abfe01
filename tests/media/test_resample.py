"""A stream at another rate sounds the same."""

import numpy as np
import pytest

from offhook.media.resample import Resampler
from offhook.media.spectrum import dominant_tone
from offhook.media.tones import tone


@pytest.mark.parametrize("source", [8_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("target", [8_000, 16_000, 24_000, 48_000])
def test_a_tone_is_the_same_tone_at_another_rate(source: int, target: int) -> None:
    resampler = Resampler(source, target)
    samples = tone((700,), 1.0, source)
    pieces = [resampler.process(piece) for piece in np.array_split(samples, 50)]
    out = np.concatenate([*pieces, resampler.finish()])
    assert out.dtype == np.int16
    assert len(out) == pytest.approx(target, abs=target // 500)
    heard = dominant_tone(out, target)
    assert heard is not None
    assert heard.frequency == pytest.approx(700, abs=1)


def test_what_a_lower_rate_cannot_carry_is_filtered_out() -> None:
    resampler = Resampler(48_000, 8_000)
    out = resampler.process(tone((6000,), 1.0, 48_000))
    assert dominant_tone(out[400:-400], 8_000) is None


def test_an_empty_piece_is_nothing() -> None:
    assert len(Resampler(48_000, 16_000).process(np.zeros(0, np.int16))) == 0
