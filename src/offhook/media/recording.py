"""Audio files as they grow. A writer works in a thread; each piece it is given is on the disk, as
far as the format allows, when `write` returns, so that a killed process loses no more than a piece.
"""

import wave
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import av
import numpy as np

from offhook.media.samples import Samples


class AudioWriter(Protocol):
    """Mono int16 into a file. Raises OSError, `av.FFmpegError` among them."""

    def write(self, samples: Samples) -> None:
        """Append int16 [n]."""

    def close(self) -> None:
        """Finish the file."""


class WavWriter:
    """A WAV file, 16 bits mono at `rate` Hz. Its header is true after every `write`."""

    def __init__(self, path: Path, rate: int) -> None:
        self._file = path.open("wb")
        self._wave = wave.Wave_write(self._file)
        self._wave.setnchannels(1)
        self._wave.setsampwidth(2)
        self._wave.setframerate(rate)
        self._wave.writeframes(b"")
        self._file.flush()

    def write(self, samples: Samples) -> None:
        """Append int16 [n], and correct the header."""
        self._wave.writeframes(samples.astype("<i2", copy=False).tobytes())
        self._file.flush()

    def close(self) -> None:
        """Finish the file."""
        with self._file:
            self._wave.close()


class EncodedWriter:
    """Any other format that PyAV writes, by the ending of `path`. Raises ValueError if none is."""

    def __init__(self, path: Path, rate: int) -> None:
        self._rate = rate
        self._position = 0
        self._container = av.open(str(path), "w", options={"flush_packets": "1"})
        try:
            codec = self._container.default_audio_codec
            if not codec or codec == "none":
                raise ValueError(f"a {path.suffix} file takes no audio")
            stream = self._container.add_stream(codec, rate=rate)
            if not isinstance(stream, av.AudioStream):
                raise ValueError(f"a {path.suffix} file takes no audio")
            self._stream = stream
            self._stream.layout = "mono"
        except BaseException:
            self._container.close()
            raise

    def write(self, samples: Samples) -> None:
        """Append int16 [n]; the encoder may keep the last part of it for later."""
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples)[None, :], "s16", "mono")
        frame.sample_rate = self._rate
        frame.pts = self._position
        frame.time_base = Fraction(1, self._rate)
        self._position += len(samples)
        self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        """Encode the rest and finish the file."""
        try:
            self._container.mux(self._stream.encode(None))
        finally:
            self._container.close()
