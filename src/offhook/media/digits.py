"""Digits that the service sends to a client: as telephone events (RFC 4733), else as dual tones."""

from collections import deque
from collections.abc import Mapping, Sequence

from offhook.engine.rtp.opus_duration import opus_silence
from offhook.engine.rtp.rewrite import FRAME
from offhook.engine.rtp.telephone_event import EventSender
from offhook.media.relay import RelayPort
from offhook.media.samples import FRAME_SECONDS

#: Not a digit but a second in which nothing is sent.
PAUSE = ","

_SILENCE = opus_silence(FRAME)
_PAUSE_STEPS = round(1.0 / FRAME_SECONDS)


class OutgoingDigits:
    """Sends digits into what one leg hears, which is interrupted while a digit lasts.

    Stepped by a `PlayoutClock` while there are any. Nothing is lost while the leg cannot send.
    """

    def __init__(self, port: RelayPort) -> None:
        self._port = port
        self._queue: deque[str] = deque()
        self._tones: dict[str, Sequence[bytes]] = {}
        self._event: EventSender | None = None
        self._tone: deque[bytes] = deque()
        self._rest = 0

    def press(self, digits: str, tones: Mapping[str, Sequence[bytes]]) -> None:
        """Queue ``0-9 * # A-D`` and ``,``. `tones` holds the packets of each digit's dual tone."""
        self._tones.update(tones)
        self._queue.extend(digits)

    def step(self, now: float) -> bool:
        """Send what belongs into the 20 ms from `now`. False once all is sent."""
        if not self._port.leg.can_send:
            return True
        if self._rest:
            self._rest -= 1
            return True
        if not self._under_way and not self._begin():
            return False
        if self._event is not None:
            self._send_event(self._event, now)
        elif self._tone:
            self._send_tone(now)
        return True

    @property
    def _under_way(self) -> bool:
        return bool(self._tone) or (self._event is not None and self._event.busy)

    def _begin(self) -> bool:
        """Begin with the next digit, or a pause; False if there is none."""
        self._event = None
        form = self._port.leg.format
        if not self._queue or form is None:
            self._port.resume()
            return False
        digit = self._queue.popleft()
        if digit == PAUSE:
            self._port.resume()
            self._rest = _PAUSE_STEPS - 1
        elif form.telephone_event is not None:
            self._port.interrupt()
            self._event = EventSender(form.telephone_event_rate)
            self._event.send(digit)
        else:
            self._port.interrupt()
            self._tone.extend(self._tones[digit])
        return True

    def _send_event(self, sender: EventSender, now: float) -> None:
        form = self._port.leg.format
        event = sender.packet(0)
        if form is None:
            return
        if event is None:
            # Without audio in between, a receiver conceals the loss: it lets the tone ring on, and
            # the next digit, if it is the same, is not heard as another.
            self._port.interrupt_with(_SILENCE, form.opus, now)
        elif form.telephone_event is not None:
            self._port.interrupt_with_event(
                event.payload, form.telephone_event, now, first=event.first
            )

    def _send_tone(self, now: float) -> None:
        form = self._port.leg.format
        packet = self._tone.popleft()
        if form is not None:
            self._port.interrupt_with(packet, form.opus, now)
