"""The media plane: carries out what the exchange decides about legs, and reports what happens.

It decides nothing. What is heard changes at once; offers and answers of one call are worked off in
order by a task that lives only while there are any.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from functools import partial
from typing import assert_never

from offhook.engine.exchange.effects import (
    AnswerLeg,
    CloseLeg,
    EchoLeg,
    JoinLegs,
    MediaEffect,
    MixLegs,
    MuteLeg,
    OpenLeg,
    PlayDigits,
    PlaySound,
    RenegotiateLeg,
    SendDigits,
    Sound,
)
from offhook.engine.exchange.inputs import LegSpeaks, MediaNews
from offhook.engine.rtp.mixing import MOST_PARTICIPANTS
from offhook.media.certificate import Certificate
from offhook.media.leg import LegStats
from offhook.media.mixer import Mix
from offhook.media.playout import PlayoutClock
from offhook.media.ticker import Lateness
from offhook.service.media.config import MediaConfig
from offhook.service.media.served_leg import ServedLeg
from offhook.service.media.sounds import SoundLibrary

logger = logging.getLogger(__name__)


class MediaPlane:
    """Legs of the calls of this node, by call id.

    `on_news` is called from the event loop, never from inside `carry_out`. For the metrics:
    `legs_open`, `legs_opened`, `legs_failed`, and the sums in `traffic`; `mixes_open`, `legs_mixed`
    and how punctual all mixes have been in `mix_lateness`.
    """

    def __init__(self, config: MediaConfig, on_news: Callable[[MediaNews], None]) -> None:
        self._config = config.leg_config(Certificate.generate())
        self._on_news = on_news
        self._legs: dict[str, ServedLeg] = {}
        self._mixes: dict[str, Mix] = {}
        self.mix_lateness = Lateness()
        self._clock = PlayoutClock()
        self._sounds = SoundLibrary(config.music_on_hold)
        if config.music_on_hold is not None:
            self._sounds.prepare(Sound.MUSIC_ON_HOLD)
        self._tasks: set[asyncio.Task[None]] = set()
        self._past = LegStats()
        self._closed = False
        self.legs_opened = 0
        self.legs_failed = 0

    @property
    def legs_open(self) -> int:
        """Legs that exist now."""
        return len(self._legs)

    @property
    def mixes_open(self) -> int:
        """Mixes that run now."""
        return len(self._mixes)

    @property
    def legs_mixed(self) -> int:
        """Legs that are in a mix now."""
        return sum(map(len, self._mixes.values()))

    @property
    def traffic(self) -> LegStats:
        """Packets and bytes of all legs since the start."""
        total = LegStats()
        for stats in (self._past, *(each.leg.stats for each in self._legs.values())):
            total.add(stats)
        return total

    def carry_out(self, effect: MediaEffect) -> None:
        """Do it, or have it done. Never raises; an effect about a leg that is gone is dropped."""
        if self._closed:
            return
        if isinstance(effect, OpenLeg):
            self._open(effect)
            return
        if isinstance(effect, MixLegs):
            self._mix(effect)
            return
        served = self._legs.get(effect.call_id)
        if served is None:
            logger.debug("%s for a leg that is gone", type(effect).__name__)
            return
        match effect:
            case AnswerLeg() | RenegotiateLeg():
                served.negotiate(effect)
            case JoinLegs(other_call_id=other_call_id):
                other = self._legs.get(other_call_id)
                if other is not None:
                    served.join(other)
            case MuteLeg(muted=muted):
                served.mute(muted=muted)
            case SendDigits(digits=digits):
                served.send_digits(digits)
            case PlaySound(sound=sound):
                served.play_sound(sound)
            case PlayDigits(digits=digits):
                served.play_digits(digits)
            case EchoLeg():
                served.echo()
            case CloseLeg(call_id=call_id):
                del self._legs[call_id]
                self._end(served)
            case _:
                assert_never(effect)

    def _open(self, effect: OpenLeg) -> None:
        if effect.call_id in self._legs:
            logger.error("A leg was opened twice for one call; the second time is ignored")
            return
        served = ServedLeg(
            effect.call_id,
            self._config,
            clock=self._clock,
            sounds=self._sounds,
            spawn=self._spawn,
            report=self._report,
        )
        self._legs[effect.call_id] = served
        self.legs_opened += 1
        served.negotiate(effect)

    def _mix(self, effect: MixLegs) -> None:
        named = [self._legs[each] for each in effect.call_ids if each in self._legs]
        if len(named) > MOST_PARTICIPANTS:
            logger.error("A mix has no room for %d legs; it stays as it is", len(named))
            return
        mix = self._mixes.get(effect.call_id)
        if mix is None:
            if not named:
                return
            mix = self._mixes[effect.call_id] = Mix(
                on_speaker=lambda call_id: self._report(LegSpeaks(call_id)),
                on_end=partial(self._mix_ended, effect.call_id),
                lateness=self.mix_lateness,
            )
        mix.keep({served.call_id: served.into_mix() for served in named})

    def _mix_ended(self, name: str) -> None:
        del self._mixes[name]

    def _end(self, served: ServedLeg) -> None:
        # At once: what follows in the same batch may count on it.
        served.unplug()
        self._past.add(served.leg.stats)
        self.legs_failed += served.failed
        self._spawn(served.close(), f"close {served.call_id}")

    def _report(self, news: MediaNews) -> None:
        # Always later: the exchange may be in the middle of something when this happens.
        asyncio.get_running_loop().call_soon(self._deliver, news)

    def _deliver(self, news: MediaNews) -> None:
        if not self._closed and news.call_id in self._legs:
            self._on_news(news)

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            logger.error("Media task ended by an error", exc_info=task.exception())

    async def close(self) -> None:
        """Close every leg and wait for it. No news after this."""
        self._closed = True
        self._clock.stop()
        legs, self._legs = list(self._legs.values()), {}
        for served in legs:
            self._end(served)
        await self._sounds.close()
        while self._tasks:
            await asyncio.wait(self._tasks)
