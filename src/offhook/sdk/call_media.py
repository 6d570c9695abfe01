"""The audio of one call: its leg, its session, and when each begins and ends."""

import asyncio
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass

from offhook.engine.rtp.statistics import CallQuality
from offhook.errors import CallMediaError, WebexError
from offhook.media.errors import MediaError
from offhook.media.leg import LegConfig, LegState, WebRtcLeg
from offhook.media.session import AudioSession
from offhook.sdk.media_option import MediaOption
from offhook.sdk.supervisor import Supervisor
from offhook.wire.call_metrics import (
    CallMetrics,
    ReceivedAudio,
    ReceivedQuality,
    SentAudio,
    SentQuality,
)


@dataclass(frozen=True, slots=True)
class MediaEvents:
    """Whom the audio tells."""

    on_lost: Callable[[WebexError], None]
    on_dtmf: Callable[[str], None]
    on_source_end: Callable[[], None]
    on_error: Callable[[WebexError], None]


class CallMedia:
    """Audio flows once the leg stands and `begin` was called, until `close`."""

    def __init__(
        self, config: LegConfig, option: MediaOption, events: MediaEvents, supervisor: Supervisor
    ) -> None:
        self._option = option
        self._events = events
        self._supervisor = supervisor
        self._leg = WebRtcLeg(config)
        self._leg.on_state = self._leg_changed
        self.session = AudioSession(self._leg, sink=option.sink)
        self.session.on_dtmf = events.on_dtmf
        self.session.on_source_end = events.on_source_end
        self.session.on_error = lambda error: events.on_error(option.error_of(error))
        self._listens = False
        self._talks = False
        self._said = False
        self._source = option.source
        self._starting: asyncio.Task[None] | None = None
        self._flowing = asyncio.Event()
        self._connected_at: float | None = None
        self._ended_at: float | None = None

    # --- offer and answer; each raises CallMediaError ---

    async def make_offer(self) -> str:
        """Our offer."""
        try:
            return await self._leg.create_offer()
        except MediaError as error:
            raise CallMediaError(f"The call's audio cannot be set up: {error}") from error

    async def make_answer(self, offer: str) -> str:
        """Our answer to the service's offer."""
        try:
            return await self._leg.accept_offer(offer)
        except MediaError as error:
            raise CallMediaError(f"The call's audio cannot be set up: {error}") from error

    async def apply_answer(self, answer: str) -> None:
        """Take the service's answer to our offer."""
        try:
            await self._leg.accept_answer(answer)
        except MediaError as error:
            raise CallMediaError(f"The call's audio cannot be set up: {error}") from error

    # --- audio ---

    def listen(self) -> None:
        """Let be heard what comes in, as soon as it can be; nothing is said yet."""
        self._listens = True
        self._go_on()

    def talk(self) -> None:
        """Let audio flow both ways, as soon as it can."""
        self._listens = self._talks = True
        self._go_on()

    async def send_dtmf(self, digits: str) -> None:
        """Press keys, once audio flows. Raises InvalidDigitError or another MediaError."""
        await self._flowing.wait()
        await self.session.send_dtmf(digits)

    def pause(self, *, paused: bool) -> None:
        """Send and hear nothing, and let the source stand still; or go on."""
        self.session.paused = paused

    def _leg_changed(self, state: LegState) -> None:
        match state:
            case LegState.CONNECTED:
                self._connected_at = asyncio.get_running_loop().time()
                self._go_on()
            case LegState.FAILED:
                why = self._leg.error or "the connection is gone"
                self._events.on_lost(CallMediaError(f"The call's audio was lost: {why}"))
            case LegState.NEW | LegState.CONNECTING | LegState.CLOSED:
                return

    def _go_on(self) -> None:
        wanted = self._listens and self._leg.state is LegState.CONNECTED
        if wanted and not self.session.closed and self._starting is None:
            self._starting = self._supervisor.spawn(self._start(), "offhook-audio")

    async def _start(self) -> None:
        """Begin to listen, to talk, or both; again if more was asked for meanwhile."""
        try:
            while True:
                talks = self._talks
                if talks:
                    self._said = True
                    await self.session.play(self._source)
                await self.session.start()
                self._flowing.set()
                if talks or not self._talks:
                    return
        except MediaError as error:
            self._events.on_error(self._option.error_of(error))
        finally:
            self._starting = None

    async def play(self, option: MediaOption) -> None:
        """Say what `option` has instead. Raises `InvalidApiError` or `PermissionRequiredError`."""
        await option.open()
        if self._said:
            await self.session.play(option.source)
        else:
            old, self._source = self._source, option.source
            await old.close()

    async def record(self, option: MediaOption) -> None:
        """Let the sink of `option` have what is heard. Raises like `play`."""
        await option.open()
        await self.session.record(option.sink)

    async def close(self) -> None:
        """Stop the audio, finish what is recorded, close the connection. Idempotent."""
        if self._ended_at is None:
            self._ended_at = asyncio.get_running_loop().time()
        if self._starting is not None:
            await asyncio.wait([self._starting])
        self._flowing.set()  # whoever waits for audio learns from the session that it is over
        await self.session.close()
        await self._source.close()
        await self._option.close()
        await self._leg.close()

    # --- figures ---

    @property
    def quality(self) -> CallQuality:
        """How the audio has been so far."""
        return self.session.quality

    @property
    def metrics(self) -> CallMetrics:
        """What the service is told about the audio at the end."""
        quality, stats = self.session.quality, self._leg.stats
        seconds = 0.0
        if self._connected_at is not None:
            end = self._ended_at or asyncio.get_running_loop().time()
            seconds = round(end - self._connected_at, 3)
        return CallMetrics(
            ReceivedAudio(
                Dur=seconds,
                Pkt=quality.packets_received,
                Oct=stats.bytes_received,
                LostPkt=quality.packets_lost,
                AvgJit=round(quality.jitter_ms / 1000, 6),
                VQMetrics=ReceivedQuality(hwType=f"{platform.machine()}/{sys.platform}"),
            ),
            SentAudio(
                Dur=seconds,
                Pkt=quality.packets_sent,
                Oct=stats.bytes_sent,
                VQMetrics=SentQuality(
                    rtpBitRate=round(8 * stats.bytes_sent / seconds) if seconds else 0
                ),
            ),
        )
