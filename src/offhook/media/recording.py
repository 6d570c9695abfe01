"""Audio files as they grow. A writer works in a thread; each piece it is given is on the disk, as
far as the format allows, when `write` returns, so that a killed process loses no more than a piece.
"""

import os
import struct
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import av
import numpy as np

from offhook.media.samples import Samples

_WAV_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
# Bytes of the header behind the field that holds the size of the rest.
_AFTER_SIZE = _WAV_HEADER.size - 8
# Ogg writes whole pages; by default one holds a second.
_OGG = (".ogg", ".oga", ".opus")
_PAGE_MICROSECONDS = 200_000


class AudioWriter(Protocol):
    """Mono int16 into a file. Raises OSError, `av.FFmpegError` among them."""

    def write(self, samples: Samples) -> None:
        """Append int16 [n]."""

    def close(self) -> None:
        """Finish the file."""


class WavWriter:
    """A WAV file, 16 bits mono at `rate` Hz. Its header is true after every `write`."""

    def __init__(self, path: Path, rate: int) -> None:
        self._rate = rate
        self._size = 0
        self._file = path.open("wb")

    def write(self, samples: Samples) -> None:
        """Append int16 [n], and correct the header."""
        data = samples.astype("<i2", copy=False).tobytes()
        if not self._size:
            self._file.write(self._header())
        self._file.write(data)
        self._size += len(data)
        self._file.seek(0)
        self._file.write(self._header())
        self._file.seek(0, os.SEEK_END)
        self._file.flush()

    def close(self) -> None:
        """Finish the file."""
        with self._file:
            if not self._size:
                self._file.write(self._header())

    def _header(self) -> bytes:
        # Beyond 4 GiB (12 hours at 48 kHz) the header names the most that it can.
        size = min(self._size, 0xFFFFFFFF - _AFTER_SIZE)
        return _WAV_HEADER.pack(
            b"RIFF",
            size + _AFTER_SIZE,
            b"WAVE",
            b"fmt ",
            16,  # bytes of this chunk
            1,  # PCM
            1,  # channel
            self._rate,
            self._rate * 2,  # bytes a second
            2,  # bytes a sample
            16,  # bits
            b"data",
            size,
        )


class EncodedWriter:
    """Any other format that PyAV writes, by the ending of `path`. Raises ValueError if none is."""

    def __init__(self, path: Path, rate: int) -> None:
        self._rate = rate
        self._position = 0
        options = {"flush_packets": "1"}
        if path.suffix.lower() in _OGG:
            options["page_duration"] = str(_PAGE_MICROSECONDS)
        self._container = av.open(str(path), "w", options=options)
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
