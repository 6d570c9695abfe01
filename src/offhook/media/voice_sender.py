"""What goes out: 20 ms of audio in, one packet out, digits in between."""

import secrets

from offhook.engine.rtp.packet import RtpPacket
from offhook.engine.rtp.telephone_event import EventSender
from offhook.media.opus import Encoder
from offhook.media.samples import Samples
from offhook.wire.sdp.negotiation import AudioFormat

_TICKS = 960
# The encoder hears of a change of the loss from this many points of per cent on.
_NOTABLE_LOSS = 3


class VoiceSender:
    """One outgoing stream under `ssrc`: call `packet` once for each 20 ms that pass.

    Digits take the place of the voice while they last. All packets keep to one clock of 48 kHz,
    those of digits too; only the durations inside them are in the clock that was agreed on for
    digits, as browsers do it.
    """

    def __init__(self, ssrc: int) -> None:
        self.ssrc = ssrc
        self.timestamp = secrets.randbits(32)
        self._sequence = secrets.randbits(15)
        self._begins = True
        self._encoder: Encoder | None = None
        self._expected_loss = 0
        self._digits: EventSender | None = None

    @property
    def busy_with_digits(self) -> bool:
        """Whether digits are under way or wait."""
        return self._digits is not None and self._digits.busy

    def press(self, digits: str, rate: int) -> None:
        """Queue digits, in a clock of `rate` Hz. Raises InvalidDigitError and queues none then."""
        if self._digits is None or not self._digits.busy:
            self._digits = EventSender(rate)
        self._digits.send(digits)

    def drop_digits(self) -> None:
        """Forget digits that are not sent yet."""
        self._digits = None

    def expect_loss(self, share: float) -> None:
        """The other side loses this share of the packets (0 to 1): protect them accordingly."""
        percent = round(100 * share)
        if abs(percent - self._expected_loss) >= _NOTABLE_LOSS:
            self._expected_loss = percent
            if self._encoder is not None:
                self._encoder.expect_loss(percent)

    def packet(self, frame: Samples, rate: int, form: AudioFormat) -> RtpPacket:
        """The packet for the next 20 ms: `frame` (int16 [rate / 50]), or part of a digit."""
        digit = self._digit(form)
        if digit is not None:
            self._begins = True
            return digit
        begins, self._begins = self._begins, False
        return self._next(form.opus, self._advance(), self._encoded(frame, rate), marker=begins)

    def skip(self) -> None:
        """Let 20 ms pass without a packet."""
        self._advance()
        self._begins = True

    def _digit(self, form: AudioFormat) -> RtpPacket | None:
        if self._digits is None or form.telephone_event is None:
            return None
        event = self._digits.packet(self.timestamp)
        if event is None:
            return None
        self._advance()
        return self._next(form.telephone_event, event.timestamp, event.payload, marker=event.first)

    def _encoded(self, frame: Samples, rate: int) -> bytes:
        if self._encoder is None or self._encoder.rate != rate:
            self._encoder = Encoder(rate)
            if self._expected_loss:
                self._encoder.expect_loss(self._expected_loss)
        return self._encoder.encode(frame)

    def _advance(self) -> int:
        timestamp = self.timestamp
        self.timestamp = (timestamp + _TICKS) & 0xFFFFFFFF
        return timestamp

    def _next(
        self, payload_type: int, timestamp: int, payload: bytes, *, marker: bool
    ) -> RtpPacket:
        sequence = self._sequence
        self._sequence = (sequence + 1) & 0xFFFF
        return RtpPacket(payload_type, sequence, timestamp, self.ssrc, payload, marker)
