"""The service's own sounds as Opus packets, encoded once, off the event loop, when first needed."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import assert_never

import numpy as np

from offhook.engine.exchange.effects import Sound
from offhook.media import tones
from offhook.media.errors import MediaError
from offhook.media.files import read_file
from offhook.media.looping import encode_loop
from offhook.media.opus import Encoder
from offhook.media.samples import Samples

logger = logging.getLogger(__name__)

Packets = Sequence[bytes]

#: What ends by itself; the rest plays until something else is heard.
ENDING = frozenset({Sound.ANNOUNCEMENT})

_RATE = 48_000
# Seconds; of a longer file only so much is played.
_LONGEST_MUSIC = 600.0


class SoundLibrary:
    """Sounds and digits as packets of 20 ms. Raises OpusError where libopus is missing.

    `music` is a file for those who wait, in place of the built-in music.
    """

    def __init__(self, music: Path | None = None) -> None:
        self._music = music
        self._encoded: dict[str, asyncio.Task[Sequence[bytes]]] = {}

    def prepare(self, sound: Sound) -> None:
        """Begin to encode `sound`, so that the first who hears it does not wait."""
        self._start(sound.value, partial(_encode_sound, sound, self._music))

    async def sound(self, sound: Sound) -> Sequence[bytes]:
        """The packets of `sound`; those which repeat do so without a seam, from any place."""
        return await asyncio.shield(
            self._start(sound.value, partial(_encode_sound, sound, self._music))
        )

    async def digit(self, digit: str) -> Sequence[bytes]:
        """A key's dual tone and the pause behind it. ValueError if it is no key."""
        # Whoever gives up waiting does not take the sound away from the others.
        return await asyncio.shield(self._start(digit, partial(_encode_digit, digit)))

    def _start(self, name: str, encode: Callable[[], Packets]) -> asyncio.Task[Packets]:
        task = self._encoded.get(name)
        if task is None:
            task = asyncio.create_task(asyncio.to_thread(encode), name=f"encode {name}")
            self._encoded[name] = task
        return task

    async def close(self) -> None:
        """Wait for what is being encoded; a long file may take some seconds."""
        if self._encoded:
            await asyncio.wait(self._encoded.values())


def _encode_digit(digit: str) -> Packets:
    return _encode_once(tones.dtmf(digit, _RATE, on=0.16, off=0.1))


def _encode_sound(sound: Sound, music: Path | None) -> Packets:
    samples = _samples(sound) if sound is not Sound.MUSIC_ON_HOLD else _music(music)
    if sound in ENDING:
        return _encode_once(samples)
    return encode_loop(samples, Encoder(_RATE, bitrate=64_000, complexity=10, low_delay=True))


def _encode_once(samples: Samples) -> Packets:
    encoder = Encoder(_RATE, complexity=10)
    missing = -len(samples) % encoder.frame_samples
    frames = np.pad(samples, (0, missing)).reshape(-1, encoder.frame_samples)
    return tuple(encoder.encode(frame) for frame in frames)


def _music(path: Path | None) -> Samples:
    if path is not None:
        try:
            return read_file(path, _RATE, most_seconds=_LONGEST_MUSIC)
        except MediaError as error:
            # It could be read when the service started, at least its beginning.
            logger.error("%s The built-in music plays in its place.", error)
    return tones.music_on_hold(_RATE)


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
