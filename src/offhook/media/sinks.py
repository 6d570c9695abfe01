"""Where the audio of a call goes: a file, a speaker, a program, nowhere."""

import asyncio
from collections import deque
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from offhook.media.errors import MediaError
from offhook.media.samples import CALL_RATES, Samples


class AudioSinkError(MediaError):
    """Audio cannot be put there; the message says why."""


@runtime_checkable
class AudioSink(Protocol):
    """Takes mono int16 at `rate` Hz, 20 ms at a time, as it is heard."""

    @property
    def rate(self) -> int:
        """Hz: 8000, 16000, 24000 or 48000."""

    async def open(self) -> None:
        """Get ready. Raises AudioSinkError."""

    def write(self, frame: Samples) -> None:
        """Take int16 [n]. Returns at once. Raises AudioSinkError if no more can be taken."""

    async def close(self) -> None:
        """Finish, so that nothing that was written is lost. Raises AudioSinkError if it was."""


class Nowhere:
    """Is not kept."""

    rate = 8_000  # the cheapest to decode

    async def open(self) -> None:
        """There is nothing to open."""

    def write(self, frame: Samples) -> None:
        """Forget it."""

    async def close(self) -> None:
        """There is nothing to close."""


class FrameQueue:
    """A sink to iterate over: ``async for block in queue`` gives int16 [rate * block_ms / 1000].

    The iteration ends when the sink is closed. Whoever is too slow loses the oldest audio beyond
    `seconds`; `dropped` counts its samples. Raises AudioSinkError for a rate that does not fit.
    """

    def __init__(self, rate: int = 16_000, *, block_ms: int = 20, seconds: float = 10.0) -> None:
        if rate not in CALL_RATES:
            rates = ", ".join(map(str, CALL_RATES))
            raise AudioSinkError(f"{rate} Hz does not fit a call; use one of {rates}.")
        if not 0 < block_ms <= 1000 * seconds:
            raise AudioSinkError(
                f"Blocks of {block_ms} ms do not fit; use 1 to {1000 * seconds:g}."
            )
        self._rate = rate
        self._block = rate * block_ms // 1000
        self._most = max(round(rate * seconds), self._block)
        self._parts: deque[Samples] = deque()
        self._held = 0
        self._ready = asyncio.Event()
        self._over = False
        self.dropped = 0

    @property
    def rate(self) -> int:
        """Hz of what comes out."""
        return self._rate

    async def open(self) -> None:
        """There is nothing to open."""

    def write(self, frame: Samples) -> None:
        """Keep it until it is asked for."""
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
        """The iteration ends with the last whole block."""
        self.end()

    def end(self) -> None:
        """The same at once."""
        self._over = True
        self._ready.set()

    def __aiter__(self) -> "FrameQueue":
        """The queue is its own iterator."""
        return self

    async def __anext__(self) -> Samples:
        """The next block, as soon as it is whole."""
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
    """The sink that is meant: a file's path, ``speaker``, a sink; None is nowhere.

    The format of a file is that of its ending. Raises AudioSinkError.
    """
    if what is None:
        return Nowhere()
    if what == "speaker":
        from offhook.media.devices import Speaker  # needs the extra `audio`

        return Speaker()
    if isinstance(what, str | Path):
        from offhook.media.files import FileSink

        return FileSink(Path(what))
    if isinstance(what, AudioSink):
        return what
    raise AudioSinkError(
        f"{type(what).__name__} is no sink of audio; give a file, speaker or a FrameQueue."
    )
