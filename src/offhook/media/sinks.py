"""Where the audio of a call goes: a file, a speaker, a program, nowhere."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from offhook.media.errors import MediaError

Samples = npt.NDArray[np.int16]


class AudioSinkError(MediaError):
    """Audio cannot be put there; the message says why."""


class AudioSink(Protocol):
    """Takes mono int16 at `rate` Hz, 20 ms at a time, as it is heard."""

    @property
    def rate(self) -> int:
        """Hz: 8000, 16000 or 48000."""

    async def open(self) -> None:
        """Get ready. Raises AudioSinkError."""

    def write(self, frame: Samples) -> None:
        """Take int16 [n]. Returns at once."""

    async def close(self) -> None:
        """Finish, so that nothing that was written is lost."""


class Nowhere:
    """Is not kept."""

    rate = 48_000

    async def open(self) -> None:
        """There is nothing to open."""

    def write(self, frame: Samples) -> None:
        """Forget it."""

    async def close(self) -> None:
        """There is nothing to close."""


class FrameQueue:
    """A sink to iterate over: ``async for block in queue`` gives int16 [rate * block_ms / 1000].

    Whoever is too slow loses the oldest audio beyond `seconds`, counted in `dropped` samples.
    """

    def __init__(self, rate: int = 16_000, *, block_ms: int = 20, seconds: float = 10.0) -> None:
        self._rate = rate
        self._block = rate * block_ms // 1000
        self._most = round(rate * seconds)
        self._parts: deque[Samples] = deque()
        self._held = 0
        self._ready = asyncio.Event()
        self._over = False
        self.dropped = 0

    @property
    def rate(self) -> int:
        return self._rate

    async def open(self) -> None:
        """There is nothing to open."""

    def write(self, frame: Samples) -> None:
        if self._over:
            return
        self._parts.append(frame)
        self._held += len(frame)
        while self._held > self._most:
            oldest = self._parts.popleft()
            self._held -= len(oldest)
            self.dropped += len(oldest)
        if self._held >= self._block:
            self._ready.set()

    async def close(self) -> None:
        self._over = True
        self._ready.set()

    def __aiter__(self) -> AsyncIterator[Samples]:
        return self

    async def __anext__(self) -> Samples:
        while self._held < self._block:
            if self._over:
                raise StopAsyncIteration
            self._ready.clear()
            await self._ready.wait()
        parts, missing = [], self._block
        while missing:
            part = self._parts.popleft()
            if len(part) > missing:
                self._parts.appendleft(part[missing:])
                part = part[:missing]
            parts.append(part)
            missing -= len(part)
        self._held -= self._block
        return np.concatenate(parts)


SinkLike = AudioSink | str | Path | None


def audio_sink(what: SinkLike) -> AudioSink:
    """The sink that is meant: a WAV file's path, ``speaker``, a sink; None is nowhere.

    Raises AudioSinkError.
    """
    if what is None:
        return Nowhere()
    if isinstance(what, str | Path):
        if what == "speaker":
            from offhook.media.devices import Speaker  # needs the extra `audio`

            return Speaker()
        from offhook.media.files import WavSink

        return WavSink(Path(what))
    return what
