"""Play a little faster or slower without changing the pitch.

One period of the sound is taken out or repeated where the wave meets itself best, and the two ends
are blended (waveform similarity overlap-add). On speech a few such changes a second go unnoticed.
"""

import numpy as np
import numpy.typing as npt

from offhook.media.samples import Samples, frame_samples

# Shares of the piece that is worked on: the longest and shortest period, in eighths.
_LONGEST = 4
_SHORTEST = 1


def shortened(samples: Samples, rate: int) -> Samples:
    """int16 [n] at `rate` Hz with 2.5 to 10 ms less (of 20 ms; of shorter audio in proportion)."""
    piece = min(len(samples), frame_samples(rate))
    blend = piece // 2
    least, most = _periods(piece)
    if least < 1:
        return samples
    head = samples[:blend]
    period = _best_period(head, samples[least : most + blend], least)
    joint = _blended(head, samples[period : period + blend])
    return np.concatenate((joint, samples[period + blend :]))


def lengthened(samples: Samples, rate: int) -> Samples:
    """int16 [n] at `rate` Hz with 2.5 to 10 ms more (of 20 ms; of shorter audio in proportion)."""
    piece = min(len(samples), frame_samples(rate))
    blend = piece // 2
    least, most = _periods(piece)
    if least < 1:
        return samples
    tail = samples[blend : 2 * blend]
    # Looked at from the end, going back by a period is going ahead by one.
    period = _best_period(tail[::-1], samples[blend - most : 2 * blend - least][::-1], least)
    joint = _blended(tail, samples[blend - period : 2 * blend - period])
    return np.concatenate((samples[:blend], joint, samples[2 * blend - period :]))


def _periods(piece: int) -> tuple[int, int]:
    return piece * _SHORTEST // 8, piece * _LONGEST // 8


def _best_period(pattern: Samples, wave: Samples, least: int) -> int:
    """How far on `wave`, which begins `least` after `pattern`, looks most like `pattern`."""
    shape = pattern.astype(np.float64)
    stretch = wave.astype(np.float64)
    likeness = np.correlate(stretch, shape, "valid")
    energy = np.concatenate(([0.0], np.cumsum(np.square(stretch))))
    energy = energy[len(shape) :] - energy[: -len(shape)]
    return least + int(np.argmax(likeness / np.sqrt(energy + 1.0)))


def _blended(out: Samples, into: Samples) -> Samples:
    weight: npt.NDArray[np.float64] = np.linspace(0.0, 1.0, len(out))
    mixed: Samples = np.rint(out * (1.0 - weight) + into * weight).astype(np.int16)
    return mixed
