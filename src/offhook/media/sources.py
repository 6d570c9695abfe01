"""Where the audio of a call comes from: a tone, silence, a file, a microphone, a program."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from offhook.media.errors import MediaError

Samples = npt.NDArray[np.int16]

#: Rates at which a call's audio may come and go, in Hz.
CALL_RATES = (8_000, 16_000, 48_000)


class AudioSourceError(MediaError):
    """Audio cannot be had from there; the message says why."""


class AudioSource(Protocol):
    """Mono int16 at `rate` Hz. The call asks for 20 ms at a time and keeps the time itself."""

    @property
    def rate(self) -> int:
        """Hz: 8000, 16000 or 48000."""

    async def open(self) -> None:
        """Get ready. Raises AudioSourceError."""

    async def read(self, samples: int) -> Samples | None:
        """The next int16 [samples], None once there is no more."""

    async def close(self) -> None:
        """Let go of what was opened."""


class Silence:
    """Nothing, for ever."""

    rate = 48_000

    async def open(self) -> None:
        """There is nothing to open."""

    async def read(self, samples: int) -> Samples | None:
        return np.zeros(samples, np.int16)

    async def close(self) -> None:
        """There is nothing to close."""


class Tone:
    """A sine of `frequency` Hz at `level` dBFS (peak), for ever."""

    rate = 48_000

    def __init__(self, frequency: float, level: float = -12.0) -> None:
        if not 20 <= frequency <= 20_000:
            raise AudioSourceError(f"A tone of {frequency:g} Hz cannot be heard; use 20 to 20000.")
        self._step = 2 * np.pi * frequency / self.rate
        self._peak = 32767 * 10 ** (level / 20)
        self._phase = 0.0

    async def open(self) -> None:
        """There is nothing to open."""

    async def read(self, samples: int) -> Samples | None:
        phases = self._phase + self._step * np.arange(samples)
        self._phase = float((self._phase + self._step * samples) % (2 * np.pi))
        return (self._peak * np.sin(phases)).astype(np.int16)

    async def close(self) -> None:
        """There is nothing to close."""


class Frames:
    """Whatever an async iterator yields: int16 [n] at `rate` Hz, any n. Ends when it ends."""

    def __init__(self, frames: AsyncIterator[Samples], rate: int = 48_000) -> None:
        if rate not in CALL_RATES:
            raise AudioSourceError(f"{rate} Hz does not fit a call; use 8000, 16000 or 48000.")
        self._frames = frames
        self._rest = np.empty(0, np.int16)
        self._rate = rate

    @property
    def rate(self) -> int:
        return self._rate

    async def open(self) -> None:
        """The iterator is the caller's."""

    async def read(self, samples: int) -> Samples | None:
        while len(self._rest) < samples:
            try:
                block = await anext(self._frames)
            except StopAsyncIteration:
                return self._last(samples)
            if block.dtype != np.int16 or block.ndim != 1:
                raise AudioSourceError(
                    f"Audio must be int16 [n], not {block.dtype} {list(block.shape)}."
                )
            self._rest = np.concatenate([self._rest, block])
        frame, self._rest = self._rest[:samples], self._rest[samples:]
        return frame

    def _last(self, samples: int) -> Samples | None:
        if not len(self._rest):
            return None
        frame = np.zeros(samples, np.int16)
        frame[: len(self._rest)] = self._rest
        self._rest = self._rest[:0]
        return frame

    async def close(self) -> None:
        """End the iterator, if it can be ended."""
        close = getattr(self._frames, "aclose", None)
        if close is not None:
            await close()


SourceLike = AudioSource | AsyncIterator[Samples] | str | Path | None


def audio_source(what: SourceLike) -> AudioSource:
    """The source that is meant: ``tone:440``, ``microphone``, ``silence``, a file, an iterator.

    None is silence. Raises AudioSourceError.
    """
    if what is None:
        return Silence()
    if isinstance(what, str | Path):
        return _named(str(what))
    if isinstance(what, AsyncIterator):
        return Frames(what)
    return what


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
    from offhook.media.files import FileSource

    return FileSource(Path(text))
