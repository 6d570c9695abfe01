"""The relay: what one leg says, another hears, decrypted and encrypted again but never decoded.

Each leg has a `RelayPort`, which owns the one stream that the leg ever hears. Whatever is plugged
in behind it (another leg, the leg itself, a mix, a sound), the stream keeps its SSRC and runs on.
"""

import secrets
from collections.abc import Callable
from typing import Protocol

from offhook.engine.rtp.opus_duration import opus_silence, opus_ticks
from offhook.engine.rtp.rewrite import (
    StreamRewriter,
    map_rtcp,
    payload_of,
    payload_start,
    timestamp_of,
)
from offhook.engine.rtp.telephone_event import EventReceiver
from offhook.media.leg import AudioFormat, WebRtcLeg


class Seat(Protocol):
    """What a port can be plugged into in place of another port: a place in a mix."""

    def take(self, packet: bytes) -> None:
        """An RTP packet of the client came."""

    def take_report(self, packet: bytes) -> None:
        """A compound RTCP packet of the client came."""

    def left(self) -> None:
        """The port is plugged in elsewhere now, or nowhere."""


class RelayPort:
    """The leg's place in the relay. Takes over the leg's `forward` and `on_rtcp`.

    Legs that are joined share one scratch, in which a packet goes from one to the other.

    `on_digit` is called once for each key that the leg's client presses (RFC 4733).
    """

    __slots__ = (
        "_event_type",
        "_event_types",
        "_events",
        "_interrupted",
        "_listener",
        "_muted",
        "_seat",
        "_speaker",
        "_view",
        "_voice_types",
        "leg",
        "on_digit",
        "stream",
    )

    def __init__(self, leg: WebRtcLeg) -> None:
        self.leg = leg
        self.stream = StreamRewriter(
            leg.ssrc, sequence=secrets.randbits(15), timestamp=secrets.randbits(32)
        )
        self.on_digit: Callable[[str], None] = _ignore
        self._events = EventReceiver()
        self._listener: RelayPort | None = None
        self._speaker: RelayPort | None = None
        self._seat: Seat | None = None
        self._muted = False
        self._interrupted = False
        self._voice_types: dict[int, int] = {}
        self._event_types: dict[int, int] = {}
        self._event_type = -1
        self._view = leg.scratch.view
        leg.forward = self._forward
        leg.on_rtcp = self._rtcp_received

    @property
    def speaker(self) -> "RelayPort | None":
        """Whose voice this leg hears, None for nobody's."""
        return self._speaker

    # --- what is plugged in ---

    def join(self, other: "RelayPort") -> None:
        """From now on each hears the other, and nobody else. ValueError without common scratch."""
        if self.leg.scratch is not other.leg.scratch:
            raise ValueError("Only legs that share a scratch can be joined.")
        self.detach()
        other.detach()
        self._plug(other)
        if other is not self:
            other._plug(self)

    def echo(self) -> None:
        """From now on the leg hears itself."""
        self.join(self)

    def sit(self, seat: Seat) -> None:
        """From now on `seat` takes what the client says, and lets it hear something by `send`."""
        self.detach()
        self._seat = seat
        self.stream.replug()
        self.remap()
        self._route()

    def detach(self) -> None:
        """The leg hears nobody and nobody hears it."""
        for listener, speaker in ((self, self._speaker), (self._listener, self)):
            if listener is not None and speaker is not None:
                listener._speaker = None
                speaker._listener = None
        if self._seat is not None:
            seat, self._seat = self._seat, None
            self._route()
            seat.left()

    def _plug(self, listener: "RelayPort") -> None:
        self._listener = listener
        listener._speaker = self
        listener.stream.replug()
        self.remap()

    def remap(self) -> None:
        """Take note of the payload types after a negotiation of either side."""
        own = self.leg.format
        self._event_type = -1
        if own is not None and own.telephone_event is not None:
            self._event_type = own.telephone_event
        for speaker, listener in ((self, self._listener), (self._speaker, self)):
            if speaker is not None and listener is not None:
                types = _payload_types(speaker.leg.format, listener.leg.format)
                # Who is interrupted has no counterpart for anything.
                speaker._voice_types, speaker._event_types = (
                    types if not listener._interrupted else ({}, {})
                )

    # --- mute ---

    @property
    def muted(self) -> bool:
        """Whether others hear silence in place of what the client says. Its digits are passed."""
        return self._muted

    @muted.setter
    def muted(self, muted: bool) -> None:
        self._muted = muted
        self._route()

    # --- what the leg hears of our own ---

    def send(self, payload: bytes, now: float) -> bool:
        """Let the leg hear 20 ms of Opus of our own. `now` is the event loop's time.

        False if it cannot hear them: not connected, on hold, or interrupted.
        """
        leg = self.leg
        if leg.format is None or self._interrupted or not leg.can_send:
            return False
        leg.send_rtp(self.stream.originate(payload, leg.format.opus, now))
        return True

    def interrupt(self) -> None:
        """Let the leg hear nothing but what interrupts, until `resume`."""
        if not self._interrupted:
            self._interrupted = True
            self.remap()

    def interrupt_with(self, payload: bytes, payload_type: int, now: float) -> None:
        """Send 20 ms of Opus in between."""
        self.leg.send_rtp(self.stream.originate(payload, payload_type, now))

    def interrupt_with_event(
        self, payload: bytes, payload_type: int, now: float, *, first: bool
    ) -> None:
        """Send 20 ms of a telephone event in between; see `StreamRewriter.originate_event`."""
        self.leg.send_rtp(self.stream.originate_event(payload, payload_type, now, first=first))

    def resume(self) -> None:
        """Whatever is plugged in is heard again."""
        if self._interrupted:
            self._interrupted = False
            self.stream.replug()
            self.remap()

    # --- packets of the client ---

    def _route(self) -> None:
        if self._seat is not None:
            self.leg.forward = self._hand_over
        elif self._muted:
            self.leg.forward = self._forward_silence
        else:
            self.leg.forward = self._forward

    def _forward(self) -> None:
        listener = self._listener
        if listener is not None and listener.stream.rewrite(
            self._view, self.leg.last_rtp_at, self._voice_types
        ):
            listener.leg.send_scratch()
        elif self._view[1] & 0x7F == self._event_type:
            self._forward_event()

    def _forward_silence(self) -> None:
        # In place of nothing at all: the stream runs on, and its reports still fit.
        if self._view[1] & 0x7F not in self._voice_types or self._silence():
            self._forward()

    def _silence(self) -> bool:
        """Put silence into the packet in the scratch; False if it holds no audio."""
        length = self.leg.scratch.length
        start = payload_start(self._view)
        ticks = opus_ticks(self._view[start : length[0]].tobytes()) if start < length[0] else 0
        if not ticks:
            return False
        silence = opus_silence(ticks)
        length[0] = start + len(silence)
        self._view[start : length[0]] = silence
        self._view[0] &= ~0x20  # what follows is no padding any more
        return True

    def _hand_over(self) -> None:
        packet = self.leg.scratch.packet()
        if packet[1] & 0x7F == self._event_type:
            self._take_event(packet)
        if self._seat is not None:
            self._seat.take(packet)

    def _forward_event(self) -> None:
        # Copied first: forwarding changes the packet where it lies.
        packet = self.leg.scratch.packet()
        listener = self._listener
        if listener is not None and listener.stream.rewrite(
            self._view, self.leg.last_rtp_at, self._event_types
        ):
            listener.leg.send_scratch()
        self._take_event(packet)

    def _take_event(self, packet: bytes) -> None:
        digit = self._events.receive(payload_of(packet), timestamp_of(packet))
        if digit is not None:
            self.on_digit(digit)

    def _rtcp_received(self, packet: bytes) -> None:
        if self._seat is not None:
            self._seat.take_report(packet)
            return
        listener = self._listener
        if listener is not None and listener is not self:
            stats = listener.leg.stats
            sent = (stats.packets_sent, stats.bytes_sent - 12 * stats.packets_sent)
            mapped = map_rtcp(packet, listener.stream, self.stream, sent)
            if mapped is not None:
                listener.leg.send_rtcp(mapped)


def _payload_types(
    speaker: AudioFormat | None, listener: AudioFormat | None
) -> tuple[dict[int, int], dict[int, int]]:
    """The listener's payload type for each of the speaker's: of voice, and of telephone events.

    Events pass only between equal clock rates: durations would be wrong otherwise.
    """
    if speaker is None or listener is None:
        return {}, {}
    events = {}
    if (
        speaker.telephone_event is not None
        and listener.telephone_event is not None
        and speaker.telephone_event_rate == listener.telephone_event_rate
    ):
        events[speaker.telephone_event] = listener.telephone_event
    return {speaker.opus: listener.opus}, events


def _ignore(_: str) -> None:
    """Stands in until somebody listens."""
