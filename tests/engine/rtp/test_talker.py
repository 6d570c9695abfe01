"""A talker's level in a mix: heard or not, brought to the common level, and never pumped."""

from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.engine.rtp.talker import NOTHING, Talker

FRAMES_A_SECOND = 50


def power(dbfs: float) -> float:
    """The mean square of a signal of this level."""
    return 10 ** (dbfs / 10) * 32768.0**2


def talk(talker: Talker, dbfs: float, seconds: float, *, muted: bool = False) -> list[float]:
    """The gain at the end of each frame."""
    gains = []
    for _ in range(round(seconds * FRAMES_A_SECOND)):
        talker.update(power(dbfs), muted=muted)
        gains.append(talker.after)
    return gains


def test_the_first_audible_frame_is_heard() -> None:
    talker = Talker()
    talk(talker, -90, 1)
    assert not talker.is_heard
    assert not talker.is_apart
    talk(talker, -30, 0.02)
    assert talker.is_heard
    assert talker.after == pytest.approx(1.0, rel=0.02)


def test_pauses_between_words_stay_in_and_silence_ends_it() -> None:
    talker = Talker()
    talk(talker, -20, 1)
    assert all(talk(talker, -90, 0.3))
    talk(talker, -20, 0.1)
    talk(talker, -90, 0.5)
    assert not talker.is_heard
    assert not talker.is_apart


def test_a_talker_stays_apart_until_what_it_hears_has_been_common_for_a_frame() -> None:
    talker = Talker()
    talk(talker, -20, 1)
    while talker.is_heard:
        talk(talker, -90, 0.02)
    assert talker.before == talker.after == 0
    assert talker.is_apart
    talk(talker, -90, 0.02)
    assert not talker.is_apart


@pytest.mark.parametrize("level", [-34, -28, -16, -11])
def test_all_are_brought_to_a_common_level(level: float) -> None:
    talker = Talker()
    talk(talker, level, 6)
    assert talker.loudness == pytest.approx(-22, abs=2)


def test_a_level_near_the_common_one_is_left_alone() -> None:
    talker = Talker()
    assert set(talk(talker, -21, 5)) == {1.0}


def test_whispering_and_noise_are_not_pumped_up_without_end() -> None:
    talker = Talker()
    talk(talker, -50, 60)
    assert talker.gain == pytest.approx(12, abs=0.3)


def test_the_gain_stands_still_in_pauses() -> None:
    talker = Talker()
    talk(talker, -34, 1)
    before = talker.gain
    talk(talker, -60, 0.2)
    talk(talker, -52, 2)
    assert talker.gain == before


def test_mute_is_at_once_and_leaves_the_level_alone() -> None:
    talker = Talker()
    talk(talker, -34, 3)
    gain = talker.gain
    talk(talker, -34, 0.02, muted=True)
    assert talker.after == 0
    talk(talker, -34, 1, muted=True)
    assert talker.gain == gain
    assert talker.loudness < -55
    talk(talker, -34, 0.02)
    assert talker.after == pytest.approx(10 ** (gain / 20), rel=0.02)


@given(st.lists(st.tuples(st.floats(0, 32768.0), st.booleans()), max_size=200))
def test_whatever_is_said_gains_are_bounded_and_steady(frames: list[tuple[float, bool]]) -> None:
    talker = Talker()
    for rms, muted in frames:
        before = talker.gain
        talker.update(rms * rms, muted=muted)
        assert abs(talker.gain - before) <= 0.1001
        assert -12 <= talker.gain <= 12
        assert 0 <= talker.after <= sqrt(16)
        assert NOTHING <= talker.loudness <= 12
