"""Tones have the frequencies and the rhythm that people know."""

import numpy as np
import pytest

from offhook.media import tones
from offhook.media.samples import Samples
from offhook.media.spectrum import dominant_tone, has_tone, level_dbfs, tone_share
from offhook.media.tones import Plan

RATES = (8_000, 16_000, 48_000)


def rhythm(samples: Samples, rate: int) -> list[float]:
    """Seconds of sound and silence in turn, beginning with sound."""
    step = rate // 100
    loud = [
        level_dbfs(samples[place : place + step]) > -40 for place in range(0, len(samples), step)
    ]
    edges = [0, *(place for place in range(1, len(loud)) if loud[place] != loud[place - 1])]
    assert loud[0]
    return [round((b - a) / 100, 2) for a, b in zip(edges, [*edges[1:], len(loud)], strict=True)]


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("frequency", [100, 440, 1000.5, 3400])
def test_a_tone_has_exactly_its_frequency_and_level(rate: int, frequency: float) -> None:
    samples = tones.tone((frequency,), 1.0, rate, level=-13.0)
    heard = dominant_tone(samples, rate)
    assert len(samples) == rate
    assert heard is not None
    assert heard.frequency == pytest.approx(frequency, abs=0.2)
    assert np.max(np.abs(samples)) == pytest.approx(32767 * 10 ** (-13 / 20), rel=0.01)


def test_a_tone_begins_and_ends_without_a_click() -> None:
    samples = tones.tone((440,), 0.5).astype(int)
    assert abs(samples[0]) < 10
    assert abs(samples[-1]) < 100
    assert np.max(np.abs(np.diff(samples))) < 32767 * 10 ** (-13 / 20) * 2 * np.pi * 450 / 48_000


@pytest.mark.parametrize("rate", RATES)
def test_each_key_has_its_two_frequencies(rate: int) -> None:
    rows, columns = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
    for place, key in enumerate("123A456B789C*0#D"):
        sound = tones.dtmf(key, rate, on=0.2)[: rate // 5]
        row, column = rows[place // 4], columns[place % 4]
        for frequency in (*rows, *columns):
            assert has_tone(sound, rate, frequency) is (frequency in (row, column))


def test_keys_are_pressed_one_after_the_other() -> None:
    sound = tones.dtmf("1b#", on=0.1, off=0.06)
    assert rhythm(sound, 48_000) == [0.1, 0.06, 0.1, 0.06, 0.1, 0.06]
    assert len(tones.dtmf("")) == 0


@pytest.mark.parametrize("digits", ["1x", "+", " ", "ß"])
def test_what_is_no_key_has_no_tone(digits: str) -> None:
    with pytest.raises(ValueError, match="not a key"):
        tones.dtmf(digits)


@pytest.mark.parametrize(
    ("make", "plan", "frequencies", "pattern"),
    [
        (tones.ringback, Plan.NORTH_AMERICA, (440, 480), [2.0, 4.0]),
        (tones.ringback, Plan.EUROPE, (425,), [1.0, 4.0]),
        (tones.busy, Plan.NORTH_AMERICA, (480, 620), [0.5, 0.5]),
        (tones.busy, Plan.EUROPE, (425,), [0.5, 0.5]),
        (tones.reorder, Plan.NORTH_AMERICA, (480, 620), [0.25, 0.25]),
        (tones.reorder, Plan.EUROPE, (425,), [0.25, 0.25]),
        (tones.call_waiting, Plan.NORTH_AMERICA, (440,), [0.3, 9.7]),
        (tones.call_waiting, Plan.EUROPE, (425,), [0.2, 0.2, 0.2, 4.4]),
    ],
)
def test_call_progress_sounds_as_in_its_country(
    make: object, plan: Plan, frequencies: tuple[int, ...], pattern: list[float]
) -> None:
    rate = 8_000
    period = make(rate, plan)  # type: ignore[operator]
    assert rhythm(period, rate) == pytest.approx(pattern, abs=0.011)
    loud = period[: round(pattern[0] * rate)]
    for frequency in frequencies:
        assert tone_share(loud, rate, frequency, width=15) > 0.8 / len(frequencies)


@pytest.mark.parametrize("rate", RATES)
def test_music_on_hold_loops_without_a_seam(rate: int) -> None:
    music = tones.music_on_hold(rate).astype(int)
    assert len(music) == 16 * rate
    inside = np.max(np.abs(np.diff(music)))
    assert abs(music[0] - music[-1]) <= inside


def test_music_on_hold_is_soft_and_never_stops() -> None:
    music = tones.music_on_hold(16_000)
    seconds = music.reshape(16, 16_000)
    assert np.max(np.abs(music)) <= 32767 * 10 ** (-15 / 20)
    assert all(-45 < level_dbfs(second) < -18 for second in seconds)
    # It is music, not one tone: the strongest note changes.
    notes = {round(heard.frequency) for each in seconds if (heard := dominant_tone(each, 16_000))}
    assert len(notes) >= 4


def test_the_announcement_comes_and_goes_gently() -> None:
    chime = tones.announcement(16_000)
    assert len(chime) == 4 * 16_000
    assert np.max(np.abs(chime)) <= 32767 * 10 ** (-11.9 / 20)
    assert level_dbfs(chime[:32_000]) > -35
    assert level_dbfs(chime[-800:]) < -40
    assert abs(int(chime[0])) < 10
