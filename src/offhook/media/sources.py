"""Where the audio of a call comes from: a tone, silence, a file, a microphone, a program."""

from collections.abc import AsyncIterable, AsyncIterator
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from offhook.media.errors import MediaError
from offhook.media.samples import CALL_RATES, Samples, silent


class AudioSourceError(MediaError):
    """Audio cannot be had from there; the message says why."""


@runtime_checkable
class AudioSource(Protocol):
    """Mono int16 at `rate` Hz. The call asks for 20 ms at a time and keeps the time itself."""

    @property
    def rate(self) -> int:
        """Hz: 8000, 16000, 24000 or 48000."""

    async def open(self) -> None:
        """Get ready. Raises AudioSourceError."""

    async def read(self, samples: int) -> Samples | None:
        """The next int16 [samples], None once there is no more.

        It may take its time: the call sends silence until something comes. Raises AudioSourceError.
        """

    async def close(self) -> None:
        """Let go of what was opened."""


class Silence:
    """Nothing, for ever."""

    rate = 48_000

    async def open(self) -> None:
        """There is nothing to open."""

    async def read(self, samples: int) -> Samples | None:
        """Zeros."""
        return silent(samples)

    async def close(self) -> None:
        """There is nothing to close."""


class Tone:
    """A sine of `frequency` Hz at `level` dBFS (peak), for ever. Raises AudioSourceError."""

    rate = 48_000

    def __init__(self, frequency: float, level: float = -12.0) -> None:
        if not 20 <= frequency <= 20_000:
            raise AudioSourceError(f"A tone of {frequency:g} Hz cannot be heard; use 20 to 20000.")
        self._step = 2 * np.pi * frequency / self.rate
        self._peak = 32767 * 10 ** (min(level, 0.0) / 20)
        self._phase = 0.0

    async def open(self) -> None:
        """There is nothing to open."""

    async def read(self, samples: int) -> Samples | None:
        """The sine goes on where it stopped."""
        phases = self._phase + self._step * np.arange(samples)
        self._phase = float((self._phase + self._step * samples) % (2 * np.pi))
        wave: Samples = np.rint(self._peak * np.sin(phases)).astype(np.int16)
        return wave

    async def close(self) -> None:
        """There is nothing to close."""


class Frames:
    """Whatever an async iterator yields: int16 [n] at `rate` Hz, any n. Ends when it ends.

    Raises AudioSourceError if the rate does not fit a call.
    """

    def __init__(self, frames: AsyncIterable[Samples], rate: int = 48_000) -> None:
        if rate not in CALL_RATES:
            rates = ", ".join(map(str, CALL_RATES))
            raise AudioSourceError(f"{rate} Hz does not fit a call; use one of {rates}.")
        self._frames = aiter(frames)
        self._rest = silent(0)
        self._rate = rate

    @property
    def rate(self) -> int:
        """The rate of what the iterator yields."""
        return self._rate

    async def open(self) -> None:
        """The iterator needs none."""

    async def read(self, samples: int) -> Samples | None:
        """Cut anew from what the iterator yields; the end is filled up with silence."""
        while len(self._rest) < samples:
            try:
                block: object = await anext(self._frames)
            except StopAsyncIteration:
                return self._last(samples)
            if not isinstance(block, np.ndarray) or block.dtype != np.int16 or block.ndim != 1:
                raise AudioSourceError(
                    f"A source yields one-dimensional arrays of int16, not {_described(block)}."
                )
            self._rest = np.concatenate([self._rest, block]) if len(self._rest) else block
        frame, self._rest = self._rest[:samples], self._rest[samples:]
        return frame

    def _last(self, samples: int) -> Samples | None:
        if not len(self._rest):
            return None
        frame = silent(samples)
        frame[: len(self._rest)] = self._rest
        self._rest = silent(0)
        return frame

    async def close(self) -> None:
        """End the iterator, if it can be ended."""
        close = getattr(self._frames, "aclose", None)
        if close is not None:
            await close()


def _described(block: object) -> str:
    if isinstance(block, np.ndarray):
        return f"{block.dtype} of shape {list(block.shape)}"
    return type(block).__name__


SourceLike = AudioSource | AsyncIterable[Samples] | AsyncIterator[Samples] | str | Path | None


def audio_source(what: SourceLike, *, rate: int = 48_000) -> AudioSource:
    """The source that is meant: ``tone:440``, ``microphone``, ``silence``, a file, an iterator.

    None is silence; `rate` (Hz) is that of an iterator. Raises AudioSourceError.
    """
    if what is None:
        return Silence()
    if isinstance(what, Path):
        return _file(what)
    if isinstance(what, str):
        return _named(what)
    if isinstance(what, AudioSource):
        return what
    if isinstance(what, AsyncIterable):
        return Frames(what, rate)
    raise AudioSourceError(
        f"{type(what).__name__} is no source of audio; give a file, tone:440, silence, microphone "
        "or an async iterator of int16 arrays."
    )


def _named(text: str) -> AudioSource:
    kind, _, value = text.partition(":")
    if text == "silence":
        return Silence()
    if text == "microphone":
        from offhook.media.devices import Microphone  # needs the extra `audio`

        return Microphone()
    if kind == "tone":
        try:
            return Tone(float(value))
        except ValueError:
            raise AudioSourceError(f"{text} is not a tone; write tone:440.") from None
    return _file(Path(text))


def _file(path: Path) -> AudioSource:
    from offhook.media.files import FileSource

    return FileSource(path)
