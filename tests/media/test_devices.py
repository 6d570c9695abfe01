"""Microphone and speaker, as far as a machine without any can tell.

Each story runs in its own process: PortAudio reads the system's sound configuration once. ALSA's
null device plays for nobody and records nobody.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

NULL_DEVICE = "pcm.!default { type null }\nctl.!default { type null }\n"
NO_DEVICE = "pcm.!default { type hw card 77 }\nctl.!default { type hw card 77 }\n"


def run(story: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", story],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_needs_neither_sounddevice_nor_portaudio() -> None:
    story = """
import sys
sys.modules["sounddevice"] = None
import offhook.media.devices, offhook.media.session, offhook.media.sources, offhook.media.sinks
print(offhook.media.devices.has_devices())
"""
    assert run(story) == "False\n"


@pytest.mark.parametrize(("kind", "name"), [("source", "microphone"), ("sink", "speaker")])
def test_without_the_extra_the_error_says_what_to_install(kind: str, name: str) -> None:
    story = f"""
import asyncio, sys
sys.modules["sounddevice"] = None
from offhook.media.errors import MediaError
from offhook.media.{kind}s import audio_{kind}
try:
    asyncio.run(audio_{kind}("{name}").open())
except MediaError as error:
    print(type(error).__name__, error)
"""
    heard = run(story)
    assert heard.startswith(f"Audio{kind.title()}Error")
    assert "pip install 'offhook[audio]'" in heard


@pytest.mark.parametrize(("kind", "name"), [("source", "microphone"), ("sink", "speaker")])
def test_without_a_device_the_error_says_so(tmp_path: Path, kind: str, name: str) -> None:
    config = tmp_path / "alsa.conf"
    config.write_text(NO_DEVICE)
    story = f"""
import asyncio
from offhook.media.devices import has_devices
from offhook.media.errors import MediaError
from offhook.media.{kind}s import audio_{kind}
assert not has_devices()
try:
    asyncio.run(audio_{kind}("{name}").open())
except MediaError as error:
    print(type(error).__name__, error)
"""
    assert "cannot be opened" in run(story, ALSA_CONFIG_PATH=str(config))


def test_microphone_and_speaker_work_on_a_device(tmp_path: Path) -> None:
    config = tmp_path / "alsa.conf"
    config.write_text(NULL_DEVICE)
    story = """
import asyncio
import numpy as np
from offhook.media.devices import has_devices
from offhook.media.sinks import audio_sink
from offhook.media.sources import audio_source

async def talk():
    assert has_devices()
    microphone, speaker = audio_source("microphone"), audio_sink("speaker")
    await microphone.open()
    await speaker.open()
    async with asyncio.timeout(20):
        for _ in range(10):
            frame = await microphone.read(960)
            assert frame.shape == (960,) and frame.dtype == np.int16
            speaker.write(frame)
    await microphone.close()
    await speaker.close()
    await microphone.close()
    await speaker.close()

asyncio.run(talk())
print("heard")
"""
    assert run(story, ALSA_CONFIG_PATH=str(config)) == "heard\n"
