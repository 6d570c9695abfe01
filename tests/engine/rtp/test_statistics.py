"""Figures of a call: what they say about what happened."""

import pytest

from engine.rtp.listening import jittered, stream, voice, without
from offhook.engine.rtp.packet import RtpPacket
from offhook.engine.rtp.statistics import ReceptionStatistics, mean_opinion_score


def counted(arrivals: list[tuple[float, RtpPacket]]) -> ReceptionStatistics:
    statistics = ReceptionStatistics()
    for at, packet in sorted(arrivals, key=lambda arrival: arrival[0]):
        statistics.add(packet, at)
    return statistics


def test_losses_are_counted_across_the_wrap_of_the_numbers() -> None:
    arrivals = stream(200, sequence=65_500)
    statistics = counted(without(arrivals, 10, 36, 37, 150))
    assert (statistics.received, statistics.lost) == (196, 4)
    block = statistics.report()
    assert block is not None
    assert block.cumulative_lost == 4
    assert block.fraction_lost == 4 * 256 // 200
    assert block.highest_sequence == 0x10000 + 65_500 + 199 - 65_536


def test_a_report_tells_the_share_lost_since_the_last_one() -> None:
    statistics = counted(without(stream(100), *range(50, 75)))
    first = statistics.report()
    assert first is not None
    assert first.fraction_lost == 64
    for at, packet in stream(200)[100:]:
        statistics.add(packet, at)
    second = statistics.report()
    assert second is not None
    assert (second.fraction_lost, second.cumulative_lost) == (0, 25)


def test_repeated_packets_do_not_hide_behind_negative_loss() -> None:
    arrivals = stream(50)
    statistics = counted(arrivals + arrivals)
    assert statistics.lost == 0
    block = statistics.report()
    assert block is not None
    assert (block.cumulative_lost, block.fraction_lost) == (-50, 0)


def test_jitter_is_that_of_the_rfc() -> None:
    assert counted(stream(500)).jitter == pytest.approx(0, abs=1)
    # The mean distance of two evenly spread delays is a third of their range.
    assert counted(jittered(stream(3000), 0.030)).jitter / 48 == pytest.approx(10, abs=3)


def test_digits_do_not_count_as_jitter() -> None:
    statistics = counted(stream(50))
    for step in range(12):
        event = RtpPacket(110, (150 + step) & 0xFFFF, 5000 + 50 * 960, 7, b"\x05\x0a\x03\xc0")
        statistics.add(event, 11.0 + step * 0.020, timed=False)
    statistics.add(voice(62), 10.0 + 62 * 0.020)
    assert statistics.jitter == pytest.approx(0, abs=1)
    assert statistics.lost == 0


def test_another_source_is_counted_from_its_own_beginning() -> None:
    statistics = counted(without(stream(100), 5))
    for at, packet in stream(100, ssrc=8, sequence=60_000, timestamp=9):
        statistics.add(packet, at + 2)
    assert (statistics.received, statistics.lost) == (199, 1)
    block = statistics.report()
    assert block is not None
    assert (block.ssrc, block.cumulative_lost) == (8, 0)


def test_nothing_is_reported_about_nobody() -> None:
    assert ReceptionStatistics().report() is None


def test_the_opinion_score_falls_with_loss_and_delay() -> None:
    clean = mean_opinion_score(0, 30)
    assert clean >= 4.3
    assert clean > mean_opinion_score(0.01, 30) > mean_opinion_score(0.05, 30)
    assert mean_opinion_score(0.05, 30) == pytest.approx(3.9, abs=0.3)
    assert clean - mean_opinion_score(0, 150) < 0.15
    assert mean_opinion_score(0, 400) < 3.8
    assert mean_opinion_score(1, 2000) == 1
