"""A piece that is repeated for ever, and begun anywhere, has no seam."""

import numpy as np
import pytest

from offhook.media.looping import encode_loop, whole_frames
from offhook.media.opus import Decoder, Encoder
from offhook.media.samples import Samples
from offhook.media.spectrum import tone_share

RATE = 48_000
FRAME = 960


def tone(length: int, frequency: float) -> Samples:
    time = np.arange(length) / RATE
    return np.asarray(8000 * np.sin(2 * np.pi * frequency * time)).astype(np.int16)


def step_at_the_seam(loop: Samples) -> int:
    return abs(int(loop[0]) - int(loop[-1]))


@pytest.mark.parametrize("rest", [0, 1, 480, 959])
def test_what_led_to_the_start_still_does(rest: int) -> None:
    length = 50 * FRAME + rest
    samples = tone(length, 100 * RATE / length)  # whole periods: it loops already
    loop = whole_frames(samples, FRAME, RATE)
    assert len(loop) == 50 * FRAME
    assert step_at_the_seam(loop) <= step_at_the_seam(samples) + 1
    assert (
        np.abs(np.diff(loop.astype(int))).max() < 1.6 * np.abs(np.diff(samples.astype(int))).max()
    )


def test_less_than_a_frame_is_filled_up() -> None:
    assert len(whole_frames(tone(100, 440), FRAME, RATE)) == FRAME


@pytest.mark.parametrize("start", [0, 13])
def test_packets_go_round_and_round_from_any_place(start: int) -> None:
    packets = [*encode_loop(tone(RATE, 440), Encoder(RATE, bitrate=64_000, low_delay=True))]
    assert len(packets) == 50
    decoder = Decoder(RATE)
    rounds = [packets[(start + place) % 50] for place in range(150)]
    heard = np.concatenate([decoder.decode(packet) for packet in rounds])[FRAME:]
    assert tone_share(heard, RATE, 440) > 0.999
    for piece in heard[: 140 * FRAME].reshape(-1, 10 * FRAME):
        assert tone_share(piece, RATE, 440, width=60) > 0.999
