"""Music on hold: the operator's file, in time for all who wait."""

import asyncio
import wave
from contextlib import aclosing
from pathlib import Path

import av
import msgspec
import numpy as np
import pytest

from media.legs import WAIT
from offhook.engine.exchange.effects import JoinLegs, PlaySound, Sound
from offhook.media.files import read_parts
from offhook.media.samples import Samples
from offhook.media.spectrum import level_dbfs, tone_share
from offhook.service.config import ServiceConfig
from offhook.service.media.config import MediaConfig
from offhook.service.media.sounds import SoundLibrary
from offhook.serving.address import ConfigError
from service.media.desk import RATE, Desk, Person, dips


def music_file(path: Path, seconds: float = 1.0, rate: int = 22_050) -> Path:
    """A tone of 880 Hz that loops by itself, in the format of the ending."""
    time = np.arange(round(seconds * rate)) / rate
    samples = np.asarray(8000 * np.sin(2 * np.pi * 880 * time)).astype(np.int16)
    if path.suffix == ".wav":
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, rate, 0, "NONE", "NONE"))
            file.writeframes(samples.tobytes())
        return path
    with av.open(str(path), "w") as container:
        stream = container.add_stream("flac", rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None, :], "s16", "mono")
        frame.sample_rate = rate
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    return path


def heard_in(piece: Samples) -> float:
    return tone_share(piece, RATE, 880)


async def waits(person: Person) -> None:
    """Until the music has begun."""
    async with asyncio.timeout(WAIT):
        while level_dbfs(await person.listen(0.1)) < -40:
            pass


@pytest.mark.parametrize("name", ["hold.wav", "hold.flac"])
async def test_those_who_wait_hear_the_file_without_a_seam(tmp_path: Path, name: str) -> None:
    async with aclosing(Desk(MediaConfig(music_on_hold=music_file(tmp_path / name, 0.95)))) as desk:
        a, b = await desk.person("a", 400), await desk.person("b", 500)
        desk.do(JoinLegs("a", "b"), PlaySound("a", Sound.MUSIC_ON_HOLD))
        await waits(a)
        desk.do(PlaySound("b", Sound.MUSIC_ON_HOLD))
        await waits(b)
        await a.listen(0.4)
        heard = await a.listen(3.6)
        assert level_dbfs(heard) == pytest.approx(-15.2, abs=1)
        # A seam would be heard three times; once, the test's machine may have been held up.
        assert dips(heard, 880) <= 1
        assert heard_in(await b.listen(0.4)) > 0.9


async def test_a_file_that_is_broken_later_is_replaced_by_the_built_in_music(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = music_file(tmp_path / "hold.wav")
    config = MediaConfig(music_on_hold=path)
    path.unlink()
    sounds = SoundLibrary(config.music_on_hold)
    assert await sounds.sound(Sound.MUSIC_ON_HOLD) == await SoundLibrary().sound(
        Sound.MUSIC_ON_HOLD
    )
    assert "built-in music" in caplog.text
    await sounds.close()


@pytest.mark.parametrize(
    ("content", "why"),
    [(None, "cannot be read"), (b"", "cannot be read"), (b"not audio at all" * 100, "cannot be")],
    ids=["missing", "empty", "no audio"],
)
def test_a_file_that_cannot_be_played_is_refused_at_start(
    tmp_path: Path, content: bytes | None, why: str
) -> None:
    path = tmp_path / "hold.ogg"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=why):
        MediaConfig(music_on_hold=path)
    config = {"data": str(tmp_path), "media": {"music_on_hold": str(path)}}
    with pytest.raises(ConfigError, match=r"media: Music on hold: .*hold\.ogg"):
        _service_config(config)


def test_a_file_without_a_sample_is_refused_at_start(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has no audio in it"):
        MediaConfig(music_on_hold=music_file(tmp_path / "hold.wav", seconds=0))


def test_the_service_takes_a_file_from_its_configuration(tmp_path: Path) -> None:
    path = music_file(tmp_path / "hold.wav")
    config = _service_config({"data": str(tmp_path), "media": {"music_on_hold": str(path)}})
    assert config.media_config().music_on_hold == path


def _service_config(values: dict[str, object]) -> ServiceConfig:
    return msgspec.convert(values, ServiceConfig)


def test_ten_minutes_of_a_long_file_are_kept(tmp_path: Path) -> None:
    path = music_file(tmp_path / "hold.wav", seconds=3)
    kept = np.concatenate([*read_parts(path, 48_000, most_seconds=2.0)])
    assert len(kept) == 96_000
    assert level_dbfs(kept) > -20


@pytest.mark.parametrize("built_in", [True, False])
async def test_a_service_that_stops_does_not_wait_for_its_music(
    tmp_path: Path, built_in: bool
) -> None:
    path = tmp_path / "hold.wav"
    await asyncio.to_thread(music_file, path, seconds=600, rate=8000)
    sounds = SoundLibrary(None if built_in else path)
    sounds.prepare(Sound.MUSIC_ON_HOLD)
    async with asyncio.timeout(1):
        await sounds.close()
    assert not await sounds.sound(Sound.MUSIC_ON_HOLD), "what is not ready is given up"
