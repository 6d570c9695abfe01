"""Two sides that report to each other know what the other one hears, and how far away it is."""

import pytest

from engine.rtp.listening import stream, voice, without
from offhook.engine.rtp.packet import RtpError
from offhook.engine.rtp.reporting import Reporting
from offhook.engine.rtp.rtcp import (
    Goodbye,
    ReceiverReport,
    SenderReport,
    SourceDescription,
    parse_rtcp,
)
from offhook.engine.rtp.statistics import ReceptionStatistics

# Steady clock and calendar of the two sides differ; each knows only its own.
CALENDAR = 1_800_000_000.0


class Side:
    """One end with its own clocks."""

    def __init__(self, ssrc: int, offset: float) -> None:
        self.reception = ReceptionStatistics()
        self.reporting = Reporting(ssrc, f"side-{ssrc}", self.reception)
        self._offset = offset

    def times(self, at: float) -> tuple[float, float]:
        return at + self._offset, at + self._offset + CALENDAR

    def report(self, at: float) -> bytes:
        return self.reporting.report(*self.times(at))

    def take(self, data: bytes, at: float) -> None:
        self.reporting.received(data, *self.times(at))


def test_a_round_trip_is_measured_from_two_reports() -> None:
    us, them = Side(1, 0.0), Side(2, 5000.0)
    us.reporting.sent(960, 80, us.times(0.0)[0])
    them.reception.add(voice(0, ssrc=1), 0.0)
    report = us.report(1.0)
    them.take(report, 1.045)
    answer = them.report(3.5)
    us.take(answer, 3.580)
    assert us.reporting.round_trip == pytest.approx(0.045 + 0.080, abs=0.001)
    assert them.reporting.round_trip is None


def test_the_other_side_tells_how_much_of_our_voice_it_loses() -> None:
    us, them = Side(7, 0.0), Side(2, 0.0)
    for at, packet in without(stream(100), *range(20, 30)):
        them.reception.add(packet, at)
    us.take(them.report(12.0), 12.02)
    assert us.reporting.remote_loss == pytest.approx(0.1, abs=0.01)
    assert us.reporting.remote_jitter == pytest.approx(0, abs=0.001)


def test_who_sent_nothing_since_the_last_report_sends_a_receivers_report() -> None:
    side = Side(1, 0.0)
    first, name = parse_rtcp(side.report(5.0))
    assert first == ReceiverReport(1)
    assert name == SourceDescription(((1, "side-1"),))
    side.reporting.sent(960, 80, 6.0)
    side.reporting.sent(1920, 80, 6.02)
    report = parse_rtcp(side.report(6.04))[0]
    assert isinstance(report, SenderReport)
    assert (report.packets, report.octets, report.rtp_time) == (2, 160, 2880)
    assert report.ntp_time >> 32 == int(CALENDAR + 6.04) + 2_208_988_800
    assert isinstance(parse_rtcp(side.report(11.0))[0], ReceiverReport)


def test_a_farewell_is_understood() -> None:
    us, them = Side(1, 0.0), Side(7, 0.0)
    us.reception.add(voice(0), 1.0)
    farewell = them.reporting.goodbye(*them.times(2.0))
    assert isinstance(parse_rtcp(farewell)[-1], Goodbye)
    us.take(farewell, 2.0)
    assert us.reporting.said_goodbye


def test_the_farewell_of_somebody_else_is_not_ours() -> None:
    us = Side(1, 0.0)
    us.reception.add(voice(0), 1.0)
    us.take(Reporting(99, "stranger", ReceptionStatistics()).goodbye(2.0, CALENDAR), 2.0)
    assert not us.reporting.said_goodbye


def test_rubbish_is_refused_and_changes_nothing() -> None:
    us = Side(1, 0.0)
    with pytest.raises(RtpError):
        us.take(b"\x80\xc8\x00\xff", 1.0)
    assert us.reporting.remote_loss is None


def test_a_report_about_a_time_to_come_gives_no_round_trip() -> None:
    us, them = Side(1, 0.0), Side(2, 0.0)
    us.reporting.sent(960, 80, 0.0)
    them.reception.add(voice(0, ssrc=1), 0.0)
    them.take(us.report(1.0), 1.0)
    us.take(them.report(30.0), 2.0)
    assert us.reporting.round_trip is None
