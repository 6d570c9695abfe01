"""`Call.audio`: what is heard, frame by frame, and what is said, changed in mid-call."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from offhook.errors import CallEndedError, CallStateError, InvalidApiError
from offhook.media.errors import MediaError
from offhook.media.samples import Samples
from offhook.media.sinks import AudioSink
from offhook.media.sources import SourceLike
from offhook.sdk.call_media import CallMedia
from offhook.sdk.media_option import MediaOption


class CallAudio:
    """The audio of one call. It is there from the moment a call is dialled or answered."""

    def __init__(self) -> None:
        self._media: CallMedia | None = None
        self._ready = asyncio.Event()
        self._over = False
        self._source_ended = asyncio.Event()

    def frames(self, rate: int = 16_000, *, block_ms: int = 20) -> AsyncIterator[Samples]:
        """What is heard from now on, until the call ends.

        int16 [rate * block_ms / 1000] at a time, `rate` 8000, 16000 or 48000 Hz. Whoever is more
        than 10 s behind misses the oldest audio. Raises `InvalidApiError` for another rate.
        """
        if self._media is None:
            return self._later(rate, block_ms)
        return self._listen(self._media, rate, block_ms)

    async def _later(self, rate: int, block_ms: int) -> AsyncIterator[Samples]:
        await self._ready.wait()
        if self._media is not None:
            async for block in self._listen(self._media, rate, block_ms):
                yield block

    @staticmethod
    def _listen(media: CallMedia, rate: int, block_ms: int) -> AsyncIterator[Samples]:
        try:
            return media.session.frames(rate, block_ms=block_ms)
        except MediaError as error:
            raise InvalidApiError(str(error)) from error

    async def play(self, source: SourceLike, *, rate: int = 48_000) -> None:
        """Say this from now on, instead of what was said.

        `source` and `rate` as in `MediaOption.audio_only`.

        Raises `InvalidApiError` or `PermissionRequiredError` if it cannot be opened; then nothing
        changes.
        """
        option = MediaOption.audio_only(source=source, rate=rate)
        media = self._present
        self._source_ended.clear()
        await media.play(option)

    async def played(self) -> None:
        """Wait until the source has no more audio, or the call ends."""
        await self._source_ended.wait()

    async def record(self, sink: AudioSink | str | Path) -> None:
        """Write what is heard from now on to `sink`, a WAV file's path for example.

        Raises `InvalidApiError` or `PermissionRequiredError` if it cannot be opened.
        """
        await self._present.record(MediaOption.audio_only(sink=sink))

    @property
    def _present(self) -> CallMedia:
        if self._over:
            raise CallEndedError("This call is over.", "ended")
        if self._media is None:
            raise CallStateError("This call has no audio yet; answer it first.")
        return self._media

    # --- used by the call ---

    def attach(self, media: CallMedia) -> None:
        """The call has audio now."""
        self._media = media
        self._ready.set()

    def source_ended(self) -> None:
        """The source has no more."""
        self._source_ended.set()

    def end(self) -> None:
        """The call is over."""
        self._over = True
        self._ready.set()
        self._source_ended.set()
