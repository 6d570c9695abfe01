"""A mix: each of its participants hears all others and not itself.

It is decoded, blended and encoded on the event loop, which also sends the packets. Whoever is
silent hears the same as all who are silent, so their packet is encoded once; only who talks is
given an encoding of its own. What a participant's client sends waits in a playout buffer of its
own, which conceals what is lost.
"""

import time
from collections.abc import Callable, Mapping

import numpy as np

from offhook.engine.rtp.active_speaker import ActiveSpeaker
from offhook.engine.rtp.mixing import MOST_PARTICIPANTS, Blender, Wave
from offhook.engine.rtp.packet import RtpError
from offhook.engine.rtp.reporting import Reporting
from offhook.engine.rtp.talker import Talker
from offhook.media.mix_feed import Feed
from offhook.media.relay import RelayPort
from offhook.media.samples import Samples, frame_samples, silent
from offhook.media.ticker import Lateness, Ticker
from offhook.media.voice_receiver import VoiceReceiver

_RATE = 48_000
_FRAME = frame_samples(_RATE)
# As short as a good network allows: whoever was heard through the relay until now pauses for it.
_FIRST_DELAY = 0.020
_REPORT_INTERVAL = 5.0


class Mix:
    """Runs while anybody is in it. Participants go by names.

    `on_speaker` is called with the loudest talker when that has changed and stayed so for a moment,
    `on_end` when the last participant has left. `lateness` may be shared by mixes.
    """

    def __init__(
        self,
        *,
        on_speaker: Callable[[str], None],
        on_end: Callable[[], None],
        lateness: Lateness | None = None,
    ) -> None:
        self._on_speaker = on_speaker
        self._on_end = on_end
        self._seats: dict[str, MixSeat] = {}
        self._ticker = Ticker(self._step, lateness)
        self._blender = Blender(_FRAME)
        self._speaker: ActiveSpeaker[str] = ActiveSpeaker()
        self._heard: Wave = np.zeros((MOST_PARTICIPANTS, _FRAME), np.float32)
        self._common = Feed()
        self._before = silent(_FRAME)
        self._number = 0

    def __len__(self) -> int:
        return len(self._seats)

    def keep(self, ports: Mapping[str, RelayPort]) -> None:
        """These, and nobody else, are in the mix from now on. ValueError for more than 64."""
        if len(ports) > MOST_PARTICIPANTS:
            raise ValueError(f"A mix has room for {MOST_PARTICIPANTS} participants.")
        gone = [seat for name, seat in self._seats.items() if name not in ports]
        for name, port in ports.items():
            if name not in self._seats:
                seat = MixSeat(name, port, self)
                port.sit(seat)
                self._seats[name] = seat
        # Only now, or the mix might be over in between.
        for seat in gone:
            seat.port.detach()
        if self._seats:
            self._ticker.start(0.0)

    def leave(self, name: str) -> None:
        """For the participant's seat: it was taken out."""
        del self._seats[name]
        self._speaker.forget(name)
        if not self._seats:
            self._ticker.stop()
            self._on_end()

    @property
    def due(self) -> float:
        """When the next frame is due, in the event loop's time."""
        return self._ticker.due

    # --- every 20 ms ---

    def _step(self, due: float) -> None:
        seats = list(self._seats.values())
        self._hear(seats, due)
        apart = [row for row, seat in enumerate(seats) if seat.talker.is_apart]
        frames = self._blender.blend(
            self._heard[apart],
            [seats[row].talker.before for row in apart],
            [seats[row].talker.after for row in apart],
        )
        common = frames[-1]
        for row, frame in zip(apart, frames, strict=False):
            seats[row].send_own(self._number, frame, self._before, due)
        self._send_common([seat for seat in seats if not seat.talker.is_apart], common, due)
        self._before = common
        self._number += 1
        speaker = self._speaker.update((seat.name, seat.talker.loudness) for seat in seats)
        if speaker is not None:
            self._on_speaker(speaker)

    def _hear(self, seats: "list[MixSeat]", due: float) -> None:
        heard = self._heard[: len(seats)]
        for row, seat in enumerate(seats):
            heard[row] = seat.receiver.play(due)
        powers = np.einsum("ij,ij->i", heard, heard) / _FRAME
        for seat, power in zip(seats, powers.tolist(), strict=True):
            seat.talker.update(power, muted=seat.port.muted)

    def _send_common(self, seats: "list[MixSeat]", frame: Samples, due: float) -> None:
        if seats:
            newcomers = not all(seat.hears_common for seat in seats)
            packet = self._common.packet(self._number, frame, self._before, newcomers=newcomers)
            for seat in seats:
                seat.send(packet, due)
                seat.hears_common = True


class MixSeat:
    """A participant's place: its playout buffer, its level, its reports (see `relay.Seat`).

    `hears_common`: the last frame that it was sent was the one for all who are silent.
    """

    def __init__(self, name: str, port: RelayPort, mix: Mix) -> None:
        self.name = name
        self.port = port
        self.receiver = VoiceReceiver(_RATE, first_delay=_FIRST_DELAY, keep_gil=True)
        self.talker = Talker()
        self.hears_common = False
        self._mix = mix
        self._own: Feed | None = None
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
            self.receiver.handle(packet, leg.format, now, min(self._mix.due, now))

    def take_report(self, packet: bytes) -> None:
        """Take in what the client reports about the stream that it hears."""
        try:
            self._reporting.received(packet, self.port.leg.last_rtp_at, time.time())
        except RtpError:
            self.receiver.rejected += 1

    def left(self) -> None:
        """The leg hears something else from now on."""
        self._mix.leave(self.name)

    # --- what the client hears ---

    def send_own(self, number: int, frame: Samples, before: Samples, due: float) -> None:
        """Send `frame`, which nobody else hears."""
        if self._own is None:
            self._own = Feed()
        self.send(self._own.packet(number, frame, before, newcomers=self.hears_common), due)
        self.hears_common = False

    def send(self, payload: bytes, due: float) -> None:
        """Send the packet of the 20 ms from `due`, and a report when it is time for one."""
        leg = self.port.leg
        if not leg.can_send:
            return
        self.port.send(payload, due)
        if due >= self._next_report:
            self._report(due)

    def _report(self, due: float) -> None:
        # The first one at once: it tells the client's clock where the stream stands now.
        self._next_report = due + _REPORT_INTERVAL
        leg, stats = self.port.leg, self.port.leg.stats
        octets = stats.bytes_sent - 12 * stats.packets_sent
        self._reporting.stands_at(stats.packets_sent, octets, self.port.stream.timestamp, due)
        leg.send_rtcp(self._reporting.report(due, time.time()))
