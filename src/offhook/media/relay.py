"""The relay: what one leg says, another hears, decrypted and encrypted again but never decoded.

Each leg has a `RelayPort`, which owns the one stream that the leg ever hears. Whatever is plugged
in behind it (another leg, the leg itself, a sound), the stream keeps its SSRC and runs on.
"""

import secrets
from collections.abc import Callable

from offhook.engine.rtp.rewrite import StreamRewriter, map_rtcp, payload_of, timestamp_of
from offhook.engine.rtp.telephone_event import EventReceiver
from offhook.media.leg import AudioFormat, WebRtcLeg


class RelayPort:
    """The leg's place in the relay. Takes over the leg's `forward` and `on_rtcp`.

    Legs that are joined share one scratch, in which a packet goes from one to the other.

    `on_digit` is called once for each key that the leg's client presses (RFC 4733).
    """

    __slots__ = (
        "_event_type",
        "_event_types",
        "_events",
        "_listener",
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

    def detach(self) -> None:
        """The leg hears nobody and nobody hears it."""
        for listener, speaker in ((self, self._speaker), (self._listener, self)):
            if listener is not None and speaker is not None:
                listener._speaker = None
                speaker._listener = None

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
                speaker._voice_types, speaker._event_types = types

    def send(self, payload: bytes, now: float) -> None:
        """Let the leg hear 20 ms of Opus of our own. `now` is the event loop's time."""
        if self.leg.format is not None:
            self.leg.send_rtp(self.stream.originate(payload, self.leg.format.opus, now))

    def _forward(self) -> None:
        listener = self._listener
        if listener is not None and listener.stream.rewrite(
            self._view, self.leg.last_rtp_at, self._voice_types
        ):
            listener.leg.send_scratch()
        elif self._view[1] & 0x7F == self._event_type:
            self._forward_event()

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
