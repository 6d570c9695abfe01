"""What is heard, in two figures: how loud, and which tones if it is nothing but tones."""

from dataclasses import dataclass

import numpy as np

from offhook.media.samples import Samples
from offhook.media.spectrum import level_dbfs

#: Below this it is silence, in dBFS.
SILENCE = -55.0
_MOST_TONES = 4
# Each tone has at least this share of the energy, and all of them together nearly all of it.
_SHARE, _TOGETHER = 0.04, 0.85
_WIDTH = 40.0
_SAME = 4


@dataclass(frozen=True, slots=True)
class Heard:
    """`level` in dBFS; `tones` in Hz, lowest first, empty for speech, music and silence."""

    level: float
    tones: tuple[int, ...] = ()

    def same_tones(self, other: "Heard") -> bool:
        """Whether the tones are the same, as far as can be told."""
        return len(self.tones) == len(other.tones) and all(
            abs(a - b) <= _SAME for a, b in zip(self.tones, other.tones, strict=True)
        )


def hear(block: Samples, rate: int) -> Heard:
    """Listen to int16 [n] at `rate` Hz, 100 ms or more of it."""
    level = level_dbfs(block)
    if level < SILENCE:
        return Heard(level)
    power = np.square(np.abs(np.fft.rfft(block.astype(np.float64) * np.hanning(len(block)))))
    frequencies = np.fft.rfftfreq(len(block), 1 / rate)
    total = float(power.sum())
    explained = 0.0
    tones: list[int] = []
    while len(tones) < _MOST_TONES:
        near = np.abs(frequencies - frequencies[int(np.argmax(power))]) <= _WIDTH
        share = float(power[near].sum()) / total
        if share < _SHARE:
            break
        tones.append(round(float(np.average(frequencies[near], weights=power[near]))))
        explained += share
        power[near] = 0.0
    return Heard(level, tuple(sorted(tones)) if explained >= _TOGETHER else ())
