"""Who hears whom when a third party joins, and leaves: each person is a tone, the spectrum tells.

Real clients on real legs; the plane is told what the exchange would tell it.
"""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing
from itertools import pairwise

import numpy as np
import pytest
import uvloop

from media.gaps import LONGEST_GAP, longest_gap
from media.legs import WAIT, Rtp
from media.test_relay import renumbered
from offhook.engine.exchange.effects import (
    CloseLeg,
    EchoLeg,
    JoinLegs,
    MediaEffect,
    MixLegs,
    MuteLeg,
    OpenLeg,
    PlaySound,
    RenegotiateLeg,
    Sound,
)
from offhook.engine.exchange.inputs import LegAnswered, LegDtmf, LegFailed, LegOffered, LegSpeaks
from offhook.engine.rtp.mixing import MOST_PARTICIPANTS
from offhook.engine.rtp.rtcp import SenderReport, parse_rtcp
from offhook.media.mix_feed import Feed
from offhook.media.mix_seat import MixSeat
from offhook.media.mixer import Mix
from offhook.media.samples import Samples
from offhook.media.sources import Tone
from offhook.media.spectrum import level_dbfs, tone_share
from offhook.service.media.config import MediaConfig
from service.media.desk import RATE, Desk, Person

FREQUENCIES = (400, 700, 1100, 1500, 2000)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    opened = Desk(MediaConfig())
    yield opened
    await opened.aclose()


async def people(desk: Desk, count: int) -> list[Person]:
    return [await desk.person("abcde"[index], FREQUENCIES[index]) for index in range(count)]


def tones(samples: Samples) -> set[int]:
    """Which people are plainly heard."""
    if level_dbfs(samples) < -50:
        return set()
    return {each for each in FREQUENCIES if tone_share(samples, RATE, each) > 0.05}


async def hears(person: Person, *others: Person) -> None:
    """After a moment this person hears exactly these others, and nothing else."""
    await person.listen(0.4)
    heard = await person.listen(0.4)
    assert tones(heard) == {other.frequency for other in others}, person.call_id
    for frequency in set(FREQUENCIES) - {other.frequency for other in others}:
        share = tone_share(heard, RATE, frequency) if others else 0.0
        assert share < 0.001, f"{person.call_id} hears {frequency} Hz"


async def all_hear_each_other(*everybody: Person) -> None:
    others = {person: [other for other in everybody if other is not person] for person in everybody}
    await asyncio.gather(*(hears(person, *heard) for person, heard in others.items()))


async def hears_something(person: Person) -> None:
    """Not silence, as soon as the sound is encoded."""
    async with asyncio.timeout(WAIT):
        while level_dbfs(await person.listen(0.1)) < -50:
            pass


async def without_a_gap(desk: Desk, pairs: list[tuple[Person, Person]], *does: MediaEffect) -> None:
    """Do it; meanwhile the first of each pair hears the second all the time."""
    starts = [(len(listener.recorder), talker.left_out) for listener, talker in pairs]
    await pairs[0][0].listen(0.3)
    desk.do(*does)
    await pairs[0][0].listen(0.7)
    for (listener, talker), (start, left_out) in zip(pairs, starts, strict=True):
        gap = longest_gap(listener.recorder.since(start), RATE, talker.frequency)
        # A machine so busy that the clients themselves left something out proves nothing.
        held_up = talker.left_out > left_out
        assert held_up or gap <= LONGEST_GAP, (
            f"{listener.call_id} misses {talker.call_id} for {gap:.3f} s"
        )


def assert_one_stream(*everybody: Person) -> None:
    """Each client received one SSRC, no number missing, and never waited long for a packet."""
    held_up = any(person.left_out for person in everybody)
    for person in everybody:
        packets = [Rtp(packet) for packet in person.ear.rtp]
        assert {packet.ssrc for packet in packets} == {packets[0].ssrc}
        for earlier, later in pairwise(packets):
            assert (later.sequence - earlier.sequence) & 0xFFFF == 1
            pause = (later.timestamp - earlier.timestamp) & 0xFFFFFFFF
            assert held_up or pause <= LONGEST_GAP * 48_000


# --- who hears whom -----------------------------------------------------------------------------


