"""For how long something that should be heard all the time was not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from offhook.media.samples import Samples

#: Seconds: nobody may miss anybody for longer than this, whatever happens to the others.
LONGEST_GAP = 0.060

_WINDOW, _HOP = 0.010, 0.0025
# A tone below this share of its usual strength is gone.
_GONE = 0.2


def longest_gap(samples: Samples, rate: int, frequency: float) -> float:
    """Seconds of the longest stretch without the tone, to within 4 ms.

    Other tones do no harm if they are 200 Hz away from this one.
    """
    window, hop = round(rate * _WINDOW), round(rate * _HOP)
    wave = np.exp(-2j * np.pi * frequency * np.arange(window) / rate) * np.hanning(window)
    places = np.lib.stride_tricks.sliding_window_view(samples, window)[::hop]
    strong = np.abs(places @ wave)
    return _longest(strong < np.median(strong) * _GONE)


def longest_silence(samples: Samples, rate: int) -> float:
    """Seconds of the longest stretch without any sound, to within 4 ms."""
    window, hop = round(rate * _WINDOW), round(rate * _HOP)
    places = np.lib.stride_tricks.sliding_window_view(samples, window)[::hop]
    loud = np.abs(places.astype(np.int32)).max(axis=1)
    return _longest(loud < np.median(loud) * _GONE)


def _longest(gone: npt.NDArray[np.bool_]) -> float:
    longest = run = 0
    for each in gone:
        run = run + 1 if each else 0
        longest = max(longest, run)
    return longest * _HOP
