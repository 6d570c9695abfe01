"""What is heard behind the playout buffer, whatever the network does to the packets."""

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.rtp.listening import CLOCK, Arrival, Heard, jittered, listen, stream, voice, without
from offhook.engine.rtp.jitter import Frame, JitterBuffer, Lost, Pace, Silence


def heard_of(arrivals: list[Arrival], seconds: float, **how: float) -> Heard:
    return listen(JitterBuffer(), arrivals, seconds=seconds, **how)


def test_a_clean_network_costs_little_delay_and_nothing_else() -> None:
    for phase in (0.0, 0.005, 0.010, 0.015, 0.0199):
        heard = heard_of(stream(500), 10.0, phase=phase)
        assert heard.played[:490] == list(range(490))
        assert heard.concealed_ms == 0
        assert heard.silent_ms_after_first() == 0
        assert heard.delay_of(0, sent=10.0) <= 0.055
        assert heard.delay_of(480, sent=10.0 + 480 * 0.020) <= 0.042


@pytest.mark.parametrize("place", [3, 60, 200, 390])
def test_one_lost_packet_costs_one_concealed_frame(place: int) -> None:
    heard = heard_of(without(stream(400), place), 8.2)
    assert heard.played == [each for each in range(400) if each != place]
    before_the_end = [item for at, item in heard.items if at < 10.0 + 399 * 0.020]
    lost = [item for item in before_the_end if isinstance(item, Lost)]
    assert [item.ticks for item in lost] == [960]
    assert heard.silent_ms_after_first() == 0


def test_the_packet_behind_a_lost_one_is_offered_for_its_spare_copy() -> None:
    heard = heard_of(without(stream(200), 100), 3.9)
    assert [item.following for item in heard.lost] == [voice(101).payload]


def test_every_tenth_packet_lost_is_a_tenth_concealed() -> None:
    heard = heard_of(without(stream(1000), *range(5, 1000, 10)), 20.0)
    assert heard.concealed_ms == 100 * 20
    assert heard.silent_ms_after_first() == 0


@pytest.mark.parametrize("count", [2, 3, 8, 20])
def test_a_burst_of_losses_takes_its_own_time_and_no_more(count: int) -> None:
    heard = heard_of(without(stream(300), *range(100, 100 + count)), 5.9)
    missing = heard.concealed_ms + heard.silent_ms_after_first()
    assert missing == pytest.approx(count * 20, abs=20)
    assert (
        heard.played
        == [each for each in range(300) if not 100 <= each < 100 + count][: len(heard.played)]
    )
    assert heard.delay_of(250, sent=10.0 + 250 * 0.020) <= 0.045


def test_after_long_loss_silence_takes_over_from_guessing() -> None:
    heard = heard_of(without(stream(300), *range(100, 200)), 5.9)
    assert 100 <= heard.concealed_ms <= 120


def test_packets_that_overtake_each_other_are_played_in_order() -> None:
    arrivals = stream(400)
    for place in range(20, 400, 7):
        arrivals[place] = (arrivals[place][0] + 0.025, arrivals[place][1])
    heard = heard_of(arrivals, 7.9)
    assert heard.played == sorted(heard.played)
    assert len(heard.played) >= 390
    assert heard.concealed_ms <= 40


def test_a_repeated_packet_is_played_once() -> None:
    arrivals = stream(200)
    doubled = arrivals + [(at + 0.001, packet) for at, packet in arrivals]
    tripled = doubled + [(at + 1.0, packet) for at, packet in arrivals]
    heard = heard_of(tripled, 5.0)
    assert heard.played == list(range(200))


def test_the_delay_follows_the_jitter() -> None:
    buffer = JitterBuffer()
    heard = listen(buffer, jittered(stream(1500), 0.080), seconds=29.9)
    late_phase = [item for at, item in heard.items if 15.0 < at < 39.8]
    lost = sum(isinstance(item, Lost) for item in late_phase)
    assert lost <= len(late_phase) * 0.02
    assert 0.060 <= buffer.target_delay <= 0.095
    assert 0.050 <= buffer.delay <= 0.115


