"""A participant's place in a mix: what its client sends waits here, what it hears goes out here."""

import time
from collections.abc import Callable

from offhook.engine.rtp.packet import RtpError
from offhook.engine.rtp.reporting import Reporting
from offhook.engine.rtp.talker import Talker
from offhook.media.mix_feed import Feed
from offhook.media.relay import RelayPort
from offhook.media.samples import Samples
from offhook.media.voice_receiver import VoiceReceiver

_RATE = 48_000
# As short as a good network allows: whoever was heard through the relay until now pauses for it.
_FIRST_DELAY = 0.020
_REPORT_INTERVAL = 5.0
# The share of packets that a client has to lose to be given protection, and to lose it again.
_LOSSY = 0.03
_CLEAN = 0.01


class MixSeat:
    """A `relay.Seat`. In a mix the service is the source of the stream, and reports about it.

    `due` tells for when the next frame is due, `on_left` is called when the port is plugged in
    elsewhere. `hears` is the feed from which the last packet was sent.
    """

    def __init__(
        self,
        name: str,
        port: RelayPort,
        *,
        due: Callable[[], float],
        on_left: Callable[[str], None],
    ) -> None:
        self.name = name
        self.port = port
        self.receiver = VoiceReceiver(_RATE, first_delay=_FIRST_DELAY, keep_gil=True)
        self.talker = Talker()
        self.hears: Feed | None = None
        self.is_lossy = False
        self._due = due
        self._on_left = on_left
        self._own: Feed | None = None
        self._own_is_protected = False
        leg = port.leg
        self._reporting = Reporting(leg.ssrc, leg.cname, self.receiver.reception)
        self._next_report = 0.0

    # --- what the client sends ---

    def take(self, packet: bytes) -> None:
        """Keep an RTP packet until its time has come."""
        leg = self.port.leg
        if leg.format is not None:
            # While the mix is behind, packets that came meanwhile are not late.
            now = leg.last_rtp_at
            self.receiver.handle(packet, leg.format, now, min(self._due(), now))

    def take_report(self, packet: bytes) -> None:
        """Take in what the client reports about the stream that it hears."""
        try:
            self._reporting.received(packet, self.port.leg.last_rtp_at, time.time())
        except RtpError:
            self.receiver.rejected += 1
            return
        loss = self._reporting.remote_loss
        if loss is not None:
            self.is_lossy = loss > (_CLEAN if self.is_lossy else _LOSSY)

    def left(self) -> None:
        """The leg hears something else from now on."""
        self._on_left(self.name)

    # --- what the client hears ---

    def send_own(self, number: int, frame: Samples, before: Samples, due: float) -> None:
        """Send `frame`, which nobody else hears; see `Feed.packet`."""
        if self._own is None or self._own_is_protected != self.is_lossy:
            self._own = Feed(protected=self.is_lossy)
            self._own_is_protected = self.is_lossy
        newcomer = self.hears is not self._own
        self.send(self._own, self._own.packet(number, frame, before, newcomers=newcomer), due)

    def send(self, feed: Feed, payload: bytes, due: float) -> None:
        """Send the feed's packet of the 20 ms from `due`, and a report when it is time for one."""
        self.hears = feed if self.port.send(payload, due) else None
        if due >= self._next_report and self.hears is not None:
            self._report(due)

    def _report(self, due: float) -> None:
        # The first one at once: it tells the client's clock where the stream stands now.
        self._next_report = due + _REPORT_INTERVAL
        leg, stats = self.port.leg, self.port.leg.stats
        octets = stats.bytes_sent - 12 * stats.packets_sent
        self._reporting.stands_at(stats.packets_sent, octets, self.port.stream.timestamp, due)
        leg.send_rtcp(self._reporting.report(due, time.time()))
