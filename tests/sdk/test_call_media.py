"""The audio of a call, between two of them: early audio, talk, hold, the end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from offhook import CallMediaError, InvalidApiError, MediaOption, PermissionRequiredError
from offhook.media.certificate import Certificate
from offhook.media.devices import has_devices
from offhook.media.ice import IceConfig
from offhook.media.leg import LegConfig
from offhook.sdk.call_media import CallMedia, MediaEvents
from offhook.sdk.supervisor import Supervisor
from sdk.clouds import PATIENCE, heard, tone


class Ear:
    """Lets `heard` listen to audio that has no call around it."""

    def __init__(self, media: CallMedia) -> None:
        self.audio = media.session


@asynccontextmanager
async def connected(
    a_option: MediaOption, b_option: MediaOption
) -> AsyncIterator[tuple[CallMedia, CallMedia]]:
    config = LegConfig(Certificate.generate(), ice=IceConfig(loopback=True))
    supervisor = Supervisor()
    lost: list[Exception] = []
    events = MediaEvents(lost.append, lambda _: None, lambda: None, lost.append)
    a, b = (CallMedia(config, option, events, supervisor) for option in (a_option, b_option))
    try:
        await a.apply_answer(await b.make_answer(await a.make_offer()))
        yield a, b
    finally:
        await asyncio.gather(a.close(), b.close())
        await supervisor.drain(1.0)
        assert not lost


async def test_early_audio_is_heard_before_anything_is_said():
    async with connected(tone(440), tone(880)) as (caller, callee):
        callee.talk()
        caller.listen()
        assert await heard(Ear(caller)) == 880
        assert await heard(Ear(callee)) is None
        caller.talk()
        assert await asyncio.gather(heard(Ear(caller)), heard(Ear(callee))) == [880, 440]


async def test_what_is_to_be_said_can_be_changed_before_the_talk_begins():
    async with connected(tone(440), tone(880)) as (a, b):
        await a.play(tone(990))
        a.talk()
        b.talk()
        assert await heard(Ear(b)) == 990


async def test_figures_for_the_service_at_the_end():
    async with connected(tone(440), tone(880)) as (a, b):
        a.talk()
        b.talk()
        await heard(Ear(a))
        metrics = a.metrics
    assert metrics.received.Pkt > 10
    assert metrics.sent.Pkt > 10
    assert metrics.received.Dur > 0.5
    assert metrics.sent.VQMetrics.rtpBitRate > 0


async def test_a_description_that_makes_no_sense_is_refused_with_a_reason():
    async with connected(tone(440), tone(880)) as (a, _):
        for attempt in (a.make_answer("nonsense"), a.apply_answer("nonsense")):
            with pytest.raises(CallMediaError, match="audio cannot be set up"):
                await attempt


async def test_devices_that_may_not_be_opened_need_a_permission():
    option = MediaOption.audio_only(source="microphone", sink="speaker")
    if has_devices():
        async with asyncio.timeout(PATIENCE):
            await option.open()
            await option.close()
    else:
        with pytest.raises(PermissionRequiredError):
            await option.open()


@pytest.mark.parametrize("rate", [0, 44_100, 96_000])
def test_frames_of_another_rate_do_not_fit_a_call(rate: int):
    async def frames():
        yield None

    with pytest.raises(InvalidApiError):
        MediaOption.audio_only(source=frames(), rate=rate)
