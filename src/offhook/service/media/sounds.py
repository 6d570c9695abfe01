"""The service's own sounds as Opus packets, encoded once, off the event loop, when first needed."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import assert_never

import numpy as np

from offhook.engine.exchange.effects import Sound
from offhook.media import tones
from offhook.media.opus import Encoder
from offhook.media.samples import Samples

_RATE = 48_000


class SoundLibrary:
    """Sounds and digits as packets of 20 ms. Raises OpusError where libopus is missing."""

    def __init__(self) -> None:
        self._encoded: dict[str, asyncio.Task[Sequence[bytes]]] = {}

    async def sound(self, sound: Sound) -> Sequence[bytes]:
        """The packets of `sound`; those which repeat do so without a seam."""
        return await self._packets(sound.value, partial(_samples, sound))

    async def digit(self, digit: str) -> Sequence[bytes]:
        """A key's dual tone and the pause behind it. ValueError if it is no key."""
        return await self._packets(digit, partial(tones.dtmf, digit, _RATE, on=0.16, off=0.1))

    async def _packets(self, name: str, make: Callable[[], Samples]) -> Sequence[bytes]:
        task = self._encoded.get(name)
        if task is None:
            task = asyncio.get_running_loop().create_task(_encode(make), name=f"encode {name}")
            self._encoded[name] = task
        # Whoever gives up waiting does not take the sound away from the others.
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Wait for what is being encoded; it takes a fraction of a second."""
        if self._encoded:
            await asyncio.wait(self._encoded.values())


async def _encode(make: Callable[[], Samples]) -> Sequence[bytes]:
    return await asyncio.get_running_loop().run_in_executor(None, _encode_all, make)


def _encode_all(make: Callable[[], Samples]) -> Sequence[bytes]:
    encoder = Encoder(_RATE, complexity=10)
    samples = make()
    missing = -len(samples) % encoder.frame_samples
    frames = np.pad(samples, (0, missing)).reshape(-1, encoder.frame_samples)
    return tuple(encoder.encode(frame) for frame in frames)


def _samples(sound: Sound) -> Samples:
    match sound:
        case Sound.SILENCE:
            return tones.silence(1.0, _RATE)
        case Sound.MUSIC_ON_HOLD:
            return tones.music_on_hold(_RATE)
        case Sound.ANNOUNCEMENT:
            return tones.announcement(_RATE)
        case Sound.RINGBACK:
            return tones.ringback(_RATE)
        case Sound.BUSY_TONE:
            return tones.busy(_RATE)
        case _:
            assert_never(sound)
