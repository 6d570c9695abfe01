"""Audio files into a call and out of it."""

import asyncio
import os
import signal
import subprocess
import sys
import wave
from pathlib import Path

import av
import numpy as np
import pytest

from offhook.media.files import FileSink, FileSource
from offhook.media.samples import Samples
from offhook.media.sinks import AudioSinkError
from offhook.media.sources import AudioSourceError
from offhook.media.spectrum import dominant_tone, level_dbfs
from offhook.media.tones import silence, tone


def write_wav(path: Path, samples: Samples, rate: int, channels: int = 1) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.repeat(samples, channels).astype("<i2").tobytes())
    return path


async def heard_from(source: FileSource, most: float = 10.0) -> Samples:
    """Up to `most` seconds of the source."""
    await source.open()
    frames: list[Samples] = []
    while len(frames) < most * 50:
        frame = await source.read(source.rate // 50)
        if frame is None:
            break
        frames.append(frame)
    await source.close()
    return np.concatenate(frames)


@pytest.mark.parametrize("rate", [8_000, 11_025, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
async def test_a_file_of_any_rate_sounds_the_same(tmp_path: Path, rate: int, channels: int) -> None:
    path = write_wav(tmp_path / "tone.wav", tone((500,), 2.5, rate), rate, channels)
    heard = await heard_from(FileSource(path))
    assert len(heard) / 48_000 == pytest.approx(2.5, abs=0.03)
    found = dominant_tone(heard, 48_000)
    assert found is not None
    assert found.frequency == pytest.approx(500, abs=0.5)
    assert found.level == pytest.approx(-16, abs=1)


async def test_a_file_is_resampled_to_the_rate_that_is_wanted(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "tone.wav", tone((500,), 1.0, 44_100), 44_100)
    heard = await heard_from(FileSource(path, rate=16_000))
    assert len(heard) / 16_000 == pytest.approx(1.0, abs=0.03)
    found = dominant_tone(heard, 16_000)
    assert found is not None
    assert found.frequency == pytest.approx(500, abs=0.5)


async def test_a_loop_goes_on_and_on(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "tone.wav", tone((500,), 0.5, 48_000), 48_000)
    heard = await heard_from(FileSource(path, loop=True), most=4.0)
    assert len(heard) == 4 * 48_000
    assert level_dbfs(heard[-24_000:]) > -20


async def test_a_file_that_is_no_audio_is_refused_when_it_is_opened(tmp_path: Path) -> None:
    text = tmp_path / "letter.wav"
    text.write_text("Dear Bob, " * 100)
    empty = tmp_path / "empty.wav"
    empty.touch()
    bare = write_wav(tmp_path / "bare.wav", silence(0.0), 48_000)
    for path in (text, empty, bare, tmp_path / "missing.wav", tmp_path):
        source = FileSource(path)
        with pytest.raises(AudioSourceError, match=path.name):
            await source.open()
        await source.close()
    looped = FileSource(bare, loop=True)
    with pytest.raises(AudioSourceError):
        await looped.open()
    await looped.close()


async def test_a_film_without_sound_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "silent.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.width = stream.height = 16
        stream.pix_fmt = "yuvj420p"
        for packet in stream.encode(av.VideoFrame(16, 16, "yuvj420p")):
            container.mux(packet)
        container.mux(stream.encode(None))
    source = FileSource(path)
    with pytest.raises(AudioSourceError, match="no audio"):
        await source.open()
    await source.close()


async def test_closing_in_the_middle_leaves_nothing_behind(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "long.wav", tone((500,), 20.0, 8_000), 8_000)
    source = FileSource(path)
    await source.open()
    await source.read(960)
    await source.close()
    os.remove(path)


async def test_a_reader_that_is_cancelled_can_read_on(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "long.wav", tone((500,), 5.0, 48_000), 48_000)
    source = FileSource(path)
    await source.open()
    heard = 0
    for _ in range(100):
        reading = asyncio.create_task(source.read(4800))
        await asyncio.sleep(0)
        if not reading.done():
            reading.cancel()
            await asyncio.wait([reading])
            continue
        frame = await reading
        if frame is None:
            break
        heard += len(frame)
    while (frame := await source.read(4800)) is not None:
        heard += len(frame)
    await source.close()
    assert heard == 5 * 48_000


async def record(sink: FileSink, samples: Samples) -> None:
    """Open, write in frames, close."""
    await sink.open()
    for frame in samples.reshape(-1, sink.rate // 50):
        sink.write(frame)
        await asyncio.sleep(0)
    await sink.close()


def decoded(path: Path) -> tuple[Samples, int]:
    with av.open(str(path)) as container:
        rate = container.streams.audio[0].rate
        resampler = av.AudioResampler(format="s16", layout="mono", rate=rate)
        parts = [
            out.to_ndarray().reshape(-1)
            for frame in container.decode(audio=0)
            for out in resampler.resample(frame)
        ]
    return np.concatenate(parts).astype(np.int16), rate


@pytest.mark.parametrize("name", ["heard.wav", "heard.WAV", "heard.ogg", "heard.flac", "heard.mp3"])
@pytest.mark.parametrize("rate", [16_000, 48_000])
async def test_what_is_heard_is_recorded_in_the_format_of_the_ending(
    tmp_path: Path, name: str, rate: int
) -> None:
    sink = FileSink(tmp_path / name, rate)
    await record(sink, tone((700,), 1.62, rate))
    samples, actual = decoded(tmp_path / name)
    assert len(samples) / actual == pytest.approx(1.62, abs=0.08)
    found = dominant_tone(samples, actual)
    assert found is not None
    assert found.frequency == pytest.approx(700, abs=1)


async def test_a_wav_file_is_exactly_what_was_heard(tmp_path: Path) -> None:
    samples = np.random.default_rng(5).integers(-32768, 32768, 48_000).astype(np.int16)
    await record(FileSink(tmp_path / "heard.wav", 8_000), samples)
    with wave.open(str(tmp_path / "heard.wav")) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8_000, 1, 2)
        assert file.readframes(100_000) == samples.astype("<i2").tobytes()


def test_a_recording_is_readable_after_the_process_was_killed(tmp_path: Path) -> None:
    story = """
import asyncio, sys, time
from pathlib import Path
from offhook.media.files import FileSink
from offhook.media.tones import tone

async def record():
    sinks = [FileSink(Path(name), 48_000) for name in sys.argv[1:]]
    for sink in sinks:
        await sink.open()
    for frame in tone((700,), 3.0).reshape(-1, 960):
        for sink in sinks:
            sink.write(frame)
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.3)
    print("recorded", flush=True)
    await asyncio.sleep(60)

asyncio.run(record())
"""
    paths = [tmp_path / "heard.wav", tmp_path / "heard.ogg"]
    with subprocess.Popen(
        [sys.executable, "-c", story, *map(str, paths)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "recorded\n"
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    with wave.open(str(paths[0])) as file:
        assert file.getnframes() >= 2.4 * 48_000
    for path in paths:
        samples, rate = decoded(path)
        assert len(samples) >= 1.4 * rate
        found = dominant_tone(samples, rate)
        assert found is not None
        assert found.frequency == pytest.approx(700, abs=1)


@pytest.mark.parametrize("name", ["no/such/folder.wav", "heard.xyz", "heard.txt", "."])
async def test_a_file_that_cannot_be_written_is_refused_at_once(tmp_path: Path, name: str) -> None:
    sink = FileSink(tmp_path / name)
    with pytest.raises(AudioSinkError, match="cannot be written"):
        await sink.open()
    await sink.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's device that is full")
async def test_a_full_disk_is_told_and_not_swallowed() -> None:
    sink = FileSink(Path("/dev/full"))
    with pytest.raises(AudioSinkError, match="No space left"):
        await record(sink, tone((700,), 5.0))


async def test_writing_to_a_file_that_is_not_open_is_refused(tmp_path: Path) -> None:
    sink = FileSink(tmp_path / "heard.wav")
    with pytest.raises(AudioSinkError, match="not open"):
        sink.write(silence(0.02))
