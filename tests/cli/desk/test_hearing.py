"""What is heard: tones are named, speech and silence are not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from offhook.cli.desk.hearing import SILENCE, hear

RATE = 8_000
TIME = np.arange(RATE // 5) / RATE


def sound(*tones: float, level: float = 8_000.0) -> npt.NDArray[np.int16]:
    whole = sum((level * np.sin(2 * np.pi * tone * TIME) for tone in tones), np.zeros(len(TIME)))
    return whole.astype(np.int16)


def test_each_tone_is_named_lowest_first() -> None:
    assert hear(sound(880), RATE).tones == (880,)
    assert hear(sound(660, 440), RATE).tones == (440, 660)
    assert hear(sound(440) + sound(880, level=2_500), RATE).tones == (440, 880)


def test_noise_and_silence_have_no_tones() -> None:
    noise = np.random.default_rng(1).normal(0, 5_000, len(TIME)).astype(np.int16)
    assert hear(noise, RATE).tones == ()
    assert hear(noise, RATE).level > SILENCE
    assert hear(np.zeros(len(TIME), np.int16), RATE).tones == ()


def test_a_tone_that_wavers_by_a_hertz_is_the_same() -> None:
    assert hear(sound(440), RATE).same_tones(hear(sound(442), RATE))
    assert not hear(sound(440), RATE).same_tones(hear(sound(460), RATE))
    assert not hear(sound(440), RATE).same_tones(hear(sound(440, 660), RATE))
