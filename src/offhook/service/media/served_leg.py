"""One leg of a call at the service: its connection, its place in the relay, what it plays."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import assert_never

from offhook.engine.exchange.effects import AnswerLeg, OpenLeg, RenegotiateLeg, Sound
from offhook.engine.exchange.inputs import (
    LegAnswered,
    LegConnected,
    LegDtmf,
    LegFailed,
    LegOffered,
    LegPlayed,
    MediaNews,
)
from offhook.media.digits import PAUSE, OutgoingDigits
from offhook.media.errors import MediaError
from offhook.media.leg import LegConfig, LegState, WebRtcLeg
from offhook.media.playout import Player, PlayoutClock
from offhook.media.relay import RelayPort
from offhook.media.samples import FRAME_SECONDS
from offhook.service.media.sounds import ENDING, SoundLibrary

logger = logging.getLogger(__name__)

Negotiation = OpenLeg | AnswerLeg | RenegotiateLeg
Spawn = Callable[[Coroutine[None, None, None], str], asyncio.Task[None]]


class ServedLeg:
    """Reports through `report`, at most one `LegFailed`, and nothing after `close`."""

    def __init__(
        self,
        call_id: str,
        config: LegConfig,
        *,
        clock: PlayoutClock,
        sounds: SoundLibrary,
        spawn: Spawn,
        report: Callable[[MediaNews], None],
    ) -> None:
        self.call_id = call_id
        self.leg = WebRtcLeg(config)
        self.leg.on_state = self._state_changed
        self.port = RelayPort(self.leg)
        self.port.on_digit = self._digit_pressed
        self._player = Player(self.port)
        self._digits = OutgoingDigits(self.port)
        self._clock = clock
        self._sounds = sounds
        self._spawn = spawn
        self._report = report
        self._negotiations: deque[Negotiation] = deque()
        self._worker: asyncio.Task[None] | None = None
        self._loading: asyncio.Task[None] | None = None
        self._loading_digits: asyncio.Task[None] | None = None
        self.failed = False
        self._closed = False

    # --- offers and answers, in order ---

    def negotiate(self, effect: Negotiation) -> None:
        """Work off an offer or an answer behind those before it."""
        self._negotiations.append(effect)
        if self._worker is None:
            self._worker = self._spawn(self._work(), f"negotiate {self.call_id}")

    async def _work(self) -> None:
        try:
            while self._negotiations:
                await self._negotiate(self._negotiations.popleft())
                self.port.remap()
        except MediaError as error:
            self._negotiations.clear()
            self.fail(str(error))
        except Exception:
            self.fail("The service could not work off a session description.")
            raise
        finally:
            self._worker = None

    async def _negotiate(self, effect: Negotiation) -> None:
        match effect:
            case OpenLeg(offer=offer):
                if offer is None:
                    self._tell(LegOffered(self.call_id, await self.leg.create_offer()))
                else:
                    self._tell(LegAnswered(self.call_id, await self.leg.accept_offer(offer)))
            case RenegotiateLeg(offer=offer, held=held):
                answer = await self.leg.accept_offer(offer, held=held)
                self._tell(LegAnswered(self.call_id, answer))
            case AnswerLeg(answer=answer):
                await self.leg.accept_answer(answer)
            case _:
                assert_never(effect)

    # --- what is heard ---

    def join(self, other: "ServedLeg") -> None:
        """Each hears the other."""
        self._stop_playing()
        other._stop_playing()
        self.port.join(other.port)

    def echo(self) -> None:
        """The client hears itself."""
        self._stop_playing()
        self.port.echo()

    def into_mix(self) -> RelayPort:
        """What plays stops; the port that is to be put into a mix."""
        self._stop_playing()
        return self.port

    def mute(self, *, muted: bool) -> None:
        """What the client says is heard by nobody, or is again."""
        self.port.muted = muted

    def play_sound(self, sound: Sound) -> None:
        """The client hears `sound`, and what it says is not passed on."""
        self._stop_playing()
        self.port.detach()
        self._loading = self._load(self._loading, partial(self._start_sound, sound))

    def play_digits(self, digits: str) -> None:
        """The client hears these digits behind those that still play."""
        self._loading = self._load(self._loading, partial(self._insert_digits, digits))

    def send_digits(self, digits: str) -> None:
        """The client is sent these digits behind those that are still being sent."""
        self._loading_digits = self._load(
            self._loading_digits, partial(self._press_digits, digits.upper())
        )

    def _load(
        self, earlier: asyncio.Task[None] | None, load: Callable[[], Awaitable[None]]
    ) -> asyncio.Task[None]:
        # One after the other: a digit loaded faster must not overtake the one before it.
        return self._spawn(self._after(earlier, load), f"sound {self.call_id}")

    async def _after(
        self, earlier: asyncio.Task[None] | None, load: Callable[[], Awaitable[None]]
    ) -> None:
        if earlier is not None:
            await asyncio.wait([earlier])
        try:
            await load()
        except MediaError as error:
            self.fail(str(error))

    async def _start_sound(self, sound: Sound) -> None:
        frames = await self._sounds.sound(sound)
        ends = sound in ENDING
        start = 0
        if sound is Sound.MUSIC_ON_HOLD:
            # It runs on as on the radio: whoever is held twice does not hear the same bars again.
            start = int(asyncio.get_running_loop().time() / FRAME_SECONDS) % len(frames)
        self._player.play(
            frames, start=start, repeat=not ends, on_end=self._played if ends else None
        )
        self._clock.add(self._player)

    async def _insert_digits(self, digits: str) -> None:
        for digit in digits:
            self._player.insert(await self._sounds.digit(digit))
        self._clock.add(self._player)

    async def _press_digits(self, digits: str) -> None:
        tones = {each: await self._sounds.digit(each) for each in set(digits) - {PAUSE}}
        self._digits.press(digits, tones)
        self._clock.add(self._digits)

    def _stop_playing(self) -> None:
        if self._loading is not None:
            self._loading.cancel()
            self._loading = None
        self._clock.remove(self._player)
        self._player = Player(self.port)

    def _played(self) -> None:
        self._tell(LegPlayed(self.call_id))

    # --- what happens ---

    def _state_changed(self, state: LegState) -> None:
        match state:
            case LegState.CONNECTED:
                self._tell(LegConnected(self.call_id))
            case LegState.FAILED:
                self.fail(str(self.leg.error))
            case LegState.NEW | LegState.CONNECTING | LegState.CLOSED:
                pass
            case _:
                assert_never(state)

    def _digit_pressed(self, digit: str) -> None:
        self._tell(LegDtmf(self.call_id, digit))

    def fail(self, why: str) -> None:
        """The leg is of no use any more. Reported once."""
        if not self.failed:
            self.failed = True
            self._tell(LegFailed(self.call_id, why))

    def _tell(self, news: MediaNews) -> None:
        if not self._closed:
            self._report(news)

    def unplug(self) -> None:
        """The client hears nothing more, and nobody hears it. Nothing is reported after this."""
        self._closed = True
        self._stop_playing()
        if self._loading_digits is not None:
            self._loading_digits.cancel()
        self._clock.remove(self._digits)
        self.port.detach()

    async def close(self) -> None:
        """End everything of this leg."""
        self.unplug()
        self._negotiations.clear()
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.wait([self._worker])
        await self.leg.close()
