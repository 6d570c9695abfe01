"""What `--play`, `--record` and `--speaker` ask for, as the audio of calls."""

from dataclasses import dataclass, field
from pathlib import Path

from offhook import MediaOption


@dataclass(slots=True)
class Audio:
    """Makes the audio of one call after the other.

    Each call is recorded in a file of its own: ``heard.wav``, then ``heard-2.wav``.
    """

    play: str | None = None
    record: Path | None = None
    speaker: bool = False
    _made: int = field(default=0, init=False)

    def option(self) -> MediaOption:
        """The audio of the next call. Raises `WebexError` if a file cannot be used."""
        option = MediaOption.audio_only(source=self.play, sink=self._sink(self._made + 1))
        self._made += 1
        return option

    async def try_out(self) -> None:
        """See whether there will be audio, before there is a call. Raises `WebexError`."""
        option = MediaOption.audio_only(source=self.play, sink=self._sink(self._made + 1))
        if option.uses_devices:
            await option.open()
            await option.close()

    def _sink(self, count: int) -> str | Path | None:
        if self.record is not None:
            name = self.record.stem if count == 1 else f"{self.record.stem}-{count}"
            return self.record.with_stem(name)
        return "speaker" if self.speaker else None
