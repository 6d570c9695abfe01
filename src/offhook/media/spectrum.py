"""What a piece of audio sounds like, in numbers: how loud it is and which tone stands out."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from offhook.media.samples import Samples

_FULL_SCALE = 32768.0
_SILENCE_DBFS = -120.0


@dataclass(frozen=True, slots=True)
class Tone:
    """A tone that stands out: `frequency` in Hz, `level` of the whole signal in dBFS."""

    frequency: float
    level: float


def level_dbfs(samples: Samples) -> float:
    """The RMS level of int16 [n] in dBFS; a full-scale sine is -3, nothing at all is -120."""
    if not len(samples):
        return _SILENCE_DBFS
    rms = float(np.sqrt(np.mean(np.square(samples.astype(np.float64))))) / _FULL_SCALE
    return max(20 * float(np.log10(rms)), _SILENCE_DBFS) if rms else _SILENCE_DBFS


def dominant_tone(samples: Samples, rate: int, *, floor: float = -50.0) -> Tone | None:
    """The strongest tone of int16 [n] at `rate` Hz, None if the signal is below `floor` dBFS."""
    level = level_dbfs(samples)
    if level < floor or len(samples) < rate // 50:
        return None
    power = _power(samples)
    peak = int(np.argmax(power[1:])) + 1
    return Tone(_interpolated(power, peak) * rate / len(samples), level)


def tone_share(samples: Samples, rate: int, frequency: float, *, width: float = 30.0) -> float:
    """How much of the energy lies within `width` Hz of `frequency`: 0 none, 1 all of it."""
    power = _power(samples)
    total = float(power.sum())
    if not total:
        return 0.0
    frequencies = np.fft.rfftfreq(len(samples), 1 / rate)
    return float(power[np.abs(frequencies - frequency) <= width].sum()) / total


def has_tone(
    samples: Samples, rate: int, frequency: float, *, share: float = 0.2, floor: float = -50.0
) -> bool:
    """Whether `frequency` Hz is plainly in int16 [n]: loud enough and at least `share` of it."""
    return level_dbfs(samples) >= floor and tone_share(samples, rate, frequency) >= share


def _power(samples: Samples) -> npt.NDArray[np.float64]:
    window = np.hanning(len(samples))
    return np.square(np.abs(np.fft.rfft(samples.astype(np.float64) * window)))


def _interpolated(power: npt.NDArray[np.float64], peak: int) -> float:
    """The peak's place between the bins, by a parabola through the logarithms around it."""
    if not 0 < peak < len(power) - 1:
        return float(peak)
    left, middle, right = np.log(power[peak - 1 : peak + 2] + 1e-12)
    curve = left - 2 * middle + right
    return float(peak + 0.5 * (left - right) / curve) if curve else float(peak)
