"""Make audio fit to be repeated for ever: whole packets, and nothing that tells the seam."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from offhook.media.opus import Encoder
from offhook.media.samples import Samples

# Seconds of the end that are blended with themselves, moved by less than a frame.
_BLEND = 0.2
# Frames before the first one that the encoder is shown, so that it knows what the first follows.
_LEAD = 5


def whole_frames(samples: Samples, frame: int, rate: int) -> Samples:
    """int16 [n] without the rest beyond a whole number of frames.

    The end is moved forward by that rest, which a blend over the last part hides, so that its last
    sample still leads to the first one. Shorter audio than a frame is filled up with silence.
    """
    rest = len(samples) % frame
    if not rest:
        return samples
    if len(samples) < frame:
        return np.pad(samples, (0, frame - rest))
    length = len(samples) - rest
    blend = min(round(_BLEND * rate), length)
    weight: npt.NDArray[np.float64] = np.linspace(0.0, 1.0, blend)
    early, late = samples[length - blend : length], samples[len(samples) - blend :]
    end = np.rint(early * (1.0 - weight) + late * weight).astype(np.int16)
    return np.concatenate((samples[: length - blend], end))


def encode_loop(samples: Samples, encoder: Encoder) -> Iterator[bytes]:
    """Packets that may be repeated, and begun with, at any place: each is understood alone.

    Made for an encoder with `low_delay`, whose frames depend on little but their neighbour.
    """
    whole = whole_frames(samples, encoder.frame_samples, encoder.rate)
    frames = whole.reshape(-1, encoder.frame_samples)
    for frame in frames[-_LEAD:]:
        encoder.encode_alone(frame)
    for frame in frames:
        yield encoder.encode_alone(frame)
