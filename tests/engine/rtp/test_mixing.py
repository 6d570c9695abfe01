"""The arithmetic of a mix, for any voices: all others, never oneself, never clipped."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.engine.rtp.mixing import Blender, Samples, Wave

LENGTH = 960
FULL = 32767


def waves(count: int, seed: int, peak: float) -> Wave:
    """Noise, each row with a peak of its own of up to `peak`."""
    chance = np.random.default_rng(seed)
    shape = chance.uniform(-1, 1, (count, LENGTH)) * chance.uniform(0, peak, (count, 1))
    return shape.astype(np.float32)


def others(voices: Wave, gains: list[float], talker: int) -> npt.NDArray[np.float64]:
    """What a talker is to hear, added up the long way."""
    total = np.zeros(LENGTH)
    for place, voice in enumerate(voices):
        if place != talker:
            total += voice.astype(np.float64) * gains[place]
    return total


@given(st.integers(1, 12), st.integers(0, 2**32), st.data())
def test_each_talker_hears_the_sum_of_the_others_and_not_itself(
    count: int, seed: int, data: st.DataObject
) -> None:
    gains = data.draw(st.lists(st.floats(0, 4), min_size=count, max_size=count))
    voices = waves(count, seed, 20_000 / (4 * count))  # never so loud that the limiter steps in
    rows = Blender(LENGTH).blend(voices, gains, gains)
    assert rows.shape == (count + 1, LENGTH)
    for talker in range(count + 1):
        assert np.abs(rows[talker] - others(voices, gains, talker)).max() <= 1


@given(st.integers(0, 64), st.integers(0, 2**32), st.floats(0, FULL))
def test_nothing_is_ever_clipped(count: int, seed: int, peak: float) -> None:
    blender = Blender(LENGTH)
    for step in range(3):
        rows = blender.blend(waves(count, seed + step, peak), [2.0] * count, [4.0] * count)
        assert np.abs(rows.astype(int)).max(initial=0) <= FULL
        assert 0 < blender.limit <= 1


@given(st.integers(1, 8), st.integers(0, 2**32))
def test_the_order_of_talkers_changes_nothing(count: int, seed: int) -> None:
    voices = waves(count, seed, FULL)
    order = np.random.default_rng(seed).permutation(count)
    ones = [1.0] * count
    rows = Blender(LENGTH).blend(voices, ones, ones)
    turned = Blender(LENGTH).blend(voices[order], ones, ones)
    assert np.abs(turned[:-1].astype(int) - rows[order].astype(int)).max() <= 1
    assert np.abs(turned[-1].astype(int) - rows[-1].astype(int)).max() <= 1


@given(st.integers(1, 8), st.integers(0, 2**32))
def test_who_is_silent_hears_exactly_what_all_hear(count: int, seed: int) -> None:
    voices = waves(count, seed, FULL)
    voices[0] = 0
    rows = Blender(LENGTH).blend(voices, [1.0] * count, [1.0] * count)
    assert np.array_equal(rows[0], rows[-1])
    muted = Blender(LENGTH).blend(waves(count, seed, FULL), [0.0] * count, [0.0] * count)
    assert not muted.any()


def test_nobody_talking_is_silence() -> None:
    assert not Blender(LENGTH).blend(np.zeros((0, LENGTH), np.float32), [], []).any()


def test_a_gain_moves_in_the_first_quarter_of_the_frame() -> None:
    constant = np.full((1, LENGTH), 1000, np.float32)
    heard = Blender(LENGTH).blend(constant, [0.0], [2.0])[-1]
    assert heard[0] == 0
    assert np.all(np.diff(heard.astype(int)) >= 0)
    assert np.diff(heard.astype(int)).max() <= 2000 / (LENGTH / 4) + 1
    assert np.all(heard[LENGTH // 4 :] == 2000)


def loud(frames: int) -> list[Wave]:
    time = np.arange(LENGTH * frames) / 48_000
    wave = (30_000 * np.sin(2 * np.pi * 400 * time)).astype(np.float32)
    return [np.stack((frame, frame)) for frame in wave.reshape(-1, LENGTH)]


def blended(blender: Blender, frames: list[Wave]) -> Samples:
    return np.concatenate([blender.blend(each, [1.0, 1.0], [1.0, 1.0])[-1] for each in frames])


def test_what_is_too_loud_together_is_held_down_without_a_trace_in_the_spectrum() -> None:
    heard = blended(Blender(LENGTH), loud(25))[LENGTH:]
    power = np.square(np.abs(np.fft.rfft(heard * np.hanning(len(heard)))))
    peak = int(np.argmax(power))
    assert peak * 48_000 / len(heard) == pytest.approx(400, abs=3)
    assert power[peak - 4 : peak + 5].sum() / power.sum() > 0.9999
    assert np.abs(heard.astype(int)).max() == pytest.approx(0.89 * FULL, rel=0.01)


def test_the_limiter_lets_go_slowly_and_completely() -> None:
    blender = Blender(LENGTH)
    blended(blender, loud(2))
    quiet = [np.full((2, LENGTH), 1000, np.float32)] * 100
    limits = []
    for frame in quiet:
        blender.blend(frame, [1.0, 1.0], [1.0, 1.0])
        limits.append(blender.limit)
    assert limits[0] < 0.55
    assert all(0 <= later - earlier < 0.03 for earlier, later in pairwise(limits))
    assert limits[-1] == 1.0
