"""Voice through the codec: what goes in comes out, and what is lost is made up."""

import subprocess
import sys

import numpy as np
import pytest

from offhook.media.opus import RATES, Decoder, Encoder, OpusError
from offhook.media.samples import Samples
from offhook.media.spectrum import dominant_tone, level_dbfs
from offhook.media.tones import tone


def coded(samples: Samples, rate: int, **settings: int) -> list[bytes]:
    encoder = Encoder(rate, **settings)
    return [encoder.encode(frame) for frame in samples.reshape(-1, encoder.frame_samples)]


def speech(rate: int, seconds: float = 1.0) -> Samples:
    """Like a vowel: a buzz of 120 Hz that swells and falls, with formants."""
    time = np.arange(round(rate * seconds)) / rate
    wave = sum(
        np.sin(2 * np.pi * 120 * k * time) / (1 + abs(120 * k - 600) / 200) for k in range(1, 20)
    )
    swell = 0.6 + 0.4 * np.sin(2 * np.pi * 3 * time)
    return (6000 * wave * swell / np.max(np.abs(wave))).astype(np.int16)


@pytest.mark.parametrize("rate", RATES)
def test_a_tone_comes_through_at_every_rate(rate: int) -> None:
    decoder = Decoder(rate)
    out = np.concatenate([decoder.decode(p) for p in coded(tone((440,), 1.0, rate), rate)])
    assert len(out) == rate
    heard = dominant_tone(out[rate // 4 :], rate)
    assert heard is not None
    assert heard.frequency == pytest.approx(440, abs=1)
    assert heard.level == pytest.approx(level_dbfs(tone((440,), 1.0, rate)), abs=1)


def test_one_side_may_use_another_rate_than_the_other() -> None:
    decoder = Decoder(16_000)
    out = np.concatenate([decoder.decode(p) for p in coded(tone((660,), 1.0, 48_000), 48_000)])
    assert len(out) == 16_000
    heard = dominant_tone(out[4000:], 16_000)
    assert heard is not None
    assert heard.frequency == pytest.approx(660, abs=1)


def test_packets_stay_near_the_bitrate() -> None:
    packets = coded(speech(48_000, 2.0), 48_000, bitrate=24_000)
    assert sum(map(len, packets)) * 8 / 2.0 == pytest.approx(24_000, rel=0.35)


def test_a_lost_frame_is_made_up_in_the_same_voice_and_fades_when_it_stays_away() -> None:
    decoder = Decoder(16_000)
    for packet in coded(speech(16_000), 16_000):
        last = decoder.decode(packet)
    guesses = [decoder.conceal() for _ in range(25)]
    assert {len(guess) for guess in guesses} == {320}
    assert level_dbfs(guesses[0]) > level_dbfs(last) - 6
    assert level_dbfs(guesses[-1]) < level_dbfs(guesses[0]) - 10


def test_the_copy_in_the_next_packet_is_better_than_a_guess() -> None:
    """The sound changes while a packet is lost; only the copy can know."""
    rate = 16_000
    samples = np.concatenate([np.zeros(rate // 2, np.int16), speech(rate, 0.5)])
    packets = coded(samples, rate, expected_loss=30, bitrate=32_000)
    onset = next(place for place in range(20, 50) if level_dbfs(samples[place * 320 :][:320]) > -40)
    lost = onset + 1
    listener, guesser = Decoder(rate), Decoder(rate)
    for packet in packets[:lost]:
        listener.decode(packet)
        guesser.decode(packet)
    original = Decoder(rate)
    truth = [original.decode(packet) for packet in packets][lost].astype(float)
    copy = listener.recover(packets[lost + 1]).astype(float)
    guess = guesser.conceal().astype(float)
    assert len(copy) == 320
    assert np.sum((copy - truth) ** 2) < 0.5 * np.sum((guess - truth) ** 2)


def test_expected_loss_can_change_in_mid_call() -> None:
    encoder = Encoder(16_000, expected_loss=0)
    frames = speech(16_000).reshape(-1, 320)
    before = sum(len(encoder.encode(frame)) for frame in frames)
    encoder.expect_loss(40)
    after = [len(encoder.encode(frame)) for frame in frames]
    assert before > 0
    assert min(after) > 0


@pytest.mark.parametrize("packet", [b"\xff\xff\xff", b"\x03", b"\xfb\x3f" + bytes(5)])
def test_rubbish_is_refused_with_the_documented_error(packet: bytes) -> None:
    with pytest.raises(OpusError, match="libopus refused"):
        Decoder(48_000).decode(packet)


def test_an_empty_packet_is_a_lost_one() -> None:
    assert len(Decoder(48_000).decode(b"")) == 960


def test_a_frame_of_another_length_is_refused() -> None:
    with pytest.raises(OpusError, match="320 samples"):
        Encoder(16_000).encode(np.zeros(321, np.int16))


@pytest.mark.parametrize("kind", [Encoder, Decoder])
def test_a_rate_that_opus_does_not_have_is_refused(kind: type[Encoder] | type[Decoder]) -> None:
    with pytest.raises(OpusError, match="44100 Hz"):
        kind(44_100)


@pytest.mark.parametrize("settings", [{"bitrate": 0}, {"complexity": 11}, {"expected_loss": 101}])
def test_a_setting_out_of_range_is_refused(settings: dict[str, int]) -> None:
    with pytest.raises(OpusError):
        Encoder(48_000, **settings)


def test_what_was_decoded_is_not_overwritten_by_the_next_frame() -> None:
    decoder = Decoder(48_000)
    first, second = coded(tone((440,), 0.04), 48_000)
    heard = decoder.decode(first)
    before = heard.copy()
    decoder.decode(second)
    assert np.array_equal(heard, before)


def test_without_libopus_the_error_says_what_to_install() -> None:
    story = """
import ctypes.util, av
av.__file__ = "/nowhere/av/__init__.py"
ctypes.util.find_library = lambda name: None
from offhook.media.opus import Encoder, OpusError
try:
    Encoder()
except OpusError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", story], capture_output=True, text=True, timeout=60)
    assert "install the `av` wheel" in done.stdout, done.stderr
