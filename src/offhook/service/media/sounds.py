"""The service's own sounds as Opus packets, encoded once, off the event loop, when first needed."""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar, assert_never

import numpy as np

from offhook.engine.exchange.effects import Sound
from offhook.media import tones
from offhook.media.errors import MediaError
from offhook.media.files import read_parts
from offhook.media.looping import encode_loop
from offhook.media.opus import Encoder
from offhook.media.samples import Samples

logger = logging.getLogger(__name__)

Packets = Sequence[bytes]
T = TypeVar("T")

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
        self._encoded: dict[str, asyncio.Task[Packets]] = {}
        self._closed = threading.Event()

    def prepare(self, sound: Sound) -> None:
        """Begin to encode `sound`, so that the first who hears it does not wait."""
        self._start(sound.value, partial(self._encode_sound, sound))

    async def sound(self, sound: Sound) -> Packets:
        """The packets of `sound`; those which repeat do so without a seam, from any place."""
        return await asyncio.shield(self._start(sound.value, partial(self._encode_sound, sound)))

    async def digit(self, digit: str) -> Packets:
        """A key's dual tone and the pause behind it. ValueError if it is no key."""
        # Whoever gives up waiting does not take the sound away from the others.
        return await asyncio.shield(self._start(digit, partial(_encode_digit, digit)))

    async def close(self) -> None:
        """Give up what is being encoded; nobody hears it any more."""
        self._closed.set()
        if self._encoded:
            await asyncio.wait(self._encoded.values())

    def _start(self, name: str, encode: Callable[[], Iterable[bytes]]) -> asyncio.Task[Packets]:
        task = self._encoded.get(name)
        if task is None:
            task = asyncio.create_task(self._encode(encode), name=f"encode {name}")
            self._encoded[name] = task
        return task

    async def _encode(self, encode: Callable[[], Iterable[bytes]]) -> Packets:
        try:
            return await asyncio.to_thread(lambda: tuple(self._while_open(encode())))
        except _ClosedError:
            return ()

    def _while_open(self, parts: Iterable[T]) -> Iterator[T]:
        """Whatever takes long, part by part: a service that stops does not wait for the rest."""
        for part in parts:
            if self._closed.is_set():
                raise _ClosedError
            yield part

    def _encode_sound(self, sound: Sound) -> Iterable[bytes]:
        samples = _samples(sound) if sound is not Sound.MUSIC_ON_HOLD else self._read_music()
        if sound in ENDING:
            return _encode_once(samples)
        return encode_loop(samples, Encoder(_RATE, bitrate=64_000, complexity=10, low_delay=True))

    def _read_music(self) -> Samples:
        if self._music is not None:
            parts = read_parts(self._music, _RATE, most_seconds=_LONGEST_MUSIC)
            try:
                return np.concatenate([*self._while_open(parts)])
            except MediaError as error:
                # It could be read when the service started, at least its beginning.
                logger.error("%s The built-in music plays in its place.", error)
            finally:
                parts.close()
        return tones.music_on_hold(_RATE)


class _ClosedError(Exception):
    """The library was closed while it encoded."""


def _encode_digit(digit: str) -> Iterator[bytes]:
    return _encode_once(tones.dtmf(digit, _RATE, on=0.16, off=0.1))


def _encode_once(samples: Samples) -> Iterator[bytes]:
    encoder = Encoder(_RATE, complexity=10)
    missing = -len(samples) % encoder.frame_samples
    frames = np.pad(samples, (0, missing)).reshape(-1, encoder.frame_samples)
    return map(encoder.encode, frames)


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
