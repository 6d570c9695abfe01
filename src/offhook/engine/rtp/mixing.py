"""The arithmetic of a mix: each talker hears all others and not itself, and nobody hears clipping.

Waves are float32 in the scale of int16, one row a talker, all rows of the same length.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Wave = npt.NDArray[np.float32]
Samples = npt.NDArray[np.int16]

#: The most participants of one mix.
MOST_PARTICIPANTS = 64

_FULL = 32767.0
# Peaks are held below this, 1 dB under full scale.
_CEILING = 0.89 * _FULL
# The limiter gives back what it took at 9 dB a second: slower than speech swells, so it is not
# heard to pump.
_RELEASE = 1.02
# The part of a frame in which a gain moves from its old value to the new one.
_MOVING = 4


class Blender:
    """Blends frame after frame of `samples` samples, and keeps the limiter's state between them."""

    def __init__(self, samples: int) -> None:
        moving = samples // _MOVING
        self._rise: Wave = np.ones(samples, np.float32)
        self._rise[:moving] = np.linspace(0.0, 1.0, moving, endpoint=False, dtype=np.float32)
        self._limit = 1.0

    @property
    def limit(self) -> float:
        """The factor at which the limiter holds everything down: 1 for not at all."""
        return self._limit

    def blend(self, voices: Wave, before: Sequence[float], after: Sequence[float]) -> Samples:
        """What each talker hears, and what everybody else does: int16 [talkers + 1, samples].

        `voices` is float32 [talkers, samples]. Each talker's gain moves from `before`, which it had
        at the end of the last frame, to `after` within the first quarter of this one. All rows pass
        the same limiter, so that whoever is silent hears exactly what everybody else hears.
        """
        heard = self._weighted(voices, before, after)
        rows = np.empty((len(voices) + 1, len(self._rise)), np.float32)
        total = rows[-1]
        np.sum(heard, axis=0, out=total)
        np.subtract(total, heard, out=rows[:-1])
        self._hold_down(rows)
        return np.rint(rows, out=rows).astype(np.int16)

    def _weighted(self, voices: Wave, before: Sequence[float], after: Sequence[float]) -> Wave:
        end = np.array(after, np.float32)[:, None]
        if before == after:
            return voices * end
        start = np.array(before, np.float32)[:, None]
        return voices * (start + (end - start) * self._rise)

    def _hold_down(self, rows: Wave) -> None:
        peak = max(float(rows.max()), -float(rows.min()))
        if self._limit == 1.0 and peak <= _CEILING:
            return
        allowed = _CEILING / peak if peak > _CEILING else 1.0
        limit = min(allowed, self._limit * _RELEASE)
        rows *= self._limit + (limit - self._limit) * self._rise
        if peak * self._limit > _CEILING:
            _round_off(rows)  # what came before the gain had moved
        self._limit = limit


def _round_off(rows: Wave) -> None:
    """Bend what is above the ceiling so that it stays below full scale, without a corner."""
    size = np.abs(rows)
    above = size > _CEILING
    room = _FULL - _CEILING
    rows[above] = np.copysign(
        _CEILING + room * np.tanh((size[above] - _CEILING) / room), rows[above]
    )