async def test_three_hear_each_other_and_not_themselves(desk: Desk) -> None:
    everybody = await people(desk, 3)
    desk.do(MixLegs("m", ("a", "b", "c")))
    await all_hear_each_other(*everybody)
    assert (desk.plane.mixes_open, desk.plane.legs_mixed) == (1, 3)
    assert desk.plane.mix_lateness.steps > 10


async def test_five_hear_each_other_as_they_come_and_go(desk: Desk) -> None:
    a, b, c, d, e = await people(desk, 5)
    desk.do(MixLegs("m", ("a", "b", "c")))
    await hears(a, b, c)
    desk.do(MixLegs("m", ("a", "b", "c", "d", "e")))
    await all_hear_each_other(a, b, c, d, e)
    desk.do(CloseLeg("b"), MixLegs("m", ("a", "c", "d", "e")))
    await hears(a, c, d, e)
    desk.do(MixLegs("m", ("c", "d", "e")), EchoLeg("a"))
    await hears(a, a)
    await all_hear_each_other(c, d, e)
    desk.do(JoinLegs("a", "c"), MixLegs("m", ("d", "e")))
    await hears(a, c)
    await hears(e, d)


async def test_a_call_becomes_a_mix_and_a_call_again_without_a_gap(desk: Desk) -> None:
    a, b, c = await people(desk, 3)
    desk.do(JoinLegs("a", "b"))
    await hears(a, b)
    both = [(a, b), (b, a)]
    await without_a_gap(desk, both, MixLegs("m", ("a", "b", "c")))
    await all_hear_each_other(a, b, c)
    await without_a_gap(desk, both, JoinLegs("a", "b"), CloseLeg("c"))
    await hears(a, b)
    await hears(b, a)
    assert desk.plane.mixes_open == 0
    assert_one_stream(a, b)


async def test_two_calls_are_merged_and_the_one_who_merged_them_leaves(desk: Desk) -> None:
    a, b, c, d = await people(desk, 4)
    desk.do(JoinLegs("a", "b"), JoinLegs("c", "d"))
    await hears(d, c)
    calls = [(a, b), (b, a), (c, d), (d, c)]
    await without_a_gap(desk, calls, MixLegs("m", ("a", "b", "c", "d")))
    await all_hear_each_other(a, b, c, d)
    rest = [(a, b), (b, a), (a, d), (d, b)]
    await without_a_gap(desk, rest, CloseLeg("c"), MixLegs("m", ("a", "b", "d")))
    await without_a_gap(desk, rest, MixLegs("m", ("a", "b", "d")))
    await without_a_gap(desk, [(b, d), (d, b)], CloseLeg("a"), JoinLegs("b", "d"))
    assert_one_stream(b, d)


async def test_one_of_three_is_held_with_music_and_comes_back(desk: Desk) -> None:
    a, b, c = await people(desk, 3)
    desk.do(MixLegs("m", ("a", "b", "c")))
    await hears(a, b, c)
    talk = [(a, b), (b, a)]
    hold = MixLegs("m", ("a", "b")), PlaySound("c", Sound.MUSIC_ON_HOLD)
    await without_a_gap(desk, talk, *hold)
    await hears(a, b)
    await hears_something(c)
    await without_a_gap(desk, talk, MixLegs("m", ("a", "b", "c")))
    await all_hear_each_other(a, b, c)


async def test_a_leg_goes_straight_from_one_mix_to_another(desk: Desk) -> None:
    a, b, c, d = await people(desk, 4)
    desk.do(MixLegs("m", ("a", "b", "c")))
    await hears(a, b, c)
    desk.do(MixLegs("n", ("a", "d")))
    await hears(a, d)
    await hears(b, c)
    assert (desk.plane.mixes_open, desk.plane.legs_mixed) == (2, 4)
    desk.do(EchoLeg("a"), CloseLeg("d"))
    assert desk.plane.mixes_open == 1


async def test_nobody_talking_is_heard_as_silence_and_packets_go_on(desk: Desk) -> None:
    everybody = await people(desk, 3)
    for person in everybody:
        person.session.muted = True
    desk.do(MixLegs("m", ("a", "b", "c")))
    for person in everybody:
        await person.listen(0.4)
        before = len(person.ear.rtp)
        assert level_dbfs(await person.listen(0.4)) < -80
        assert len(person.ear.rtp) - before >= 15


# --- mute ---------------------------------------------------------------------------------------


