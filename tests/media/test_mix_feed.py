"""A listener comes over from one feed of a mix to another, and hears nothing of it."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from offhook.media.mix_feed import Feed
from offhook.media.opus import Decoder
from offhook.media.samples import Samples, silent

RATE = 48_000
FRAME = 960
FREQUENCIES = (440.0, 1234.0)
# Where the listener comes over.
SWITCH = 50
FRAMES = 100


def tones(frequencies: tuple[float, ...] = FREQUENCIES) -> Samples:
    """int16 [FRAMES, FRAME]."""
    time = np.arange(FRAME * FRAMES) / RATE
    wave = sum(4000 * np.sin(2 * np.pi * frequency * time) for frequency in frequencies)
    return np.asarray(wave).astype(np.int16).reshape(-1, FRAME)


def besides(heard: Samples) -> npt.NDArray[np.float64]:
    """dBFS of what is not the two tones, every 2.5 ms in windows of 10 ms."""
    window = RATE // 100
    time = np.arange(window) / RATE
    basis = np.stack(
        [wave(2 * np.pi * each * time) for each in FREQUENCIES for wave in (np.sin, np.cos)], axis=1
    )
    levels = []
    for at in range(0, len(heard) - window, RATE // 400):
        piece = heard[at : at + window].astype(np.float64)
        weights = np.linalg.lstsq(basis, piece, rcond=None)[0]
        rest = np.mean(np.square(piece - basis @ weights)) / 32768.0**2
        levels.append(10 * np.log10(rest + 1e-12))
    return np.array(levels)


def listen(packet: Callable[[int], bytes]) -> Samples:
    decoder = Decoder(RATE)
    return np.concatenate([decoder.decode(packet(number)) for number in range(FRAMES)])


def assert_clean(heard: Samples) -> None:
    """Around the switch there is no more noise than at any other time, and the tones go on."""
    noise = besides(heard)
    around = slice(SWITCH * 8 - 4, SWITCH * 8 + 40)
    usual = np.concatenate((noise[80 : around.start], noise[around.stop :]))
    assert noise[around].max() < max(usual.max() + 3, -44)
    levels = np.sqrt(
        np.mean(np.square(heard[FRAME * 4 :].reshape(-1, FRAME).astype(float)), axis=1)
    )
    assert levels.min() > 0.9 * levels.max()


def test_to_a_feed_that_nobody_heard_until_now() -> None:
    frames, old, new = tones(), Feed(), Feed()

    def packet(number: int) -> bytes:
        feed = old if number < SWITCH else new
        before = frames[number - 1] if number else silent(FRAME)
        return feed.packet(number, frames[number], before, newcomers=number == SWITCH)

    assert_clean(listen(packet))


def test_to_a_feed_that_carried_something_else_until_just_now() -> None:
    frames, old, new = tones(), Feed(), Feed()
    other = tones((440.0, 1234.0, 3100.0))
    packets = []
    for number in range(FRAMES):
        before = frames[number - 1] if number else silent(FRAME)
        # Somebody was heard in the other feed until one frame before.
        there = other if number < SWITCH - 1 else frames
        packets.append(
            (
                old.packet(number, frames[number], before, newcomers=False),
                new.packet(number, there[number], before, newcomers=number == SWITCH),
            )
        )
    assert_clean(listen(lambda number: packets[number][number >= SWITCH]))


def test_without_the_care_it_would_be_heard() -> None:
    """What the two above would be worth if any switch were clean."""
    frames, old, new = tones(), Feed(), Feed()

    def packet(number: int) -> bytes:
        feed, before = (old, frames[number - 1]) if number < SWITCH else (new, silent(FRAME))
        return feed.packet(number, frames[number], before, newcomers=False)

    with pytest.raises(AssertionError):
        assert_clean(listen(packet))


def test_silence_is_sent_too_and_is_small() -> None:
    feed = Feed()
    sizes = [
        len(feed.packet(number, silent(FRAME), silent(FRAME), newcomers=False))
        for number in range(10)
    ]
    assert all(sizes)
    assert sizes[-1] < 10