def test_when_the_network_calms_down_the_delay_shrinks_and_nothing_is_left_out() -> None:
    rough, calm = stream(500), stream(2000)[500:]
    buffer = JitterBuffer()
    heard = listen(buffer, jittered(rough, 0.100) + calm, seconds=39.9)
    assert buffer.delay <= 0.040
    assert heard.played[-1000:] == list(range(heard.played[-1] - 999, heard.played[-1] + 1))
    shortened = [item for _, item in heard.items if getattr(item, "pace", None) is Pace.SHORTEN]
    assert shortened


def test_a_stall_of_the_network_plays_what_was_held_up_and_recovers_its_delay() -> None:
    arrivals = [
        (12.3 if 12.0 <= at < 12.3 else at, packet) for at, packet in stream(1500)
    ]  # 300 ms of packets come all at once
    buffer = JitterBuffer()
    heard = listen(buffer, arrivals, seconds=29.9)
    assert len(heard.played) >= 1490
    assert heard.concealed_ms <= 100
    assert heard.delay_of(1400, sent=10.0 + 1400 * 0.020) <= 0.060


def test_a_long_stall_does_not_leave_a_long_delay() -> None:
    arrivals = [(14.0 if 12.0 <= at < 14.0 else at, packet) for at, packet in stream(1000)]
    buffer = JitterBuffer()
    heard = listen(buffer, arrivals, seconds=19.9)
    assert heard.delay_of(300, sent=10.0 + 300 * 0.020) <= 0.260
    assert heard.played == sorted(set(heard.played))


@pytest.mark.parametrize("drift", [-300e-6, 300e-6])
def test_clocks_that_run_apart_are_evened_out_without_loss(drift: float) -> None:
    arrivals = [(10.0 + (at - 10.0) * (1 + drift), packet) for at, packet in stream(15_000)]
    buffer = JitterBuffer()
    heard = listen(buffer, arrivals, seconds=298.0)
    assert heard.concealed_ms <= 20
    assert heard.played == list(range(len(heard.played)))
    assert 0.005 <= buffer.delay <= 0.040


def test_counters_that_wrap_are_no_event() -> None:
    shape = {"sequence": 65_500, "timestamp": 2**32 - 50 * 960 + 7}
    heard = heard_of(stream(400, **shape), 7.9)
    assert heard.played == list(range(len(heard.played)))
    assert len(heard.played) >= 390
    assert heard.concealed_ms == 0