async def test_a_muted_leg_is_not_heard_wherever_it_is_and_still_hears(desk: Desk) -> None:
    a, b, c = await people(desk, 3)
    desk.do(JoinLegs("a", "b"), MuteLeg("a", muted=True))
    await hears(b)
    await hears(a, b)
    desk.do(MixLegs("m", ("a", "b", "c")))
    await hears(b, c)
    await hears(a, b, c)
    desk.do(MuteLeg("a", muted=False))
    await hears(b, a, c)
    desk.do(MuteLeg("b", muted=True), JoinLegs("a", "b"))
    await hears(a)
    desk.do(MuteLeg("b", muted=False))
    await hears(a, b)
    assert_one_stream(a, b)


# --- levels, speakers, digits -------------------------------------------------------------------


async def test_quiet_and_loud_talkers_come_to_a_common_level(desk: Desk) -> None:
    quiet = await desk.person("a", 400, level=-30)
    loud = await desk.person("b", 700, level=-8)
    listener = await desk.person("c", 1100)
    desk.do(MixLegs("m", ("a", "b", "c")))
    await listener.listen(4.0)
    heard = await listener.listen(0.5)
    ratio = tone_share(heard, RATE, quiet.frequency) / tone_share(heard, RATE, loud.frequency)
    assert abs(10 * np.log10(ratio)) < 5  # of 22


async def test_who_speaks_is_told_when_it_changes(desk: Desk) -> None:
    a, b, c = await people(desk, 3)
    b.session.muted = c.session.muted = True
    desk.do(MixLegs("m", ("a", "b", "c")))
    await desk.until(LegSpeaks, "a")
    a.session.muted, b.session.muted = True, False
    await desk.until(LegSpeaks, "b")
    c.session.muted = False
    await c.session.play(Tone(c.frequency, -14))  # about as loud as the one who has the floor
    await c.listen(1.0)
    told = [news.call_id for news in desk.news if isinstance(news, LegSpeaks)]
    assert told == ["a", "b"]
    desk.do(MuteLeg("b", muted=True))
    await desk.until(LegSpeaks, "c")


async def test_digits_pressed_in_a_mix_are_told_once_and_not_heard(desk: Desk) -> None:
    a, b, c = await people(desk, 3)
    for person in (a, b, c):
        person.session.muted = True
    desk.do(MixLegs("m", ("a", "b", "c")), MuteLeg("a", muted=True))
    start = len(b.recorder)
    async with asyncio.timeout(WAIT):
        await a.session.send_dtmf("15")
    await desk.until(LegDtmf, "a", 2)
    assert [news.digit for news in desk.reported(LegDtmf, "a")] == ["1", "5"]
    await b.listen(0.2)
    assert level_dbfs(b.recorder.since(start)) < -80
    assert not b.pressed


# --- what goes wrong ----------------------------------------------------------------------------


async def test_lost_packets_of_a_talker_are_concealed_for_the_others(desk: Desk) -> None:
    a, b, c = await people(desk, 3)
    desk.do(MixLegs("m", ("a", "b", "c")))
    await hears(c, a, b)
    send, count = a.leg.send_rtp, 0

    def lossy(packet: bytes | bytearray) -> None:
        nonlocal count
        count += 1
        if count % 10:
            send(packet)

    a.leg.send_rtp = lossy  # type: ignore[method-assign]
    heard = await c.listen(2.0)
    held_up = a.left_out or b.left_out  # the machine, not the service
    assert held_up or longest_gap(heard, RATE, a.frequency) <= 0.02
    assert held_up or longest_gap(heard, RATE, b.frequency) <= 0.02


async def test_a_listener_who_loses_packets_is_sent_copies_and_the_others_are_not(
    desk: Desk,
) -> None:
    a, b, c = await people(desk, 3)
    c.session.muted = True
    desk.do(MixLegs("m", ("a", "b", "c")))
    await hears(c, a, b)
    assert not {sent_with_copies(packet) for packet in c.ear.rtp[-10:]} - {False}
    hear, count = c.leg.on_rtp, 0

    def lossy(packet: bytes) -> None:
        nonlocal count
        count += 1
        if count % 8:
            hear(packet)

    c.leg.on_rtp = lossy
    async with asyncio.timeout(WAIT):
        while not sent_with_copies(c.ear.rtp[-1]):
            await c.listen(0.1)
    await hears(c, a, b)
    assert not sent_with_copies(a.ear.rtp[-1])


