"""The audio of one call: what goes out every 20 ms, and what is heard of what comes in.

It sits on a leg and keeps the time. Each step sends one packet and plays one frame; a step that
comes late is followed by the next at once, so that neither side drifts. Nothing here waits for a
source, a sink or a listener.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable
from typing import Protocol
from weakref import WeakSet

from offhook.engine.rtp.packet import RtpError, RtpPacket
from offhook.engine.rtp.reporting import Reporting
from offhook.engine.rtp.statistics import CallQuality, mean_opinion_score
from offhook.media.errors import MediaError
from offhook.media.resample import Resampler
from offhook.media.samples import FRAME_SECONDS, Samples, frame_samples, silent
from offhook.media.sinks import AudioSink, FrameQueue, Nowhere
from offhook.media.source_feed import SourceFeed
from offhook.media.sources import AudioSource, Silence
from offhook.media.voice_receiver import VoiceReceiver
from offhook.media.voice_sender import VoiceSender
from offhook.wire.sdp.negotiation import AudioFormat

logger = logging.getLogger(__name__)

# A sender so far behind leaves packets out: a burst would only overrun the other side's buffer.
_LONGEST_BURST = 0.1
# After a stall this long (a suspended machine) the schedule starts anew.
_LONGEST_CATCH_UP = 1.0
# The first reports come early, so that a short call too knows its round trip and its losses; the
# interval doubles until it is that of RFC 3550.
_FIRST_REPORT = 0.5
_REPORT_INTERVAL = 5.0


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


class DigitsUnavailableError(MediaError):
    """Keys cannot be sent: the other side takes none, or there is no audio connection."""


class AudioSession:
    """Carries audio between `source`, `sink` and `port` from `start` to `close`.

    Sources and sinks are opened and closed by the session. `on_dtmf` is called with each digit that
    the other side presses, `on_source_end` once the source has no more, `on_error` when a source or
    sink breaks; the call goes on without it. While `muted`, silence is sent, so that the path stays
    open. While `paused` (hold) nothing is sent, the source stands still, and silence is heard.
    """

    def __init__(
        self, port: RtpPort, *, source: AudioSource | None = None, sink: AudioSink | None = None
    ) -> None:
        self._port = port
        self._sink: AudioSink = Nowhere() if sink is None else sink
        self.on_dtmf: Callable[[str], None] = _ignore
        self.on_source_end: Callable[[], None] = _ignore
        self.on_error: Callable[[MediaError], None] = _ignore
        self.muted = False
        self.closed = False
        self._paused = False
        self._feed = SourceFeed(Silence() if source is None else source, self._source_ended)
        self._sender = VoiceSender(port.ssrc)
        self._receiver = VoiceReceiver(self._sink.rate, self._digit_pressed)
        self._reporting = Reporting(port.ssrc, secrets.token_hex(8), self._receiver.reception)
        self._listeners: WeakSet[FrameQueue] = WeakSet()
        self._resamplers: dict[int, Resampler] = {}
        self._digits_sent: asyncio.Future[None] | None = None
        self._changing = asyncio.Lock()
        self._loop = asyncio.get_running_loop()
        self._due = 0.0
        self._report_interval = _FIRST_REPORT
        self._next_report = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Open source and sink and begin. Raises the errors of either; nothing is open then."""
        async with self._changing:
            if self.closed or self._timer is not None:
                return
            await self._sink.open()
            try:
                await self._feed.open()
            except BaseException:
                await self._sink.close()
                raise
            now = self._loop.time()
            self._due = now + FRAME_SECONDS
            self._next_report = now + _FIRST_REPORT
            self._timer = self._loop.call_at(self._due, self._step)
            self._port.on_rtp = self._rtp_received
            self._port.on_rtcp = self._rtcp_received

    async def close(self) -> None:
        """Stop, say goodbye and finish what was recorded. Idempotent; errors go to `on_error`."""
        if self.closed:
            return
        self.closed = True
        self._stop()
        self._fail_digits("The call ended before all digits were sent.")
        for queue in list(self._listeners):
            queue.end()
        async with self._changing:
            self._stop()  # a start that was under way
            await self._close_quietly(self._feed)
            await self._close_quietly(self._sink)
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._port.on_rtp = self._port.on_rtcp = _ignore
            self._port.send_rtcp(self._reporting.goodbye(self._loop.time(), time.time()))

    # --- control ---

    async def play(self, source: AudioSource) -> None:
        """Send this from now on. Raises what `source.open` raises; then nothing changes."""
        async with self._changing:
            feed = SourceFeed(source, self._source_ended)
            if self.closed:
                await self._close_quietly(feed)
                return
            if self._timer is not None:
                await feed.open()
            old, self._feed = self._feed, feed
            await self._close_quietly(old)

    async def record(self, sink: AudioSink) -> None:
        """Let this have what is heard from now on, instead of the sink before."""
        async with self._changing:
            if self._timer is not None and not self.closed:
                await sink.open()
                old, self._sink = self._sink, sink
                await self._close_quietly(old)
            else:
                self._sink = sink
            self._receiver.rate = self._needed_rate()

    @property
    def paused(self) -> bool:
        """Whether the call is on hold."""
        return self._paused

    @paused.setter
    def paused(self, paused: bool) -> None:
        if paused and not self._paused:
            self._fail_digits("The call was put on hold before all digits were sent.")
        if self._paused != paused:
            self._receiver.forget()
        self._paused = paused

    def pause(self) -> None:
        """Go on hold: the same as ``paused = True``."""
        self.paused = True

    def resume(self) -> None:
        """Come back from hold: the same as ``paused = False``."""
        self.paused = False

    async def send_dtmf(self, digits: str) -> None:
        """Press keys (``0-9 * # A-D``); returns when they have been sent.

        Raises InvalidDigitError for other characters, DigitsUnavailableError if the other side
        takes no digits or the call ends or is held before they are sent.
        """
        form = self._port.format
        if self.closed or self._paused or self._timer is None or form is None:
            raise DigitsUnavailableError("Digits can be sent only while audio is connected.")
        if form.telephone_event is None:
            raise DigitsUnavailableError("The other side does not take digits in this call.")
        self._sender.press(digits, form.telephone_event_rate)
        if not digits:
            return
        if self._digits_sent is None:
            self._digits_sent = self._loop.create_future()
        # Several callers may wait; one that gives up does not take the digits of the others away.
        await asyncio.shield(self._digits_sent)

    def frames(self, rate: int = 16_000, *, block_ms: int = 20) -> FrameQueue:
        """What is heard from now on: ``async for block in session.frames(16000)``.

        Each block is int16 [rate * block_ms / 1000]; it ends with the call. Who forgets the
        iterator stops listening. Raises AudioSinkError for a rate that does not fit a call.
        """
        queue = FrameQueue(rate, block_ms=block_ms)
        if self.closed:
            queue.end()
        else:
            self._listeners.add(queue)
            self._receiver.rate = max(self._receiver.rate, rate)
        return queue

    @property
    def quality(self) -> CallQuality:
        """How the call has been so far."""
        reception, jitter, reporting = (
            self._receiver.reception,
            self._receiver.jitter,
            self._reporting,
        )
        counts = jitter.counts
        expected = reception.received + reception.lost
        heard = counts.played_ticks + counts.concealed_ticks
        concealed = counts.concealed_ticks / heard if heard else 0.0
        round_trip = reporting.round_trip
        way_ms = 1000 * (jitter.delay + (round_trip or 0.0) / 2)
        return CallQuality(
            packets_received=reception.received,
            packets_sent=reporting.packets_sent,
            packets_lost=reception.lost,
            loss=round(reception.lost / expected, 4) if expected else 0.0,
            concealed=round(concealed, 4),
            concealed_ms=round(counts.concealed_ticks / 48, 1),
            jitter_ms=round(reception.jitter / 48, 2),
            delay_ms=round(1000 * jitter.delay, 1),
            round_trip_ms=None if round_trip is None else round(1000 * round_trip, 2),
            remote_loss=reporting.remote_loss,
            mos=mean_opinion_score(concealed, way_ms),
        )

    # --- the clock ---

    def _step(self) -> None:
        """One frame out, one frame in; the next step is due 20 ms after this one was."""
        now = self._loop.time()
        if now - self._due > _LONGEST_CATCH_UP:
            self._due = now
        self._send(late=now - self._due > _LONGEST_BURST)
        self._play(self._due)
        if now >= self._next_report:
            self._report_interval = min(2 * self._report_interval, _REPORT_INTERVAL)
            self._next_report = now + self._report_interval
            self._port.send_rtcp(self._reporting.report(now, time.time()))
        self._due += FRAME_SECONDS
        # Behind the time, this still lets a turn of the loop pass, in which packets are read.
        self._timer = self._loop.call_at(self._due, self._step)

    # --- sending ---

    def _send(self, *, late: bool) -> None:
        form = self._port.format
        if self._paused or late or form is None:
            self._sender.skip()
            return
        rate = self._feed.rate
        frame = self._feed.take()
        if frame is None or self.muted:
            frame = silent(frame_samples(rate))
        packet = self._sender.packet(frame, rate, form)
        self._emit(packet)
        if self._digits_sent is not None and not self._sender.busy_with_digits:
            done, self._digits_sent = self._digits_sent, None
            done.set_result(None)

    def _emit(self, packet: RtpPacket) -> None:
        self._reporting.sent(self._sender.timestamp, len(packet.payload), self._loop.time())
        self._port.send_rtp(packet.serialise())

    def _fail_digits(self, why: str) -> None:
        self._sender.drop_digits()
        if self._digits_sent is not None:
            failed, self._digits_sent = self._digits_sent, None
            failed.set_exception(DigitsUnavailableError(why))
            failed.exception()  # known, even if whoever pressed the keys has gone

    def _source_ended(self, error: MediaError | None) -> None:
        if error is not None:
            self._broke(error)
        self._loop.call_soon(self.on_source_end)

    # --- receiving ---

    def _rtp_received(self, data: bytes) -> None:
        form = self._port.format
        if form is None:
            return
        # While the player catches up after a stall of this machine, packets that came during the
        # stall are not late.
        now = self._loop.time()
        self._receiver.handle(data, form, now, min(self._due, now))

    def _digit_pressed(self, digit: str) -> None:
        self._loop.call_soon(self.on_dtmf, digit)

    def _play(self, now: float) -> None:
        rate = self._receiver.rate
        frame = silent(frame_samples(rate)) if self._paused else self._receiver.play(now)
        by_rate = {rate: frame}
        for other in {self._sink.rate, *(queue.rate for queue in self._listeners)} - {rate}:
            by_rate[other] = self._resampled(frame, other)
        try:
            self._sink.write(by_rate[self._sink.rate])
        except MediaError as error:
            self._broke(error)
            self._drop_sink()
        for queue in self._listeners:
            queue.write(by_rate[queue.rate])

    def _resampled(self, frame: Samples, rate: int) -> Samples:
        resampler = self._resamplers.get(rate)
        if resampler is None or resampler.source != self._receiver.rate:
            resampler = self._resamplers[rate] = Resampler(self._receiver.rate, rate)
        return resampler.process(frame)

    def _needed_rate(self) -> int:
        return max(self._sink.rate, *(queue.rate for queue in self._listeners), 8_000)

    def _drop_sink(self) -> None:
        old, self._sink = self._sink, Nowhere()
        task = self._loop.create_task(self._close_quietly(old), name="offhook-close-sink")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _close_quietly(self, end: SourceFeed | AudioSink) -> None:
        try:
            await end.close()
        except MediaError as error:
            self._broke(error)

    def _broke(self, error: MediaError) -> None:
        logger.warning("Audio broke: %s", type(error).__name__)
        self._loop.call_soon(self.on_error, error)

    # --- reports ---

    def _rtcp_received(self, data: bytes) -> None:
        try:
            self._reporting.received(data, self._loop.time(), time.time())
        except RtpError:
            self._receiver.rejected += 1
            return
        if self._reporting.remote_loss is not None:
            self._sender.expect_loss(self._reporting.remote_loss)


def _ignore(*_: object) -> None:
    """Stands in until somebody listens."""
