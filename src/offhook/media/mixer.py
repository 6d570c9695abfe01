"""A mix: each of its participants hears all others and not itself.

It is decoded, blended and encoded on the event loop, which also sends the packets. Whoever is
silent hears the same as all who are silent, so their packet is encoded once; only who talks is
given an encoding of its own. What a participant's client sends waits in a playout buffer of its
own, which conceals what is lost.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from offhook.engine.rtp.active_speaker import ActiveSpeaker
from offhook.engine.rtp.mixing import MOST_PARTICIPANTS, Blender, Wave
from offhook.media.mix_feed import Feed
from offhook.media.mix_seat import MixSeat
from offhook.media.relay import RelayPort
from offhook.media.samples import Samples, frame_samples, silent
from offhook.media.ticker import Lateness, Ticker

_FRAME = frame_samples(48_000)


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
        self._common_protected: Feed | None = None
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
                seat = MixSeat(name, port, due=self._next_due, on_left=self._left)
                port.sit(seat)
                self._seats[name] = seat
        # Only now, or the mix might be over in between.
        for seat in gone:
            seat.port.detach()
        if self._seats:
            self._ticker.start(0.0)

    def _left(self, name: str) -> None:
        del self._seats[name]
        self._speaker.forget(name)
        if not self._seats:
            self._ticker.stop()
            self._on_end()

    def _next_due(self) -> float:
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
        for row, frame in zip(apart, frames, strict=False):
            seats[row].send_own(self._number, frame, self._before, due)
        self._send_common(seats, frames[-1], due)
        self._before = frames[-1]
        self._number += 1
        speaker = self._speaker.update((seat.name, seat.talker.loudness) for seat in seats)
        if speaker is not None:
            self._on_speaker(speaker)

    def _hear(self, seats: Sequence[MixSeat], due: float) -> None:
        heard = self._heard[: len(seats)]
        for row, seat in enumerate(seats):
            heard[row] = seat.receiver.play(due)
        powers = np.einsum("ij,ij->i", heard, heard) / _FRAME
        for seat, power in zip(seats, powers.tolist(), strict=True):
            seat.talker.update(power, muted=seat.port.muted)

    def _send_common(self, seats: Sequence[MixSeat], frame: Samples, due: float) -> None:
        silent_ones = [seat for seat in seats if not seat.talker.is_apart]
        self._send_feed(
            self._common, [seat for seat in silent_ones if not seat.is_lossy], frame, due
        )
        lossy = [seat for seat in silent_ones if seat.is_lossy]
        if lossy:
            if self._common_protected is None:
                self._common_protected = Feed(protected=True)
            self._send_feed(self._common_protected, lossy, frame, due)

    def _send_feed(self, feed: Feed, seats: Sequence[MixSeat], frame: Samples, due: float) -> None:
        if seats:
            newcomers = any(seat.hears is not feed for seat in seats)
            packet = feed.packet(self._number, frame, self._before, newcomers=newcomers)
            for seat in seats:
                seat.send(feed, packet, due)
