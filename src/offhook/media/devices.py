"""Microphone and speaker through sounddevice, which comes with the extra ``audio``."""

import asyncio
from collections import deque
from typing import Any

import numpy as np
import numpy.typing as npt

from offhook.media.errors import MediaError
from offhook.media.sinks import AudioSinkError
from offhook.media.sources import AudioSourceError

Samples = npt.NDArray[np.int16]

_RATE = 48_000
_FRAME = _RATE // 50
# Frames that may wait in either direction; what is older is dropped, since it would only be delay.
_MOST_FRAMES = 10


def _sounddevice(error: type[MediaError]) -> Any:
    try:
        import sounddevice
    except ModuleNotFoundError:
        raise error(
            "Microphone and speaker need the extra `audio`: pip install 'offhook[audio]'."
        ) from None
    except OSError:
        raise error(
            "Microphone and speaker need PortAudio; install the package libportaudio2."
        ) from None
    return sounddevice


class Microphone:
    """The default microphone, or the `device` that sounddevice knows by this name or number."""

    rate = _RATE

    def __init__(self, device: str | int | None = None) -> None:
        self._device = device
        self._stream: Any = None
        self._frames: deque[Samples] = deque(maxlen=_MOST_FRAMES)
        self._ready = asyncio.Event()

    async def open(self) -> None:
        sounddevice = _sounddevice(AudioSourceError)
        loop = asyncio.get_running_loop()

        def captured(data: Samples, _count: int, _time: object, _status: object) -> None:
            loop.call_soon_threadsafe(self._captured, data[:, 0].copy())

        try:
            self._stream = await asyncio.to_thread(
                sounddevice.InputStream,
                samplerate=_RATE,
                blocksize=_FRAME,
                channels=1,
                dtype="int16",
                device=self._device,
                callback=captured,
            )
            await asyncio.to_thread(self._stream.start)
        except (sounddevice.PortAudioError, ValueError) as error:
            raise AudioSourceError(f"The microphone cannot be opened: {error}.") from error

    def _captured(self, frame: Samples) -> None:
        self._frames.append(frame)
        self._ready.set()

    async def read(self, samples: int) -> Samples | None:
        if not self._frames:
            self._ready.clear()
            try:
                async with asyncio.timeout(0.1):
                    await self._ready.wait()
            except TimeoutError:
                return np.zeros(samples, np.int16)
        frame = self._frames.popleft()
        return frame if len(frame) == samples else np.resize(frame, samples)

    async def close(self) -> None:
        if self._stream is not None:
            stream, self._stream = self._stream, None
            await asyncio.to_thread(stream.close)


class Speaker:
    """The default speaker, or the `device` that sounddevice knows by this name or number."""

    rate = _RATE

    def __init__(self, device: str | int | None = None) -> None:
        self._device = device
        self._stream: Any = None
        self._frames: deque[Samples] = deque(maxlen=_MOST_FRAMES)

    async def open(self) -> None:
        sounddevice = _sounddevice(AudioSinkError)

        def wanted(data: Samples, count: int, _time: object, _status: object) -> None:
            try:
                data[:, 0] = self._frames.popleft()[:count]
            except (IndexError, ValueError):
                data.fill(0)

        try:
            self._stream = await asyncio.to_thread(
                sounddevice.OutputStream,
                samplerate=_RATE,
                blocksize=_FRAME,
                channels=1,
                dtype="int16",
                device=self._device,
                callback=wanted,
            )
            await asyncio.to_thread(self._stream.start)
        except (sounddevice.PortAudioError, ValueError) as error:
            raise AudioSinkError(f"The speaker cannot be opened: {error}.") from error

    def write(self, frame: Samples) -> None:
        self._frames.append(frame)

    async def close(self) -> None:
        if self._stream is not None:
            stream, self._stream = self._stream, None
            await asyncio.to_thread(stream.close)


def has_devices() -> bool:
    """Whether there is a microphone and a speaker that could be opened."""
    try:
        sounddevice = _sounddevice(AudioSourceError)
        sounddevice.query_devices(kind="input")
        sounddevice.query_devices(kind="output")
    except (MediaError, ValueError):
        return False
    except Exception as error:  # PortAudioError, known only when PortAudio is there
        if type(error).__name__ != "PortAudioError":
            raise
        return False
    return True
