"""How good a call is: loss and jitter (RFC 3550), concealment, and an estimate of how it sounds."""

from dataclasses import dataclass

from offhook.engine.rtp.packet import RtpPacket, sequence_difference, timestamp_difference
from offhook.engine.rtp.rtcp import ReportBlock

_CLOCK = 48_000
# Milliseconds that Opus itself needs: a frame of 20 and its look-ahead.
_CODEC_DELAY_MS = 26.5
# ITU-T G.113 appendix I has no figures for Opus; these are those of G.711 with concealment, whose
# robustness (25.1) a decoder that conceals at least reaches.
_IMPAIRMENT = 0.0
_ROBUSTNESS = 25.1
# ITU-T G.107 with default values: the best rating of a narrowband call.
_BEST_RATING = 93.2


@dataclass(frozen=True, slots=True)
class CallQuality:
    """Figures of a call, as this side sees it. Times in ms; shares from 0 to 1.

    `loss` is the share of packets that never came, `concealed` the share of the audio that had to
    be made up, `remote_loss` what the other side reports about our packets. `delay_ms` is what the
    playout buffer adds. `round_trip_ms` and `remote_loss` are None until the other side reports.
    `mos` is the E-model's estimate, 1 bad to 4.4 excellent.
    """

    packets_received: int
    packets_sent: int
    packets_lost: int
    loss: float
    concealed: float
    concealed_ms: float
    jitter_ms: float
    delay_ms: float
    round_trip_ms: float | None
    remote_loss: float | None
    mos: float


class ReceptionStatistics:
    """Counts of one received stream, for receiver reports and `CallQuality`.

    A new SSRC is a new stream; what the former ones lost stays in `lost` and `received`.
    """

    def __init__(self) -> None:
        self.ssrc: int | None = None
        self.jitter = 0.0  # in timestamp units
        self._former_received = 0
        self._former_lost = 0
        self._count_from(0)

    def _count_from(self, sequence: int) -> None:
        self._first = self._highest = sequence
        self._received = 0
        self._transit: int | None = None
        self._reported_expected = 0
        self._reported_received = 0

    def add(self, packet: RtpPacket, now: float, *, timed: bool = True) -> None:
        """Count a packet that came at `now` (seconds).

        Jitter is measured on packets that are `timed`, whose timestamp is when they were sent.
        """
        step = sequence_difference(packet.sequence, self._highest & 0xFFFF)
        if packet.ssrc != self.ssrc or abs(step) > 3000:
            self._former_received, self._former_lost = self.received, self.lost
            self.ssrc = packet.ssrc
            self.jitter = 0.0
            self._count_from(packet.sequence)
            step = 0
        self._highest = max(self._highest, self._highest + step)
        self._received += 1
        if not timed:
            return
        transit = (round(now * _CLOCK) - packet.timestamp) & 0xFFFFFFFF
        if self._transit is not None:
            change = abs(timestamp_difference(transit, self._transit))
            if change < 10 * _CLOCK:  # not where the sender's clock was set anew
                self.jitter += (change - self.jitter) / 16
        self._transit = transit

    @property
    def received(self) -> int:
        """Packets that came, repeated ones included."""
        return self._former_received + self._received

    @property
    def lost(self) -> int:
        """Packets that did not come, never below 0."""
        return self._former_lost + max(self._expected - self._received, 0)

    @property
    def _expected(self) -> int:
        return self._highest - self._first + 1 if self._received else 0

    def report(self, last_sender_report: int = 0, delay_since: int = 0) -> ReportBlock | None:
        """The block about this stream, None before its first packet (RFC 3550 appendix A.3)."""
        if self.ssrc is None:
            return None
        expected = self._expected - self._reported_expected
        lost = expected - (self._received - self._reported_received)
        self._reported_expected, self._reported_received = self._expected, self._received
        fraction = min((lost << 8) // expected, 255) if expected > 0 and lost > 0 else 0
        cumulative = min(max(self._expected - self._received, -0x800000), 0x7FFFFF)
        return ReportBlock(
            ssrc=self.ssrc,
            fraction_lost=fraction,
            cumulative_lost=cumulative,
            highest_sequence=self._highest & 0xFFFFFFFF,
            jitter=min(round(self.jitter), 0xFFFFFFFF),
            last_sender_report=last_sender_report,
            delay_since=delay_since,
        )


def mean_opinion_score(loss: float, delay_ms: float) -> float:
    """The E-model's estimate (ITU-T G.107, annex B) for random `loss` (0 to 1) of audio frames.

    `delay_ms` is the delay from mouth to ear apart from the codec's own.
    """
    delay = delay_ms + _CODEC_DELAY_MS
    # The usual fit to the delay impairment Idd for a call without echo.
    delay_impairment = 0.024 * delay + 0.11 * max(delay - 177.3, 0.0)
    percent = 100 * min(max(loss, 0.0), 1.0)
    loss_impairment = _IMPAIRMENT + (95 - _IMPAIRMENT) * percent / (percent + _ROBUSTNESS)
    rating = min(max(_BEST_RATING - delay_impairment - loss_impairment, 0.0), 100.0)
    score = 1 + 0.035 * rating + rating * (rating - 60) * (100 - rating) * 7e-6
    return round(max(score, 1.0), 2)
