"""One side's RTCP: which reports to send and what those of the other side tell (RFC 3550, 6.4).

Times in seconds: `now` of any steady clock, `wall` since 1970.
"""

from offhook.engine.rtp.packet import timestamp_difference
from offhook.engine.rtp.rtcp import (
    Goodbye,
    ReceiverReport,
    ReportBlock,
    RtcpPacket,
    SenderReport,
    SourceDescription,
    parse_rtcp,
    serialise_rtcp,
)
from offhook.engine.rtp.statistics import ReceptionStatistics

_CLOCK = 48_000
_SECONDS_FROM_1900_TO_1970 = 2_208_988_800
_LONGEST_ROUND_TRIP = 10.0


class Reporting:
    """Reports about the stream that `ssrc` sends and the one that `reception` counts.

    What the other side reports: `round_trip` in seconds, `remote_loss` (0 to 1) and `remote_jitter`
    in seconds, None until it does; `said_goodbye` once it has left.
    """

    def __init__(self, ssrc: int, cname: str, reception: ReceptionStatistics) -> None:
        self.ssrc = ssrc
        self._cname = cname
        self._reception = reception
        self.packets_sent = 0
        self.octets_sent = 0
        self._sent_before = 0
        self._last_timestamp = 0
        self._last_sent_at = 0.0
        self._heard_report = 0
        self._heard_at = 0.0
        self.round_trip: float | None = None
        self.remote_loss: float | None = None
        self.remote_jitter: float | None = None
        self.said_goodbye = False

    def sent(self, timestamp: int, octets: int, now: float) -> None:
        """A packet went out with this RTP timestamp, which stands for `now`."""
        self.packets_sent += 1
        self.octets_sent += octets
        self._last_timestamp = timestamp
        self._last_sent_at = now

    def stands_at(self, packets: int, octets: int, timestamp: int, now: float) -> None:
        """So much went out in all, the last of it with this RTP timestamp, which stands for `now`.

        For who counts already, in place of a call of `sent` for each packet.
        """
        self.packets_sent = packets
        self.octets_sent = octets
        self._last_timestamp = timestamp
        self._last_sent_at = now

    def report(self, now: float, wall: float) -> bytes:
        """The compound packet that is due: a sender's report if anything was sent since the last.

        Goes out every five seconds or so.
        """
        since = 0
        if self._heard_report:
            since = min(max(round((now - self._heard_at) * 65536), 0), 0xFFFFFFFF)
        block = self._reception.report(self._heard_report, since)
        blocks = () if block is None else (block,)
        first: RtcpPacket = ReceiverReport(self.ssrc, blocks)
        if self.packets_sent != self._sent_before:
            self._sent_before = self.packets_sent
            elapsed = round((now - self._last_sent_at) * _CLOCK)
            first = SenderReport(
                self.ssrc,
                _ntp(wall),
                (self._last_timestamp + elapsed) & 0xFFFFFFFF,
                self.packets_sent & 0xFFFFFFFF,
                self.octets_sent & 0xFFFFFFFF,
                blocks,
            )
        return serialise_rtcp([first, SourceDescription(((self.ssrc, self._cname),))])

    def goodbye(self, now: float, wall: float) -> bytes:
        """The last report and the farewell."""
        return self.report(now, wall) + serialise_rtcp([Goodbye((self.ssrc,))])

    def received(self, data: bytes, now: float, wall: float) -> None:
        """Take in the other side's compound packet. Raises RtpError if it is not RTCP."""
        for packet in parse_rtcp(data):
            if isinstance(packet, SenderReport):
                self._heard_report = packet.ntp_time >> 16 & 0xFFFFFFFF
                self._heard_at = now
            if isinstance(packet, SenderReport | ReceiverReport):
                for block in packet.blocks:
                    if block.ssrc == self.ssrc:
                        self._judged(block, wall)
            elif isinstance(packet, Goodbye) and self._reception.ssrc in packet.sources:
                self.said_goodbye = True

    def _judged(self, block: ReportBlock, wall: float) -> None:
        self.remote_loss = block.fraction_lost / 256
        self.remote_jitter = block.jitter / _CLOCK
        if block.last_sender_report:
            arrived = _ntp(wall) >> 16 & 0xFFFFFFFF
            taken = timestamp_difference(arrived, block.last_sender_report) - block.delay_since
            if 0 <= taken <= _LONGEST_ROUND_TRIP * 65536:
                self.round_trip = taken / 65536


def _ntp(wall: float) -> int:
    """64 bits: seconds since 1900 and a fraction."""
    return int((wall + _SECONDS_FROM_1900_TO_1970) * (1 << 32)) & 0xFFFFFFFFFFFFFFFF