def sent_with_copies(packet: bytes) -> bool:
    """Whether a packet is of a kind that can carry a copy of the one before (RFC 6716, 3.1)."""
    return packet[12] >> 3 < 16


async def test_who_vanishes_is_missed_by_nobody_else() -> None:
    async with aclosing(Desk(MediaConfig(silence_timeout=0.5))) as desk:
        a, b, c = await people(desk, 3)
        desk.do(MixLegs("m", ("a", "b", "c")))
        await hears(a, b, c)
        await c.session.close()
        await c.leg.close()
        await desk.until(LegFailed, "c")
        await without_a_gap(desk, [(a, b), (b, a)], CloseLeg("c"), MixLegs("m", ("a", "b")))
        await hears(a, b)


async def test_a_leg_that_is_renegotiated_in_the_mix_goes_on(desk: Desk) -> None:
    a, b, c = await people(desk, 3)
    desk.do(MixLegs("m", ("a", "b", "c")))
    await hears(a, b, c)
    desk.do(RenegotiateLeg("a", renumbered(await a.leg.create_offer(), {111: 96}), held=False))
    answer = await desk.until(LegAnswered, "a", 2)
    await a.leg.accept_answer(answer.sdp)
    await all_hear_each_other(a, b, c)
    assert Rtp(a.ear.rtp[-1]).payload_type == 96


async def test_reports_tell_each_client_about_the_mix(desk: Desk) -> None:
    a, b, c = await people(desk, 3)
    desk.do(MixLegs("m", ("a", "b", "c")))
    await hears(a, b, c)
    reports = [
        part
        for packet in a.ear.rtcp
        for part in parse_rtcp(packet)
        if isinstance(part, SenderReport)
    ]
    stream = Rtp(a.ear.rtp[-1])
    assert reports
    assert reports[-1].ssrc == stream.ssrc
    assert 0 < reports[-1].packets <= len(a.ear.rtp)
    assert abs(stream.timestamp - reports[-1].rtp_time) < 10 * 48_000
    async with asyncio.timeout(WAIT):
        while a.session.quality.round_trip_ms is None:
            await a.listen(0.1)


async def test_a_mix_of_legs_that_are_gone_or_too_many_does_nothing(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.do(MixLegs("m", ("x", "y", "z")))
    assert desk.plane.mixes_open == 0
    names = tuple(f"leg {number}" for number in range(MOST_PARTICIPANTS + 1))
    desk.do(*(OpenLeg(name) for name in names))
    await desk.until(LegOffered, names[-1])
    with caplog.at_level(logging.ERROR):
        desk.do(MixLegs("m", names))
    assert "no room for 65" in caplog.text
    assert desk.plane.mixes_open == 0
    desk.do(MixLegs("m", names[1:]))
    assert desk.plane.legs_mixed == MOST_PARTICIPANTS
    desk.do(*(CloseLeg(name) for name in names))
    assert desk.plane.mixes_open == 0


async def three_who_come_and_go() -> None:
    async with aclosing(Desk(MediaConfig())) as desk:
        a, b, c = await people(desk, 3)
        desk.do(MixLegs("m", ("a", "b", "c")))
        await all_hear_each_other(a, b, c)
        desk.do(JoinLegs("a", "b"), CloseLeg("c"))
        await hears(a, b)


def test_it_is_the_same_on_uvloop() -> None:
    uvloop.run(three_who_come_and_go())


async def test_nothing_is_left_of_a_mix_that_is_over(desk: Desk) -> None:
    a, _, _ = await people(desk, 3)
    for number in range(3):
        desk.do(MixLegs(f"m {number}", ("a", "b", "c")))
        await a.listen(0.1)
    desk.do(JoinLegs("a", "b"), CloseLeg("c"))
    await a.listen(0.1)
    gc.collect()
    left = [each for each in gc.get_objects() if isinstance(each, Mix | MixSeat | Feed)]
    assert not left


async def test_closing_ends_every_mix(desk: Desk) -> None:
    a, _, _ = await people(desk, 3)
    desk.do(MixLegs("m", ("a", "b", "c")))
    await a.listen(0.1)
    await desk.plane.close()
    assert desk.plane.mixes_open == 0
    assert desk.plane.legs_mixed == 0
