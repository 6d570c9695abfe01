"""What a call's audio is: where it comes from and where it goes."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from offhook.errors import InvalidApiError, PermissionRequiredError, WebexError
from offhook.media.errors import MediaError
from offhook.media.samples import Samples
from offhook.media.sinks import AudioSink, Nowhere, SinkLike, audio_sink
from offhook.media.sources import AudioSource, Frames, SourceLike, audio_source


@dataclass(frozen=True, slots=True)
class MediaOption:
    """The media of one call; make a new one for each. Calls here are audio only."""

    source: AudioSource
    sink: AudioSink
    uses_devices: bool = False

    @classmethod
    def audio_only(
        cls, source: SourceLike = None, sink: SinkLike = None, *, rate: int = 48_000
    ) -> "MediaOption":
        """Audio from `source` and to `sink`.

        `source`: ``"microphone"``, ``"tone:440"``, ``"silence"``, an audio file's path, an async
        iterator of int16 [n] at `rate` Hz (8000, 16000 or 48000), an `AudioSource`, or None for
        silence. `sink`: ``"speaker"``, an audio file's path, an `AudioSink`, or None; `Call.audio`
        gives what is heard in any case. Raises `InvalidApiError` for something else.
        """
        try:
            chosen = _existing(source)
            frames = Frames(chosen, rate) if isinstance(chosen, AsyncIterator) else None
            return cls(
                KeptSource(frames or audio_source(chosen)),
                kept_sink(audio_sink(_writable(sink))),
                uses_devices=source == "microphone" or sink == "speaker",
            )
        except MediaError as error:
            raise InvalidApiError(str(error)) from error

    @property
    def has_video(self) -> bool:
        """Whether there is video: never."""
        return False

    async def open(self) -> None:
        """Open both ends before the network is touched.

        Raises `PermissionRequiredError` for devices, `InvalidApiError` for the rest.
        """
        try:
            await self.source.open()
            await self.sink.open()
        except MediaError as error:
            await self.close()
            raise self.error_of(error) from error
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Let go of both ends."""
        await self.source.close()
        await self.sink.close()

    def error_of(self, error: MediaError) -> WebexError:
        """The SDK's error for one of the audio."""
        kind = PermissionRequiredError if self.uses_devices else InvalidApiError
        return kind(str(error))


class KeptSource:
    """A source that is opened once and closed once, whoever asks how often."""

    def __init__(self, source: AudioSource) -> None:
        self._source = source
        self._opened = False
        self._closed = False

    @property
    def rate(self) -> int:
        """Hz."""
        return self._source.rate

    async def open(self) -> None:
        """Open it, unless it is open."""
        if not self._opened:
            await self._source.open()
            self._opened = True

    async def read(self, samples: int) -> Samples | None:
        """The next int16 [samples]."""
        return await self._source.read(samples)

    async def close(self) -> None:
        """Close it, unless it is closed."""
        if not self._closed:
            self._closed = True
            await self._source.close()


class KeptSink:
    """A sink that is opened once and closed once, whoever asks how often."""

    def __init__(self, sink: AudioSink) -> None:
        self._sink = sink
        self._opened = False
        self._closed = False

    @property
    def rate(self) -> int:
        """Hz."""
        return self._sink.rate

    async def open(self) -> None:
        """Open it, unless it is open."""
        if not self._opened:
            await self._sink.open()
            self._opened = True

    def write(self, frame: Samples) -> None:
        """Take int16 [n]."""
        self._sink.write(frame)

    async def close(self) -> None:
        """Close it, unless it is closed or never was open."""
        if self._opened and not self._closed:
            self._closed = True
            await self._sink.close()


def kept_sink(sink: AudioSink) -> AudioSink:
    """`sink`, such that opening and closing it twice does no harm."""
    return sink if isinstance(sink, Nowhere) else KeptSink(sink)


def _existing(source: SourceLike) -> SourceLike:
    named = isinstance(source, str) and (
        source in ("microphone", "silence") or source.startswith("tone:")
    )
    if isinstance(source, str | Path) and not named and not Path(source).is_file():
        raise InvalidApiError(
            f"{source} is not a file; use an audio file, tone:440, microphone or silence."
        )
    return source


def _writable(sink: SinkLike) -> SinkLike:
    is_file = isinstance(sink, str | Path) and sink != "speaker"
    if is_file and not Path(str(sink)).absolute().parent.is_dir():
        raise InvalidApiError(f"{sink} cannot be written: there is no such folder.")
    return sink
