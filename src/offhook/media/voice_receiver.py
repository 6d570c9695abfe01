"""What comes in: packets in any state of order, 20 ms of audio out whenever they are due."""

from collections.abc import Callable
from typing import assert_never

import numpy as np

from offhook.engine.rtp.jitter import Frame, JitterBuffer, Lost, Pace, Playout
from offhook.engine.rtp.jitter import Silence as Pause
from offhook.engine.rtp.packet import RtpError, RtpPacket
from offhook.engine.rtp.statistics import ReceptionStatistics
from offhook.engine.rtp.telephone_event import EventReceiver
from offhook.media.opus import Decoder, OpusError
from offhook.media.samples import Samples, frame_samples, silent
from offhook.media.time_scale import lengthened, shortened
from offhook.wire.sdp.negotiation import AudioFormat

_CLOCK = 48_000


class VoiceReceiver:
    """Decodes one stream at `rate` Hz. `on_digit` is called once for each key that is pressed.

    Times are seconds of any steady clock. `jitter` and `reception` hold the figures, `rejected`
    counts packets that were not RTP. `first_delay`: see `JitterBuffer`; `keep_gil`: see `Decoder`.
    """

    def __init__(
        self,
        rate: int = _CLOCK,
        on_digit: Callable[[str], None] | None = None,
        *,
        first_delay: float = 0.040,
        keep_gil: bool = False,
    ) -> None:
        self.on_digit = on_digit
        self.jitter = JitterBuffer(first_delay=first_delay)
        self.reception = ReceptionStatistics()
        self.rejected = 0
        self._events = EventReceiver()
        self._keep_gil = keep_gil
        self._decoder = Decoder(rate, keep_gil=keep_gil)
        self._ready = silent(0)
        self._paused = True  # the last thing played was silence

    @property
    def rate(self) -> int:
        """The rate of what `play` returns, in Hz; a new one begins with the next frame."""
        return self._decoder.rate

    @rate.setter
    def rate(self, rate: int) -> None:
        if rate != self.rate:
            self._decoder = Decoder(rate, keep_gil=self._keep_gil)
            self._ready = silent(0)
            self._paused = True

    def handle(
        self, data: bytes, form: AudioFormat, now: float, since: float | None = None
    ) -> None:
        """Take a packet that came at `now`; whatever is not in the agreed format is passed over.

        `since`: see `JitterBuffer.handle`.
        """
        try:
            packet = RtpPacket.parse(data)
        except RtpError:
            self.rejected += 1
            return
        is_audio = packet.payload_type == form.opus
        self.reception.add(packet, now, timed=is_audio)
        if is_audio:
            self.jitter.handle(packet, now, since)
            return
        self.jitter.pass_over(packet.sequence)
        if packet.payload_type == form.telephone_event:
            digit = self._events.receive(packet.payload, packet.timestamp)
            if digit is not None and self.on_digit is not None:
                self.on_digit(digit)

    def play(self, now: float) -> Samples:
        """The 20 ms that begin at `now`, int16 [rate / 50]; call it once for each frame."""
        wanted = frame_samples(self.rate)
        while len(self._ready) < wanted:
            heard = self._heard(self.jitter.next_frame(now, len(self._ready) / self.rate))
            self._ready = np.concatenate((self._ready, heard)) if len(self._ready) else heard
        block, self._ready = self._ready[:wanted], self._ready[wanted:]
        return block

    def forget(self) -> None:
        """Drop what waits: the stream was interrupted on purpose, and begins anew."""
        self.jitter.forget()
        self._ready = silent(0)
        self._paused = True

    def _heard(self, item: Playout) -> Samples:
        resumed = self._paused
        self._paused = isinstance(item, Pause)
        match item:
            case Frame():
                samples = self._decoded(item)
                return _faded_in(samples, self.rate) if resumed else samples
            case Lost(ticks=ticks, following=following):
                if resumed:
                    return silent(self._samples(ticks))
                return self._concealed(ticks, following)
            case Pause(ticks=ticks):
                if resumed:
                    return silent(self._samples(ticks))
                return _faded_out(self._concealed(ticks, None), self.rate)
            case _:
                assert_never(item)

    def _decoded(self, frame: Frame) -> Samples:
        try:
            samples = self._decoder.decode(frame.payload)
        except OpusError:
            # Damaged inside: as good as lost.
            return self._concealed(frame.ticks, None)
        match frame.pace:
            case Pace.STEADY:
                return samples
            case Pace.SHORTEN:
                return shortened(samples, self.rate)
            case Pace.LENGTHEN:
                return lengthened(samples, self.rate)
            case _:
                assert_never(frame.pace)

    def _concealed(self, ticks: int, following: bytes | None) -> Samples:
        samples = self._samples(ticks)
        if following is not None:
            try:
                return self._decoder.recover(following, samples)
            except OpusError:
                pass  # the packet behind the hole is damaged too
        return self._decoder.conceal(samples)

    def _samples(self, ticks: int) -> int:
        return ticks * self.rate // _CLOCK


def _faded_in(samples: Samples, rate: int) -> Samples:
    ramp = min(len(samples), rate // 200)
    faded = samples.copy()
    faded[:ramp] = (faded[:ramp] * np.linspace(0.0, 1.0, ramp)).astype(np.int16)
    return faded


def _faded_out(samples: Samples, rate: int) -> Samples:
    ramp = min(len(samples), rate // 100)
    faded = silent(len(samples))
    faded[:ramp] = (samples[:ramp] * np.linspace(1.0, 0.0, ramp)).astype(np.int16)
    return faded
