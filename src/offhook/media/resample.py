"""Change the rate of a stream of audio, piece by piece."""

import av
import numpy as np

from offhook.media.samples import Samples, silent


class Resampler:
    """From `source` to `target` Hz. The stream comes out a few samples late."""

    def __init__(self, source: int, target: int) -> None:
        self.source = source
        self.target = target
        self._inner = av.AudioResampler(format="s16", layout="mono", rate=target)

    def process(self, samples: Samples) -> Samples:
        """int16 [n] at the source's rate in, int16 [about n * target / source] out."""
        if self.source == self.target or not len(samples):
            return samples
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples)[None, :], "s16", "mono")
        frame.sample_rate = self.source
        return _joined(self._inner.resample(frame))

    def finish(self) -> Samples:
        """What is still inside, at the end of the stream."""
        return silent(0) if self.source == self.target else _joined(self._inner.resample(None))


def _joined(frames: list[av.AudioFrame]) -> Samples:
    parts = [frame.to_ndarray().reshape(-1).astype(np.int16, copy=False) for frame in frames]
    return np.concatenate(parts) if parts else silent(0)
