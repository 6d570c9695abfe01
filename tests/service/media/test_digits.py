"""Digits that the service sends to a client, whatever the client hears otherwise."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from media.legs import WAIT
from offhook.engine.exchange.effects import (
    CloseLeg,
    JoinLegs,
    MediaEffect,
    MixLegs,
    OpenLeg,
    PlaySound,
    SendDigits,
    Sound,
)
from offhook.engine.exchange.inputs import LegAnswered
from offhook.media.samples import Samples
from offhook.media.spectrum import level_dbfs
from offhook.media.tones import DTMF
from offhook.service.media.config import MediaConfig
from service.media.desk import RATE, Desk, Person


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    opened = Desk(MediaConfig())
    yield opened
    await opened.aclose()


async def people(desk: Desk, count: int) -> list[Person]:
    return [await desk.person("abc"[index], (400, 1100, 2000)[index]) for index in range(count)]


async def gets(person: Person, digits: str) -> None:
    """The person's client is told exactly these digits."""
    async with asyncio.timeout(WAIT):
        while len(person.pressed) < len(digits):
            await person.listen(0.1)
    await person.listen(0.3)
    assert "".join(person.pressed) == digits


def keys_in(samples: Samples) -> list[str]:
    """The dual tones that are heard in order, each for 60 ms at least."""
    window = RATE // 25
    heard: list[str | None] = []
    for at in range(0, len(samples) - window, window // 2):
        piece = samples[at : at + window]
        power = np.abs(np.fft.rfft(piece * np.hanning(window)))

        def strength(frequency: int, power: np.ndarray = power) -> float:  # type: ignore[type-arg]
            place = round(frequency * window / RATE)
            return float(power[place - 1 : place + 2].max())

        best = max(DTMF, key=lambda key: min(map(strength, DTMF[key])))
        weak, strong = sorted(map(strength, DTMF[best]))
        found = best if level_dbfs(piece) > -35 and weak > strong / 4 > power.max() / 8 else None
        heard.append(found)
    return [
        key
        for before, key, after in zip(heard, heard[1:], heard[2:], strict=False)
        if key is not None and before != key == after
    ]


@pytest.mark.parametrize(
    "before",
    [
        (),
        (JoinLegs("a", "b"),),
        (MixLegs("m", ("a", "b", "c")),),
        (PlaySound("a", Sound.RINGBACK),),
    ],
    ids=["alone", "in a call", "in a mix", "during a sound"],
)
async def test_the_client_gets_each_digit_once(desk: Desk, before: tuple[MediaEffect, ...]) -> None:
    a, b, c = await people(desk, 3)
    desk.do(*before)
    await a.listen(0.3)
    desk.do(SendDigits("a", "11"), SendDigits("a", "9#d"))
    await gets(a, "119#D")
    assert not b.pressed
    assert not c.pressed


async def test_the_voice_goes_on_behind_the_digits(desk: Desk) -> None:
    a, b = await people(desk, 2)
    desk.do(JoinLegs("a", "b"))
    await a.listen(0.5)
    desk.do(SendDigits("a", "5"))
    await gets(a, "5")
    assert level_dbfs(await a.listen(0.3)) > -30
    assert a.session.quality.packets_lost == 0
    assert level_dbfs(await b.listen(0.3)) > -30


async def test_a_comma_is_a_second_in_which_the_voice_is_heard(desk: Desk) -> None:
    a, _ = await people(desk, 2)
    desk.do(JoinLegs("a", "b"), SendDigits("a", "1,2"))
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(WAIT):
        while not a.pressed:
            await a.listen(0.02)
        begun = loop.time()
        await a.listen(0.5)
        assert level_dbfs(await a.listen(0.2)) > -30
        while len(a.pressed) < 2:
            await a.listen(0.02)
    assert 1.0 <= loop.time() - begun < 3.0


async def test_a_change_of_what_is_heard_does_not_stop_the_digits(desk: Desk) -> None:
    a, _, _ = await people(desk, 3)
    desk.do(SendDigits("a", "1234"), JoinLegs("a", "b"))
    await a.listen(0.3)
    desk.do(MixLegs("m", ("a", "b", "c")))
    await a.listen(0.3)
    desk.do(JoinLegs("a", "b"))
    await gets(a, "1234")


async def test_who_knows_no_telephone_events_hears_dual_tones(desk: Desk) -> None:
    _, b = await people(desk, 2)
    person = Person("c", 2000)
    offer = await person.leg.create_offer()
    plain = "\r\n".join(
        line.replace(" 110 126", "")
        for line in offer.splitlines()
        if not line.startswith(("a=rtpmap:110", "a=fmtp:110", "a=rtpmap:126", "a=fmtp:126"))
    )
    desk.do(OpenLeg("c", plain + "\r\n"))
    await person.leg.accept_answer((await desk.until(LegAnswered, "c")).sdp)
    await desk.connected(person)
    try:
        await person.start()
        assert person.leg.format is not None
        assert person.leg.format.telephone_event is None
        b.session.muted = True
        desk.do(JoinLegs("c", "b"), SendDigits("c", "159*"))
        start = len(person.recorder)
        await person.listen(2.5)
        assert keys_in(person.recorder.since(start)) == ["1", "5", "9", "*"]
        assert not person.pressed
    finally:
        await person.session.close()
        await person.leg.close()


async def test_digits_for_a_leg_that_is_closed_are_forgotten(desk: Desk) -> None:
    a, _ = await people(desk, 2)
    desk.do(SendDigits("a", "123456789"), CloseLeg("a"), SendDigits("a", "1"))
    await a.listen(0.3)
    assert len(a.pressed) <= 1
