"""Reads a source a little ahead of the time, so that a call never waits for its audio."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from offhook.media.errors import MediaError
from offhook.media.samples import Samples, frame_samples
from offhook.media.sources import AudioSource, AudioSourceError

logger = logging.getLogger(__name__)

# Frames held ready. A microphone's delay grows with them.
_AHEAD = 3


class SourceFeed:
    """`take` never waits. `on_end` is called once the last frame was taken; with the error if the
    source broke, with None if it was simply over.
    """

    def __init__(self, source: AudioSource, on_end: Callable[[MediaError | None], None]) -> None:
        self.rate = source.rate
        self._source = source
        self._on_end = on_end
        self._frames: deque[Samples] = deque()
        self._room = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None
        self._ended = False
        self._error: MediaError | None = None

    async def open(self) -> None:
        """Open the source and begin to read. Raises AudioSourceError."""
        await self._source.open()
        self._reader = asyncio.create_task(self._read_all(), name="offhook-audio-source")

    def take(self) -> Samples | None:
        """The next int16 [rate / 50], None if there is none at the moment."""
        if not self._frames:
            return None
        frame = self._frames.popleft()
        self._room.set()
        self._tell_end()
        return frame

    async def close(self) -> None:
        """Stop reading and close the source. `on_end` is not called any more."""
        self._on_end = _ignore
        if self._reader is not None:
            reader, self._reader = self._reader, None
            reader.cancel()
            await asyncio.wait([reader])
        await self._source.close()

    async def _read_all(self) -> None:
        samples = frame_samples(self.rate)
        try:
            while (frame := await self._source.read(samples)) is not None:
                if frame.shape != (samples,):
                    raise AudioSourceError(
                        f"The source gave {list(frame.shape)} samples in place of {samples}."
                    )
                self._frames.append(frame)
                while len(self._frames) >= _AHEAD:
                    self._room.clear()
                    await self._room.wait()
        except MediaError as error:
            self._error = error
        except Exception as error:
            # Somebody else's iterator: the call goes on, and whoever gave it to us hears of it.
            logger.exception("An audio source broke")
            self._error = AudioSourceError(f"The audio source broke: {error!r}.")
            self._error.__cause__ = error
        self._ended = True
        self._tell_end()

    def _tell_end(self) -> None:
        if self._ended and not self._frames:
            on_end, self._on_end = self._on_end, _ignore
            on_end(self._error)


def _ignore(_: MediaError | None) -> None:
    """Nobody listens any more."""
