"""Who hears whom when a third party joins, and leaves: each person is a tone, the spectrum tells.

Real clients on real legs; the plane is told what the exchange would tell it.
"""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

import numpy as np
import pytest

from media.legs import WAIT, Rtp
from offhook.engine.exchange.effects import (
    CloseLeg,
    JoinLegs,
    MixLegs,
    PlaySound,
    Sound,
)
from offhook.media.samples import Samples
from offhook.media.spectrum import level_dbfs, tone_share
from offhook.service.media.config import MediaConfig
from service.media.desk import RATE, Desk, Person

FREQUENCIES = (400, 700, 1100, 1500, 2000)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    opened = Desk(MediaConfig())
    yield opened
    await opened.close()


async def people(desk: Desk, count: int) -> list[Person]:
    return [await desk.person("abcde"[index], FREQUENCIES[index]) for index in range(count)]


def tones(samples: Samples) -> set[int]:
    """Which people are plainly heard."""
    if level_dbfs(samples) < -50:
        return set()
    return {each for each in FREQUENCIES if tone_share(samples, RATE, each) > 0.05}


async def hears(person: Person, *others: Person) -> None:
    """After a moment this person hears exactly these others, and nothing else."""
    await person.listen(0.3)
    heard = await person.listen(0.4)
    assert tones(heard) == {other.frequency for other in others}, person.call_id
    for silent in set(FREQUENCIES) - {other.frequency for other in others}:
        if others:
            assert tone_share(heard, RATE, silent) < 0.001, f"{person.call_id} hears {silent} Hz"


async def hears_something(person: Person) -> None:
    """Not silence, as soon as the sound is encoded."""
    async with asyncio.timeout(WAIT):
        while level_dbfs(await person.listen(0.1)) < -50:
            pass


def longest_gap(samples: Samples, frequency: float) -> float:
    """Seconds of the longest stretch in which a tone that should be there is not heard."""
    window, hop = RATE // 100, RATE // 400
    time = np.arange(window) / RATE
    wave = np.exp(-2j * np.pi * frequency * time) * np.hanning(window)
    strengths = np.array(
        [
            abs(np.dot(samples[at : at + window], wave))
            for at in range(0, len(samples) - window, hop)
        ]
    )
    missing = strengths < np.median(strengths) * 0.2
    longest = run = 0
    for gone in missing:
        run = run + 1 if gone else 0
        longest = max(longest, run)
    return longest * hop / RATE


async def test_three_people_hear_each_other_and_not_themselves(desk: Desk) -> None:
    a, b, c = await people(desk, 3)
    desk.do(MixLegs("m", ("a", "b", "c")))
    await hears(a, b, c)
    await hears(b, a, c)
    await hears(c, a, b)
    assert desk.plane.mixes_open == 1
    assert desk.plane.legs_mixed == 3


async def test_three_joined_from_two_calls_and_back_to_two(desk: Desk) -> None:
    a, b, c = await people(desk, 3)
    desk.do(JoinLegs("a", "b"))
    starts = [len(person.recorder) for person in (a, b)]
    await hears(a, b)
    desk.do(MixLegs("m", ("a", "b", "c")))
    await hears(a, b, c)
    await hears(c, a, b)
    desk.do(JoinLegs("a", "b"), CloseLeg("c"))
    await hears(a, b)
    await hears(b, a)
    assert desk.plane.mixes_open == 0
    for person, start, other in zip((a, b), starts, (b, a), strict=True):
        heard = person.recorder.since(start)[RATE // 5 :]
        assert longest_gap(heard, other.frequency) <= 0.06
        packets = [Rtp(packet) for packet in person.ear.rtp]
        assert {packet.ssrc for packet in packets} == {packets[0].ssrc}
        assert all((n.sequence - p.sequence) & 0xFFFF == 1 for p, n in pairwise(packets))


async def test_music_inside_a_mix(desk: Desk) -> None:
    a, b, c = await people(desk, 3)
    desk.do(MixLegs("m", ("a", "b", "c")))
    await hears(a, b, c)
    desk.do(MixLegs("m", ("a", "b")), PlaySound("c", Sound.MUSIC_ON_HOLD))
    await hears(a, b)
    await hears_something(c)
    desk.do(MixLegs("m", ("a", "b", "c")))
    await hears(c, a, b)
    await hears(a, b, c)
