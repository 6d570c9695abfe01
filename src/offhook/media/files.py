"""Audio files: anything that PyAV reads goes into a call, what is heard goes into a WAV file."""

import asyncio
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np
import numpy.typing as npt

from offhook.media.sinks import AudioSinkError
from offhook.media.sources import AudioSourceError

Samples = npt.NDArray[np.int16]

# Read and written this much at a time, off the event loop.
_CHUNK_SECONDS = 1.0


class FileSource:
    """An audio file, resampled to `rate` Hz mono; over when it is over, unless `loop`."""

    def __init__(self, path: Path, *, loop: bool = False, rate: int = 48_000) -> None:
        self._path = path
        self._loop = loop
        self._rate = rate
        self._decoded: Iterator[Samples] | None = None
        self._ready = np.empty(0, np.int16)
        self._next: asyncio.Task[Samples | None] | None = None

    @property
    def rate(self) -> int:
        return self._rate

    async def open(self) -> None:
        self._decoded = self._decode()
        first = await asyncio.to_thread(self._chunk)
        if first is None:
            raise AudioSourceError(f"{self._path} has no audio in it.")
        self._ready = first
        self._read_ahead()

    async def read(self, samples: int) -> Samples | None:
        while len(self._ready) < samples and self._next is not None:
            more = await self._next
            self._next = None
            if more is None:
                break
            self._ready = np.concatenate([self._ready, more])
            self._read_ahead()
        if not len(self._ready):
            return None
        frame, self._ready = self._ready[:samples], self._ready[samples:]
        if len(frame) < samples:
            frame = np.concatenate([frame, np.zeros(samples - len(frame), np.int16)])
        return frame

    async def close(self) -> None:
        if self._next is not None:
            await asyncio.wait([self._next])
            self._next = None
        self._decoded = None

    def _read_ahead(self) -> None:
        self._next = asyncio.ensure_future(asyncio.to_thread(self._chunk))

    def _chunk(self) -> Samples | None:
        """About a second of audio, None at the end."""
        if self._decoded is None:
            return None
        parts, held = [], 0
        while held < self._rate * _CHUNK_SECONDS:
            part = next(self._decoded, None)
            if part is None:
                break
            parts.append(part)
            held += len(part)
        return np.concatenate(parts) if parts else None

    def _decode(self) -> Iterator[Samples]:
        while True:
            try:
                yield from self._decode_once()
            except (av.FFmpegError, OSError) as error:
                reason = error.strerror if isinstance(error, OSError) else str(error)
                raise AudioSourceError(f"{self._path} cannot be read: {reason}.") from error
            if not self._loop:
                return

    def _decode_once(self) -> Iterator[Samples]:
        with av.open(str(self._path)) as container:
            if not container.streams.audio:
                raise AudioSourceError(f"{self._path} has no audio in it.")
            resampler = av.AudioResampler(format="s16", layout="mono", rate=self._rate)
            for frame in container.decode(audio=0):
                for resampled in resampler.resample(frame):
                    yield resampled.to_ndarray().reshape(-1)
            for resampled in resampler.resample(None):
                yield resampled.to_ndarray().reshape(-1)


class WavSink:
    """A WAV file, 16 bits mono at `rate` Hz. Its header is true after every second of audio."""

    def __init__(self, path: Path, rate: int = 48_000) -> None:
        self._path = path
        self._rate = rate
        self._file: BinaryIO | None = None
        self._parts: list[Samples] = []
        self._held = 0
        self._written = 0
        self._writing: asyncio.Task[None] | None = None

    @property
    def rate(self) -> int:
        return self._rate

    async def open(self) -> None:
        try:
            self._file = await asyncio.to_thread(self._path.open, "wb")
        except OSError as error:
            raise AudioSinkError(f"{self._path} cannot be written: {error.strerror}.") from error
        self._file.write(self._header(0))

    def write(self, frame: Samples) -> None:
        self._parts.append(frame)
        self._held += len(frame)
        if self._held >= self._rate * _CHUNK_SECONDS and (
            self._writing is None or self._writing.done()
        ):
            self._flush_later()

    async def close(self) -> None:
        if self._file is None:
            return
        if self._writing is not None:
            await asyncio.wait([self._writing])
        if self._parts:
            await self._flush_later()
        file, self._file = self._file, None
        await asyncio.to_thread(file.close)

    def _flush_later(self) -> "asyncio.Task[None]":
        parts, self._parts, self._held = self._parts, [], 0
        self._writing = asyncio.create_task(asyncio.to_thread(self._flush, parts), name="write-wav")
        return self._writing

    def _flush(self, parts: list[Samples]) -> None:
        if self._file is None:
            return
        data = np.concatenate(parts).astype("<i2").tobytes()
        self._file.seek(0, 2)
        self._file.write(data)
        self._written += len(data)
        self._file.seek(0)
        self._file.write(self._header(self._written))
        self._file.flush()

    def _header(self, size: int) -> bytes:
        return struct.pack(
            "<4sI4s4sIHHIIHH4sI",
            b"RIFF",
            36 + size,
            b"WAVE",
            b"fmt ",
            16,
            1,
            1,
            self._rate,
            self._rate * 2,
            2,
            16,
            b"data",
            size,
        )
