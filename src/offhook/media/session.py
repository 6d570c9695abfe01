"""The audio of one call: what goes out every 20 ms, and what is heard of what comes in.

Sits on a leg. Sending keeps to a schedule that catches up after a stall; receiving goes through the
playout buffer, concealment included, to a sink and to whoever iterates over `frames`.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Protocol

import numpy as np
import numpy.typing as npt

from offhook.engine.rtp.jitter import Frame, JitterBuffer, Lost, Playout
from offhook.engine.rtp.packet import RtpError, RtpPacket
from offhook.engine.rtp.reporting import Reporting
from offhook.engine.rtp.statistics import CallQuality, ReceptionStatistics, mean_opinion_score
from offhook.engine.rtp.telephone_event import EventReceiver, EventSender
from offhook.media.errors import MediaError
from offhook.media.opus import Decoder, Encoder, OpusError
from offhook.media.sinks import AudioSink, FrameQueue, Nowhere
from offhook.media.sources import AudioSource, Silence
from offhook.wire.sdp.negotiation import AudioFormat

logger = logging.getLogger(__name__)

Samples = npt.NDArray[np.int16]

_FRAME_SECONDS = 0.020
_FRAME_TICKS = 960
# After a longer stall the schedule starts anew: a burst would overrun the other side's buffer.
_LONGEST_CATCH_UP = 0.1
_REPORT_SECONDS = 5.0


class RtpPort(Protocol):
    """Where packets go and come from: a `WebRtcLeg`, or anything else that carries RTP."""

    on_rtp: Callable[[bytes], None]
    on_rtcp: Callable[[bytes], None]
    format: AudioFormat | None
    ssrc: int

    def send_rtp(self, packet: bytes | bytearray) -> None:
        """Send one RTP packet, or drop it if nothing can be sent now."""

    def send_rtcp(self, packet: bytes) -> None:
        """Send one compound RTCP packet, or drop it."""


class AudioSession:
    """Carries audio between `source`, `sink` and `port` from `start` to `close`.

    `on_dtmf` is called with each digit received, `on_source_end` once the source has no more, and
    `on_error` when a source or sink breaks; silence is sent from then on.
    """

    def __init__(
        self, port: RtpPort, *, source: AudioSource | None = None, sink: AudioSink | None = None
    ) -> None:
        self._port = port
        self._source: AudioSource = source or Silence()
        self._sink: AudioSink = sink or Nowhere()
        self.on_dtmf: Callable[[str], None] = _ignore
        self.on_source_end: Callable[[], None] = _ignore
        self.on_error: Callable[[MediaError], None] = _ignore
        self.muted = False
        self.paused = False
        self._encoder: Encoder | None = None
        self._decoder: Decoder | None = None
        self._resampled: dict[int, Decoder] = {}
        self._buffer = JitterBuffer()
        self._received = ReceptionStatistics()
        self._events = EventReceiver()
        self._digits = EventSender(48_000)
        self._digits_done: asyncio.Future[None] | None = None
        self._listeners: set[FrameQueue] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._sequence = secrets.randbits(15)
        self._timestamp = secrets.randbits(32)
        self._reporting = Reporting(port.ssrc, secrets.token_hex(8), self._received)
        self.closed = False

    async def start(self) -> None:
        """Open source and sink and begin. Raises the errors of either."""
        await self._source.open()
        await self._sink.open()
        self._port.on_rtp = self._rtp_received
        self._port.on_rtcp = self._rtcp_received
        self._tasks = [
            asyncio.create_task(self._send_all(), name="audio-send"),
            asyncio.create_task(self._play_all(), name="audio-play"),
            asyncio.create_task(self._report_all(), name="audio-report"),
        ]

    async def close(self) -> None:
        """Stop, and finish what was recorded. Idempotent."""
        if self.closed:
            return
        self.closed = True
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        for queue in list(self._listeners):
            await queue.close()
        if self._digits_done is not None and not self._digits_done.done():
            self._digits_done.cancel()
        for end in (self._source, self._sink):
            try:
                await end.close()
            except MediaError as error:
                logger.warning("closing audio: %s", error)

    # --- control ---

    async def play(self, source: AudioSource) -> None:
        """Send this instead from now on. Raises what `source.open` raises; then nothing changes."""
        await source.open()
        old, self._source = self._source, source
        self._encoder = None
        await old.close()

    async def record(self, sink: AudioSink) -> None:
        """Let this have what is heard from now on, instead of the sink before."""
        await sink.open()
        old, self._sink = self._sink, sink
        await old.close()

    async def send_dtmf(self, digits: str) -> None:
        """Press keys; returns when they have been sent.

        Raises InvalidDigitError for other characters, MediaError if the other side takes no digits.
        """
        form = self._port.format
        if form is not None and form.telephone_event is None:
            raise MediaError("The other side does not take digits in this call.")
        if form is not None and not self._digits.busy:
            self._digits = EventSender(form.telephone_event_rate)
        self._digits.send(digits)
        if self._digits_done is None or self._digits_done.done():
            self._digits_done = asyncio.get_running_loop().create_future()
        with suppress(asyncio.CancelledError):
            await asyncio.shield(self._digits_done)
            return
        if self._digits_done.cancelled():
            raise MediaError("The call ended before all digits were sent.")
        raise asyncio.CancelledError

    async def frames(self, rate: int = 16_000, *, block_ms: int = 20) -> AsyncIterator[Samples]:
        """What is heard from now on, int16 [rate * block_ms / 1000] at a time, until the end."""
        queue = FrameQueue(rate, block_ms=block_ms)
        if self.closed:
            return
        self._listeners.add(queue)
        try:
            async for block in queue:
                yield block
        finally:
            self._listeners.discard(queue)

    @property
    def quality(self) -> CallQuality:
        """How the call has been so far."""
        received, buffer, reporting = self._received, self._buffer, self._reporting
        counts = buffer.counts
        expected = received.received + received.lost
        heard = counts.played_ticks + counts.concealed_ticks
        concealed = counts.concealed_ticks / heard if heard else 0.0
        round_trip = reporting.round_trip
        delay_ms = 1000 * (buffer.delay + (round_trip or 0.0) / 2)
        return CallQuality(
            packets_received=received.received,
            packets_sent=reporting.packets_sent,
            packets_lost=received.lost,
            loss=round(received.lost / expected, 4) if expected else 0.0,
            concealed=round(concealed, 4),
            concealed_ms=counts.concealed_ticks / 48,
            jitter_ms=round(received.jitter / 48, 2),
            delay_ms=round(1000 * buffer.delay, 1),
            round_trip_ms=None if round_trip is None else round(1000 * round_trip, 2),
            remote_loss=reporting.remote_loss,
            mos=mean_opinion_score(concealed, delay_ms),
        )

    # --- sending ---

    async def _send_all(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            try:
                frame = await self._next_frame()
            except MediaError as error:
                await self._source_broke(error)
                continue
            self._send(frame)
            due += _FRAME_SECONDS
            late = loop.time() - due
            if late > _LONGEST_CATCH_UP:
                skipped = int(late / _FRAME_SECONDS)
                self._timestamp = (self._timestamp + skipped * _FRAME_TICKS) & 0xFFFFFFFF
                due += skipped * _FRAME_SECONDS
            elif late < 0:
                await asyncio.sleep(-late)

    async def _next_frame(self) -> Samples:
        samples = self._source.rate // 50
        if self.paused:
            return np.zeros(samples, np.int16)
        frame = await self._source.read(samples)
        if frame is None:
            await self._source.close()
            self._source, self._encoder = Silence(), None
            self.on_source_end()
            return np.zeros(self._source.rate // 50, np.int16)
        return np.zeros(samples, np.int16) if self.muted else frame

    async def _source_broke(self, error: MediaError) -> None:
        old, self._source, self._encoder = self._source, Silence(), None
        await old.close()
        self.on_error(error)

    def _send(self, frame: Samples) -> None:
        timestamp = self._timestamp
        self._timestamp = (timestamp + _FRAME_TICKS) & 0xFFFFFFFF
        form = self._port.format
        if form is None or self.paused:
            return
        if self._digits.busy and self._send_digit(form, timestamp):
            return
        rate = self._source.rate
        if self._encoder is None or self._encoder.rate != rate:
            self._encoder = Encoder(rate)
        self._emit(form.opus, timestamp, self._encoder.encode(frame))

    def _send_digit(self, form: AudioFormat, timestamp: int) -> bool:
        if form.telephone_event is None:
            self._digits.clear()
            return False
        scaled = timestamp * form.telephone_event_rate // 48_000 & 0xFFFFFFFF
        event = self._digits.packet(scaled)
        done = self._digits_done
        if not self._digits.busy and done is not None and not done.done():
            done.set_result(None)
        if event is None:
            return False
        self._emit(form.telephone_event, event.timestamp, event.payload, marker=event.first)
        return True

    def _emit(
        self, payload_type: int, timestamp: int, payload: bytes, *, marker: bool = False
    ) -> None:
        packet = RtpPacket(
            payload_type, self._sequence, timestamp, self._port.ssrc, payload, marker
        )
        self._sequence = (self._sequence + 1) & 0xFFFF
        now = asyncio.get_running_loop().time()
        self._reporting.sent(timestamp, len(payload), now)
        self._port.send_rtp(packet.serialise())

    # --- receiving ---

    def _rtp_received(self, data: bytes) -> None:
        try:
            packet = RtpPacket.parse(data)
        except RtpError:
            return
        form = self._port.format
        if form is None:
            return
        now = asyncio.get_running_loop().time()
        if packet.payload_type == form.telephone_event:
            digit = self._events.receive(packet.payload, packet.timestamp)
            if digit is not None:
                self.on_dtmf(digit)
        elif packet.payload_type == form.opus:
            self._received.add(packet, now)
            self._buffer.handle(packet, now)

    async def _play_all(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            self._play(self._buffer.next_frame(loop.time()))
            due += _FRAME_SECONDS
            late = loop.time() - due
            if late > _LONGEST_CATCH_UP:
                due = loop.time()
            elif late < 0:
                await asyncio.sleep(-late)

    def _play(self, playout: Playout) -> None:
        outputs: list[AudioSink] = [self._sink, *self._listeners]
        by_rate: dict[int, Samples] = {}
        for output in outputs:
            if isinstance(output, Nowhere):
                continue
            rate = output.rate
            if rate not in by_rate:
                by_rate[rate] = self._decoded(playout, rate)
            output.write(by_rate[rate])

    def _decoded(self, playout: Playout, rate: int) -> Samples:
        decoder = self._resampled.get(rate)
        if decoder is None:
            decoder = self._resampled[rate] = Decoder(rate)
        try:
            match playout:
                case Frame(payload=payload):
                    return decoder.decode(payload)
                case Lost(following=following) if following is not None:
                    return decoder.recover(following)
                case Lost():
                    return decoder.conceal()
                case _:
                    return np.zeros(rate // 50, np.int16)
        except OpusError:
            # A stranger's bytes in the place of audio: as good as lost.
            return decoder.conceal()

    # --- reports ---

    async def _report_all(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_REPORT_SECONDS)
            self._port.send_rtcp(self._reporting.report(loop.time(), time.time()))

    def _rtcp_received(self, data: bytes) -> None:
        try:
            self._reporting.received(data, asyncio.get_running_loop().time(), time.time())
        except RtpError:
            return


def _ignore(*_: object) -> None:
    """Stands in until somebody listens."""