@pytest.mark.parametrize("ms", [10, 60])
def test_packets_of_other_durations_are_played_whole(ms: int) -> None:
    heard = heard_of(without(stream(6000 // ms, ms=ms), 50), 5.9)
    assert set(range(5800 // ms)) - set(heard.played) == {50}
    assert heard.concealed_ms == pytest.approx(ms, abs=20)


def test_a_pause_of_the_sender_is_silence_and_starts_again_at_the_right_time() -> None:
    arrivals = stream(100)
    for index in range(100, 200):  # sequence numbers run on, the clock shows the pause
        packet = voice(index, timestamp=5000 + 96_000)
        arrivals.append((10.0 + index * 0.020 + 2.0, packet))
    heard = heard_of(arrivals, 7.0)
    assert heard.played == list(range(200))
    assert heard.concealed_ms <= 200
    assert heard.delay_of(101, sent=10.0 + 101 * 0.020 + 2.0) <= 0.055


def test_digits_between_the_voice_are_a_pause_and_not_a_loss() -> None:
    buffer = JitterBuffer()
    listen(buffer, stream(50), seconds=1.002)
    held: list[object] = []
    now = 11.0
    for step in range(12):  # twelve packets of an event in place of voice
        buffer.pass_over((150 + step) & 0xFFFF)
        held.append(buffer.next_frame(now + 0.003 + step * 0.020))
    assert not any(isinstance(item, Lost) for item in held)
    assert isinstance(held[-1], Silence)
    after = [(11.24 + each * 0.020, voice(62 + each)) for each in range(50)]
    heard = listen(buffer, after, start=11.24, seconds=1.2)
    first = next(place for place, (_, item) in enumerate(heard.items) if isinstance(item, Frame))
    assert not any(isinstance(item, Lost) for _, item in heard.items[: first + 45])
    assert heard.played[:45] == list(range(62, 107))


def test_another_source_on_the_same_path_is_followed_at_once() -> None:
    first = stream(100, ssrc=1)
    second = [
        (12.0 + each * 0.020, voice(500 + each, ssrc=2, sequence=9, timestamp=77))
        for each in range(100)
    ]
    strays = [(12.1, voice(99, ssrc=1)), (12.3, voice(98, ssrc=1))]
    heard = heard_of(first + second + strays, 4.2)
    assert heard.played[-100:] == list(range(500, 600))
    assert heard.played[:99] == list(range(99))
    assert heard.concealed_ms <= 120


def test_a_source_that_counts_anew_is_followed_after_a_second_packet() -> None:
    first = stream(100)
    second = [
        (12.0 + each * 0.020, voice(500 + each, sequence=40_000, timestamp=3_000_000_000))
        for each in range(100)
    ]
    heard = heard_of(first + second, 4.2)
    assert heard.played == [*range(100), *range(501, 600)]


def test_a_source_whose_clock_jumps_is_followed_at_once() -> None:
    first = stream(100)
    second = [
        (12.0 + each * 0.020, voice(500 + each, sequence=-300, timestamp=3_000_000_000))
        for each in range(100)
    ]
    heard = heard_of(first + second, 4.2)
    assert heard.played[-100:] == list(range(500, 600))
    assert heard.played[:99] == list(range(99))


def test_packets_that_overtake_each_other_at_the_very_start_are_all_played() -> None:
    arrivals = stream(50)
    arrivals[0] = (arrivals[1][0] + 0.001, arrivals[0][1])
    heard = heard_of(arrivals, 1.2)
    assert heard.played == list(range(50))


def test_a_listener_that_stood_still_for_a_minute_goes_on_at_once() -> None:
    buffer = JitterBuffer()
    listen(buffer, stream(50), seconds=1.0)
    for at, packet in stream(3000)[60:]:
        buffer.handle(packet, at)
    assert buffer.buffered <= 250
    heard = listen(buffer, stream(3100)[3000:], start=70.0, seconds=2.2)
    first = next(at for at, item in heard.items if isinstance(item, Frame))
    assert first - 70.0 < 0.2
    assert heard.delay_of(3090, sent=10.0 + 3090 * 0.020) < 0.200


def test_a_listener_that_stood_still_does_not_make_up_what_it_missed() -> None:
    buffer = JitterBuffer()
    listen(buffer, stream(50), seconds=1.0)
    heard = listen(buffer, stream(700)[550:], start=21.0, seconds=3.2)
    first = next(at for at, item in heard.items if isinstance(item, Frame))
    assert first - 21.0 < 0.2


def test_one_number_far_off_is_not_believed() -> None:
    arrivals = [*stream(200), (12.0, voice(0, sequence=30_000, timestamp=9))]
    heard = heard_of(arrivals, 4.2)
    assert heard.played == list(range(200))


def test_what_is_not_opus_is_not_played() -> None:
    buffer = JitterBuffer()
    packet = voice(0)
    rubbish = [b"", b"\xfb", b"\xfb\x3f\x00"]
    for step, payload in enumerate(rubbish):
        broken = type(packet)(111, 100 + step, 5000 + 960 * step, 7, payload)
        buffer.handle(broken, 10.0 + step * 0.02)
    assert isinstance(buffer.next_frame(10.2), Silence)
    assert buffer.counts.malformed == 3


@pytest.mark.parametrize("together", [True, False])
def test_a_machine_that_was_held_up_hears_everything_and_keeps_its_delay(together: bool) -> None:
    """For 400 ms nothing could be read or played; the packets were there, in the socket."""
    buffer = JitterBuffer()
    before = listen(buffer, stream(100), seconds=2.0)
    held_up = stream(120)[100:]
    played = []
    for step, (_, packet) in enumerate(held_up):
        due = 12.003 + step * 0.020
        if not together:  # one packet is read for each frame that is played
            buffer.handle(packet, 12.4, due)
        elif step == 0:
            for _, each in held_up:
                buffer.handle(each, 12.4, due)
        played.append((due, buffer.next_frame(due)))
    after = listen(buffer, stream(400)[120:], start=12.4, seconds=5.5)
    heard = Heard([*before.items, *played, *after.items])
    assert heard.played[:380] == list(range(380))
    assert heard.concealed_ms == 0
    assert buffer.counts.discarded == 0
    assert buffer.target_delay < 0.030


@st.composite
def rough_networks(draw: st.DrawFn) -> list[Arrival]:
    """A stream with losses, repeats and delays of every kind."""
    count = draw(st.integers(1, 120))
    chance = random.Random(draw(st.integers(0, 2**32)))
    loss, repeat = draw(st.sampled_from([0, 0.05, 0.5])), draw(st.sampled_from([0, 0.1, 0.9]))
    jitter = draw(st.sampled_from([0.0, 0.015, 0.08, 0.5, 3.0]))
    shape = {
        "sequence": draw(st.sampled_from([0, 100, 65_520])),
        "timestamp": draw(st.sampled_from([0, 5000, 2**32 - 9600])),
        "ms": draw(st.sampled_from([10, 20, 60])),
    }
    arrivals = []
    for at, packet in stream(count, **shape):
        while chance.random() >= loss:
            arrivals.append((at + chance.uniform(0, jitter), packet))
            if chance.random() >= repeat:
                break
    return arrivals


@settings(max_examples=150, deadline=None)
@given(rough_networks(), st.floats(0, 0.0199))
def test_whatever_happens_frames_come_once_and_in_order_and_nothing_stalls(
    arrivals: list[Arrival], phase: float
) -> None:
    buffer = JitterBuffer()
    last = max((at for at, _ in arrivals), default=10.0)
    heard = listen(buffer, arrivals, seconds=last - 10.0 + 1.5, phase=phase)
    for earlier, later in itertools.pairwise(heard.played):
        assert earlier < later or buffer.counts.restarts
    if not buffer.counts.restarts:
        assert len(set(heard.played)) == len(heard.played)
    assert buffer.buffered == 0
    counts = buffer.counts
    accounted = len(heard.played) + counts.late + counts.duplicates + counts.discarded
    assert accounted == len(arrivals)
    assert all(item.ticks > 0 for _, item in heard.items)
    assert counts.played_ticks + counts.concealed_ticks <= sum(
        item.ticks for _, item in heard.items
    )


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(5, 295), max_size=40, unique=True), st.integers(0, 2**16))
def test_on_a_steady_path_exactly_what_was_lost_is_missing(lost: list[int], seed: int) -> None:
    arrivals = without(jittered(stream(300), 0.004, seed), *lost)
    heard = heard_of(arrivals, 5.9)
    assert set(range(290)) - set(heard.played) == {each for each in lost if each < 290}
    end = 10.0 + 290 * 0.020
    missing = sum(
        item.ticks for at, item in heard.items if not isinstance(item, Frame) and at < end
    )
    begun = next(at for at, item in heard.items if isinstance(item, Frame))
    expected = len([each for each in lost if each < 290]) * 960 + (begun - 10.0) * CLOCK
    assert missing <= expected + 2 * 960
