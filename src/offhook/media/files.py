"""Audio files: anything that PyAV reads goes into a call, what is heard goes into a file."""

import asyncio
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

import av
import numpy as np

from offhook.media.recording import AudioWriter, EncodedWriter, WavWriter
from offhook.media.samples import Samples, silent
from offhook.media.sinks import AudioSinkError
from offhook.media.sources import AudioSourceError

# Read this much at a time, off the event loop, and ahead of the call.
_CHUNK_SECONDS = 1.0
# Written as soon as this much is there.
_WRITTEN_SECONDS = 0.5
# A disk that is so much behind has failed.
_MOST_SECONDS = 30.0


class FileSource:
    """An audio file, resampled to `rate` Hz mono; over when it is over, unless `loop`."""

    def __init__(self, path: Path, *, loop: bool = False, rate: int = 48_000) -> None:
        self._path = path
        self._rate = rate
        self._decoded = _parts(path, rate, loop=loop)
        self._ready = silent(0)
        self._ahead: asyncio.Task[Samples | None] | None = None

    @property
    def rate(self) -> int:
        """The rate to which the file is resampled."""
        return self._rate

    async def open(self) -> None:
        """Read the first second. Raises AudioSourceError if it is no audio file."""
        self._ahead = self._read_on()
        await self._take_chunk()
        if not len(self._ready):
            raise AudioSourceError(f"{self._path} has no audio in it.")

    async def read(self, samples: int) -> Samples | None:
        """The file goes on; its end is filled up with silence. Raises AudioSourceError."""
        while len(self._ready) < samples and self._ahead is not None:
            await self._take_chunk()
        if not len(self._ready):
            return None
        frame, self._ready = self._ready[:samples], self._ready[samples:]
        if len(frame) < samples:
            frame = np.concatenate((frame, silent(samples - len(frame))))
        return frame

    async def close(self) -> None:
        """Close the file."""
        if self._ahead is not None:
            ahead, self._ahead = self._ahead, None
            await asyncio.wait([ahead])
            if not ahead.cancelled():
                ahead.exception()  # nobody waits for this part of the file any more
        await asyncio.to_thread(self._decoded.close)

    async def _take_chunk(self) -> None:
        if self._ahead is None:
            return
        # The thread goes on when the call does not: it must not be left alone with the file.
        chunk = await asyncio.shield(self._ahead)
        self._ahead = None
        if chunk is not None:
            self._ready = np.concatenate((self._ready, chunk)) if len(self._ready) else chunk
            self._ahead = self._read_on()

    def _read_on(self) -> "asyncio.Task[Samples | None]":
        return asyncio.create_task(asyncio.to_thread(self._chunk), name="offhook-read-file")

    def _chunk(self) -> Samples | None:
        """About a second of audio, None at the end."""
        parts: list[Samples] = []
        held = 0
        while held < self._rate * _CHUNK_SECONDS:
            part = next(self._decoded, None)
            if part is None:
                break
            parts.append(part)
            held += len(part)
        return np.concatenate(parts) if parts else None


def check_file(path: Path) -> None:
    """Raises AudioSourceError if there is no audio file at `path`. Blocks for a moment."""
    parts = _parts(path, 48_000, loop=False)
    try:
        if next(parts, None) is None:
            raise AudioSourceError(f"{path} has no audio in it.")
    finally:
        parts.close()


def read_parts(
    path: Path, rate: int = 48_000, *, most_seconds: float
) -> Generator[Samples, None, None]:
    """The audio of a file, of a longer one the first `most_seconds`: int16 [n] each, at `rate` Hz.

    Blocks while it decodes, so iterate in a thread; whoever has enough just stops. Raises
    AudioSourceError.
    """
    most = round(most_seconds * rate)
    held = 0
    with closing(_parts(path, rate, loop=False)) as parts:
        for part in parts:
            yield part[: most - held]
            held += len(part)
            if held >= most:
                return
    if not held:
        raise AudioSourceError(f"{path} has no audio in it.")


def _parts(path: Path, rate: int, *, loop: bool) -> Generator[Samples, None, None]:
    """The samples of a file, part by part; to be run in a thread."""
    try:
        while True:
            heard = False
            for part in _once(path, rate):
                heard = True
                yield part
            if not (loop and heard):
                return
    except (av.FFmpegError, OSError) as error:
        raise AudioSourceError(f"{path} cannot be read: {error.strerror or error}.") from error


def _once(path: Path, rate: int) -> Generator[Samples, None, None]:
    with av.open(str(path)) as container:
        if not container.streams.audio:
            raise AudioSourceError(f"{path} has no audio in it.")
        resampler = av.AudioResampler(format="s16", layout="mono", rate=rate)
        for frame in container.decode(audio=0):
            for resampled in resampler.resample(frame):
                yield _samples_of(resampled)
        for resampled in resampler.resample(None):
            yield _samples_of(resampled)


def _samples_of(frame: av.AudioFrame) -> Samples:
    return frame.to_ndarray().reshape(-1).astype(np.int16, copy=False)


class FileSink:
    """A file in the format of its ending, mono at `rate` Hz; ``.wav`` is 16 bits uncompressed.

    Audio is written twice a second, in a thread. Raises AudioSinkError from `open` if the file
    cannot be written, later from `write` and `close` if it could not be.
    """

    def __init__(self, path: Path, rate: int = 48_000) -> None:
        self._path = path
        self._rate = rate
        self._parts: list[Samples] = []
        self._held = 0
        self._wake = asyncio.Event()
        self._over = False
        self._writing: asyncio.Task[None] | None = None

    @property
    def rate(self) -> int:
        """Hz of the file."""
        return self._rate

    async def open(self) -> None:
        """Create the file, or empty it."""
        try:
            writer = await asyncio.to_thread(self._create)
        except (OSError, ValueError) as error:
            raise self._failure(error) from error
        self._writing = asyncio.create_task(self._write_all(writer), name="offhook-write-file")

    def write(self, frame: Samples) -> None:
        """Take it along with the next piece."""
        if self._writing is None or self._writing.done() or self._over:
            raise self._failure(self._error)
        if self._held >= self._rate * _MOST_SECONDS:
            raise AudioSinkError(f"{self._path}: the disk is too slow; recording stopped.")
        self._parts.append(frame)
        self._held += len(frame)
        if self._held >= self._rate * _WRITTEN_SECONDS:
            self._wake.set()

    async def close(self) -> None:
        """Write the rest and finish the file."""
        self._over = True
        self._wake.set()
        if self._writing is None:
            return
        await asyncio.wait([self._writing])
        error, self._writing = self._error, None
        if error is not None:
            raise self._failure(error) from error

    def _create(self) -> AudioWriter:
        if self._path.suffix.lower() in ("", ".wav"):
            return WavWriter(self._path, self._rate)
        return EncodedWriter(self._path, self._rate)

    async def _write_all(self, writer: AudioWriter) -> None:
        try:
            while self._parts or not self._over:
                await self._wake.wait()
                if not self._over:
                    self._wake.clear()
                parts, self._parts, self._held = self._parts, [], 0
                if parts:
                    await asyncio.to_thread(writer.write, np.concatenate(parts))
        finally:
            await asyncio.to_thread(writer.close)

    def _failure(self, error: BaseException | None) -> AudioSinkError:
        reason = getattr(error, "strerror", None) or error or "it is not open"
        return AudioSinkError(f"{self._path} cannot be written: {reason}.")

    @property
    def _error(self) -> BaseException | None:
        task = self._writing
        if task is None or not task.done() or task.cancelled():
            return None
        return task.exception()
