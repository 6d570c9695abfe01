"""Voice from end to end without a clock: encoded, lost here and there, and what is heard of it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.lossy_wire import FORMAT
from offhook.engine.rtp.packet import RtpPacket
from offhook.media.samples import Samples
from offhook.media.spectrum import dominant_tone, has_tone, level_dbfs
from offhook.media.tones import tone
from offhook.media.voice_receiver import VoiceReceiver
from offhook.media.voice_sender import VoiceSender
from offhook.wire.sdp.negotiation import AudioFormat


def spoken(samples: Samples, rate: int, sender: VoiceSender | None = None) -> list[RtpPacket]:
    sender = sender or VoiceSender(7)
    return [sender.packet(frame, rate, FORMAT) for frame in samples.reshape(-1, rate // 50)]


def heard(
    receiver: VoiceReceiver,
    packets: list[RtpPacket | None],
    *,
    start: float = 50.0,
    tail: int = 4,
) -> Samples:
    """One packet each 20 ms (None: lost), played 5 ms later, and some frames more."""
    blocks = []
    for step, packet in enumerate([*packets, *[None] * tail]):
        now = start + step * 0.020
        if packet is not None:
            receiver.handle(packet.serialise(), FORMAT, now)
        blocks.append(receiver.play(now + 0.005))
    return np.concatenate(blocks)


def longest_quiet_ms(samples: Samples, rate: int, *, below: float = -45.0) -> float:
    """The longest stretch that is 30 dB below the tone or lower, looked at in steps of 2 ms."""
    step = rate // 500
    longest = run = 0
    for place in range(0, len(samples) - step, step):
        run = run + 1 if level_dbfs(samples[place : place + step]) < below else 0
        longest = max(longest, run)
    return longest * 2.0


@pytest.mark.parametrize("rate", [8_000, 16_000, 24_000, 48_000])
@pytest.mark.parametrize("spoken_at", [8_000, 48_000])
def test_a_tone_is_heard_at_the_rate_that_is_wanted(rate: int, spoken_at: int) -> None:
    receiver = VoiceReceiver(rate)
    out = heard(receiver, list(spoken(tone((440,), 2.0, spoken_at), spoken_at)))
    found = dominant_tone(out[rate // 2 : rate * 2], rate)
    assert found is not None
    assert found.frequency == pytest.approx(440, abs=1)
    assert longest_quiet_ms(out[rate // 4 : rate * 2], rate) == 0


@pytest.mark.parametrize("place", [30, 55, 90])
def test_one_lost_packet_is_not_heard_as_silence(place: int) -> None:
    packets: list[RtpPacket | None] = list(spoken(tone((440,), 2.4, 48_000), 48_000))
    packets[place] = None
    receiver = VoiceReceiver(48_000)
    out = heard(receiver, packets)[9_600:110_000]
    assert longest_quiet_ms(out, 48_000) == 0
    assert receiver.jitter.counts.concealed_ticks <= 960 + 4 * 960  # and the end of the stream
    assert has_tone(out, 48_000, 440, share=0.8)


def test_a_tenth_lost_still_sounds_like_the_tone() -> None:
    packets: list[RtpPacket | None] = list(spoken(tone((440,), 4.0, 48_000), 48_000))
    for place in range(7, len(packets), 10):
        packets[place] = None
    out = heard(VoiceReceiver(48_000), packets)[24_000:180_000]
    assert longest_quiet_ms(out, 48_000) == 0
    assert has_tone(out, 48_000, 440, share=0.7)


def test_the_end_of_a_voice_fades_into_silence_without_a_click() -> None:
    receiver = VoiceReceiver(16_000)
    out = heard(receiver, list(spoken(tone((300,), 1.0, 16_000), 16_000)), tail=30).astype(int)
    assert not np.any(out[-16_000 // 5 :])
    steepest = np.max(np.abs(np.diff(out[4_000:12_000])))
    assert np.max(np.abs(np.diff(out[12_000:]))) <= 1.5 * steepest


def test_digits_are_heard_once_each_between_the_words() -> None:
    sender = VoiceSender(7)
    digits: list[str] = []
    receiver = VoiceReceiver(48_000, digits.append)
    packets: list[RtpPacket | None] = []
    frames = iter(tone((440,), 10.0).reshape(-1, 960))
    packets += [sender.packet(next(frames), 48_000, FORMAT) for _ in range(50)]
    sender.press("42#", 48_000)
    while sender.busy_with_digits:
        packets.append(sender.packet(next(frames), 48_000, FORMAT))
    packets += [sender.packet(next(frames), 48_000, FORMAT) for _ in range(50)]
    for place in range(0, len(packets), 6):
        packets[place] = None
    out = heard(receiver, packets)
    assert digits == ["4", "2", "#"]
    assert has_tone(out[-40_000:-6_000], 48_000, 440)
    assert receiver.reception.lost == len(range(0, len(packets), 6)) - 1  # the first is not missed


def test_a_digit_makes_neither_a_gap_in_the_voice_nor_a_click() -> None:
    sender, receiver = VoiceSender(7), VoiceReceiver(48_000)
    frames = iter(tone((440,), 3.0).reshape(-1, 960))
    packets: list[RtpPacket | None] = [
        sender.packet(next(frames), 48_000, FORMAT) for _ in range(60)
    ]
    sender.press("5", 48_000)
    packets += [sender.packet(next(frames), 48_000, FORMAT) for _ in range(60)]
    out = heard(receiver, packets, tail=0).astype(int)
    assert receiver.jitter.counts.concealed_ticks == 0
    steepest = np.max(np.abs(np.diff(out[24_000:48_000])))
    assert np.max(np.abs(np.diff(out[48_000:]))) <= 1.5 * steepest


def test_a_stream_keeps_one_numbering_and_one_clock_through_voice_digits_and_pauses() -> None:
    sender = VoiceSender(7)
    silence = np.zeros(960, np.int16)
    packets = []
    for step in range(60):
        if step == 20:
            sender.press("5", 8_000)
        if 40 <= step < 50:
            sender.skip()
            continue
        packets.append(sender.packet(silence, 48_000, FORMAT))
    first = packets[0]
    numbers = [(each.sequence - first.sequence) & 0xFFFF for each in packets]
    assert numbers == list(range(50))
    voice = [each for each in packets if each.payload_type == 111]
    ticks = [(each.timestamp - first.timestamp) & 0xFFFFFFFF for each in voice]
    assert all(tick % 960 == 0 for tick in ticks)
    assert ticks[-1] == 59 * 960
    event = [each for each in packets if each.payload_type == 110]
    assert {(each.timestamp - first.timestamp) & 0xFFFFFFFF for each in event} == {20 * 960}
    assert int.from_bytes(event[0].payload[2:], "big") == 160  # in the digits' own clock
    # A marker where a talk spurt begins: at the start, behind the digit, behind the pause.
    assert [place for place, each in enumerate(voice) if each.marker] == [0, 20, 30]


def test_a_new_rate_is_taken_in_the_middle_of_the_call() -> None:
    packets = spoken(tone((440,), 3.0, 48_000), 48_000)
    receiver = VoiceReceiver(8_000)
    early = heard(receiver, list(packets[:75]), tail=0)
    receiver.rate = 48_000
    late = heard(receiver, list(packets[75:]), start=51.5)
    assert len(early) == 75 * 160
    for samples, rate in ((early[4_000:], 8_000), (late[24_000:60_000], 48_000)):
        found = dominant_tone(samples, rate)
        assert found is not None
        assert found.frequency == pytest.approx(440, abs=1)


def test_damaged_packets_are_concealed_and_strangers_passed_over() -> None:
    receiver = VoiceReceiver(48_000)
    packets = spoken(tone((440,), 2.0), 48_000)
    damaged = RtpPacket(
        111, packets[60].sequence, packets[60].timestamp, 7, packets[60].payload[:1] + b"\xff"
    )
    packets[60] = damaged
    out = heard(receiver, list(packets))[12_000:80_000]
    assert longest_quiet_ms(out, 48_000) <= 20
    receiver.handle(b"not RTP", FORMAT, 53.0)
    assert receiver.rejected == 1
    other = RtpPacket(0, 5, 5, 9, bytes(160))
    receiver.handle(other.serialise(), FORMAT, 53.0)


def test_before_anybody_speaks_there_is_silence() -> None:
    receiver = VoiceReceiver(16_000)
    out = np.concatenate([receiver.play(50 + step * 0.020) for step in range(50)])
    assert len(out) == 16_000
    assert not np.any(out)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.one_of(
                st.binary(max_size=60),
                st.builds(
                    lambda kind, sequence, timestamp, payload: RtpPacket(
                        kind, sequence, timestamp, 7, payload
                    ).serialise(),
                    st.sampled_from([111, 110, 0]),
                    st.integers(0, 65_535),
                    st.integers(0, 2**32 - 1),
                    st.binary(max_size=40),
                ),
            ),
            st.floats(0, 0.3),
        ),
        max_size=30,
    ),
    st.sampled_from([8_000, 16_000, 48_000]),
)
def test_whatever_comes_in_20_ms_come_out(arrivals: list[tuple[bytes, float]], rate: int) -> None:
    receiver = VoiceReceiver(rate)
    now = 50.0
    for data, gap in arrivals:
        receiver.handle(data, FORMAT, now)
        now += gap
        assert receiver.play(now).shape == (rate // 50,)
    form = AudioFormat(opus=0, telephone_event=None)
    receiver.handle(b"\x80\x00" + bytes(12), form, now)
    assert receiver.play(now).dtype == np.int16
