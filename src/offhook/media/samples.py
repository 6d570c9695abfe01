"""The audio that is handed about: mono int16 [n], with a rate in Hz beside it."""

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]

#: Milliseconds of one frame: what one packet carries and one step of a call takes.
FRAME_MS = 20
#: Seconds of one frame.
FRAME_SECONDS = FRAME_MS / 1000
#: Rates at which a call's audio may come and go, in Hz: Opus codes them without resampling.
CALL_RATES = (8_000, 16_000, 24_000, 48_000)


def frame_samples(rate: int) -> int:
    """Samples of one frame at `rate` Hz."""
    return rate * FRAME_MS // 1000


def silent(samples: int) -> Samples:
    """Nothing, int16 [samples]."""
    return np.zeros(samples, np.int16)
