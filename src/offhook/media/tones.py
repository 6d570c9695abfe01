"""Tones of telephony and a little music, all generated: int16 [n], mono.

Frequencies and cadences: ITU-T Q.23 for digits; ITU-T E.180 and the North American Precise Tone
Plan for call progress.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from offhook.media.samples import Samples

_PEAK = 32767
_ROWS = (697, 770, 852, 941)
_COLUMNS = (1209, 1336, 1477, 1633)
# dBFS (peak) of each frequency.
_PROGRESS_LEVEL = -19.0
_KEYS = "123A456B789C*0#D"

#: The two frequencies of each key, in Hz.
DTMF = {key: (_ROWS[index // 4], _COLUMNS[index % 4]) for index, key in enumerate(_KEYS)}


def tone(
    frequencies: Sequence[float], seconds: float, rate: int = 48_000, *, level: float = -13.0
) -> Samples:
    """The sum of sines, each of `level` dBFS (peak), with 5 ms ramps so that nothing clicks."""
    time = np.arange(round(seconds * rate)) / rate
    wave = np.zeros(len(time))
    for frequency in frequencies:
        wave += np.sin(2 * np.pi * frequency * time)
    wave *= 10 ** (level / 20)
    return _int16(wave * _ramps(len(wave), round(0.005 * rate)))


def silence(seconds: float, rate: int = 48_000) -> Samples:
    """Nothing."""
    return np.zeros(round(seconds * rate), np.int16)


def dtmf(digits: str, rate: int = 48_000, *, on: float = 0.1, off: float = 0.06) -> Samples:
    """The digits ``0-9 * # A-D`` as dual tones, `on` and `off` in s. ValueError for others."""
    parts = []
    for digit in digits.upper():
        if digit not in DTMF:
            raise ValueError(f"{digit!r} is not a key of a telephone; use 0-9, *, # and A-D.")
        parts += [tone(DTMF[digit], on, rate, level=-10.0), silence(off, rate)]
    return np.concatenate(parts) if parts else silence(0, rate)


class Plan(StrEnum):
    """Whose tones of call progress: those of North America, or of most of Europe."""

    NORTH_AMERICA = "north america"
    EUROPE = "europe"


@dataclass(frozen=True, slots=True)
class Cadence:
    """A tone of call progress: `frequencies` in Hz, and one period of seconds on and off."""

    frequencies: tuple[float, ...]
    pattern: tuple[float, ...]

    def period(self, rate: int) -> Samples:
        """One period; repeated, it is the tone."""
        parts = [
            silence(seconds, rate)
            if place % 2
            else tone(self.frequencies, seconds, rate, level=_PROGRESS_LEVEL)
            for place, seconds in enumerate(self.pattern)
        ]
        return np.concatenate(parts)


RINGBACK = {
    Plan.NORTH_AMERICA: Cadence((440, 480), (2.0, 4.0)),
    Plan.EUROPE: Cadence((425,), (1.0, 4.0)),
}
BUSY = {
    Plan.NORTH_AMERICA: Cadence((480, 620), (0.5, 0.5)),
    Plan.EUROPE: Cadence((425,), (0.5, 0.5)),
}
#: No way through: "fast busy", congestion.
REORDER = {
    Plan.NORTH_AMERICA: Cadence((480, 620), (0.25, 0.25)),
    Plan.EUROPE: Cadence((425,), (0.25, 0.25)),
}
CALL_WAITING = {
    Plan.NORTH_AMERICA: Cadence((440,), (0.3, 9.7)),
    Plan.EUROPE: Cadence((425,), (0.2, 0.2, 0.2, 4.4)),
}


def ringback(rate: int = 48_000, plan: Plan = Plan.NORTH_AMERICA) -> Samples:
    """One period of what a caller hears while it rings."""
    return RINGBACK[plan].period(rate)


def busy(rate: int = 48_000, plan: Plan = Plan.NORTH_AMERICA) -> Samples:
    """One period of the busy tone."""
    return BUSY[plan].period(rate)


def reorder(rate: int = 48_000, plan: Plan = Plan.NORTH_AMERICA) -> Samples:
    """One period of the tone that says that there is no way through."""
    return REORDER[plan].period(rate)


def call_waiting(rate: int = 48_000, plan: Plan = Plan.NORTH_AMERICA) -> Samples:
    """One period of the tone that tells somebody in a call of another call."""
    return CALL_WAITING[plan].period(rate)


def music_on_hold(rate: int = 48_000) -> Samples:
    """Sixteen seconds of soft chords that loop without a seam."""
    progression = (
        (261.63, 329.63, 392.00, 523.25),
        (220.00, 261.63, 329.63, 440.00),
        (174.61, 220.00, 261.63, 349.23),
        (196.00, 246.94, 293.66, 392.00),
    )
    bars = [_arpeggio(chord, 4.0, rate) for chord in progression]
    length = round(16.0 * rate)
    wave = np.zeros(length)
    for index, bar in enumerate(bars):
        start = round(index * 4.0 * rate)
        places = (start + np.arange(len(bar))) % length  # the last bar rings into the first
        np.add.at(wave, places, bar)
    return _int16(wave * (10 ** (-16 / 20) / np.max(np.abs(wave))))


def announcement(rate: int = 48_000) -> Samples:
    """Four seconds that say "you have reached us" without words: a rising chime and its answer."""
    notes = (
        (0.0, 523.25),
        (0.35, 659.26),
        (0.7, 783.99),
        (1.05, 1046.50),
        (1.9, 783.99),
        (2.3, 1046.50),
    )
    wave = np.zeros(round(4.0 * rate))
    for start, frequency in notes:
        bell = _bell(frequency, 1.4, rate)
        begin = round(start * rate)
        bell = bell[: len(wave) - begin]
        wave[begin : begin + len(bell)] += bell
    return _int16(wave * (10 ** (-12 / 20) / np.max(np.abs(wave))))


def _arpeggio(chord: Sequence[float], seconds: float, rate: int) -> npt.NDArray[np.float64]:
    step = seconds / 8
    pattern = [0, 1, 2, 3, 2, 1, 2, 3]
    wave = np.zeros(round((seconds + 2.0) * rate))
    for index, note in enumerate(pattern):
        bell = _bell(chord[note], 2.0, rate)
        begin = round(index * step * rate)
        wave[begin : begin + len(bell)] += bell[: len(wave) - begin]
    return wave


def _bell(frequency: float, seconds: float, rate: int) -> npt.NDArray[np.float64]:
    time = np.arange(round(seconds * rate)) / rate
    wave = np.sin(2 * np.pi * frequency * time) + 0.25 * np.sin(4 * np.pi * frequency * time)
    attack = np.minimum(time / 0.01, 1.0)
    release = np.minimum((seconds - time) / 0.05, 1.0)
    shaped: npt.NDArray[np.float64] = wave * np.exp(-2.5 * time) * attack * release
    return shaped


def _ramps(count: int, length: int) -> npt.NDArray[np.float64]:
    ramp = np.ones(count)
    length = min(length, count // 2)
    if length:
        slope = np.linspace(0.0, 1.0, length, endpoint=False)
        ramp[:length] = slope
        ramp[-length:] = slope[::-1]
    return ramp


def _int16(wave: npt.NDArray[np.float64]) -> Samples:
    return np.clip(wave * _PEAK, -_PEAK - 1, _PEAK).astype(np.int16)
