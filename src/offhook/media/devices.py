"""Microphone and speaker through sounddevice, which comes with the extra ``audio``.

PortAudio calls back from a thread of its own; it touches nothing here but a bounded queue.
"""

import asyncio
from collections import deque
from typing import Any

from offhook.media.errors import MediaError
from offhook.media.samples import Samples, frame_samples, silent
from offhook.media.sinks import AudioSinkError
from offhook.media.sources import AudioSourceError

_RATE = 48_000
# Frames that may wait in either direction; what is older is dropped, since it would only be delay.
_MOST_FRAMES = 5

Device = str | int | None


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

    def __init__(self, device: Device = None) -> None:
        self._device = device
        self._stream: Any = None
        self._frames: deque[Samples] = deque(maxlen=_MOST_FRAMES)
        self._ready = asyncio.Event()

    async def open(self) -> None:
        """Begin to listen. Raises AudioSourceError."""
        sounddevice = _sounddevice(AudioSourceError)
        loop = asyncio.get_running_loop()

        def captured(data: Samples, _count: int, _time: object, _status: object) -> None:
            loop.call_soon_threadsafe(self._captured, data[:, 0].copy())

        try:
            self._stream = await asyncio.to_thread(
                _started, sounddevice.InputStream, self._device, captured
            )
        except (sounddevice.PortAudioError, ValueError) as error:
            raise AudioSourceError(
                f"The microphone cannot be opened: {error}. Check that one is plugged in."
            ) from error

    def _captured(self, frame: Samples) -> None:
        self._frames.append(frame)
        self._ready.set()

    async def read(self, samples: int) -> Samples | None:
        """The oldest frame that is still of use, as soon as there is one."""
        while not self._frames:
            self._ready.clear()
            await self._ready.wait()
        return _fitted(self._frames.popleft(), samples)

    async def close(self) -> None:
        """Stop listening."""
        if self._stream is not None:
            stream, self._stream = self._stream, None
            await asyncio.to_thread(stream.close)


class Speaker:
    """The default speaker, or the `device` that sounddevice knows by this name or number."""

    rate = _RATE

    def __init__(self, device: Device = None) -> None:
        self._device = device
        self._stream: Any = None
        self._frames: deque[Samples] = deque(maxlen=_MOST_FRAMES)

    async def open(self) -> None:
        """Begin to play. Raises AudioSinkError."""
        sounddevice = _sounddevice(AudioSinkError)

        def wanted(data: Samples, count: int, _time: object, _status: object) -> None:
            try:
                data[:, 0] = _fitted(self._frames.popleft(), count)
            except IndexError:
                data.fill(0)

        try:
            self._stream = await asyncio.to_thread(
                _started, sounddevice.OutputStream, self._device, wanted
            )
        except (sounddevice.PortAudioError, ValueError) as error:
            raise AudioSinkError(
                f"The speaker cannot be opened: {error}. Check that one is plugged in."
            ) from error

    def write(self, frame: Samples) -> None:
        """Play it as soon as what came before is played."""
        self._frames.append(frame)

    async def close(self) -> None:
        """Be quiet."""
        if self._stream is not None:
            stream, self._stream = self._stream, None
            await asyncio.to_thread(stream.close)


def _started(kind: Any, device: Device, callback: Any) -> Any:
    stream = kind(
        samplerate=_RATE,
        blocksize=frame_samples(_RATE),
        channels=1,
        dtype="int16",
        device=device,
        callback=callback,
    )
    try:
        stream.start()
    except BaseException:
        stream.close()
        raise
    return stream


def _fitted(frame: Samples, samples: int) -> Samples:
    """A frame of exactly this length, whatever the device gave or wants."""
    if len(frame) >= samples:
        return frame[:samples]
    whole = silent(samples)
    whole[: len(frame)] = frame
    return whole


def has_devices() -> bool:
    """Whether there is a microphone and a speaker that could be opened."""
    try:
        sounddevice = _sounddevice(AudioSourceError)
    except MediaError:
        return False
    try:
        sounddevice.query_devices(kind="input")
        sounddevice.query_devices(kind="output")
    except (sounddevice.PortAudioError, ValueError):
        return False
    return True
