"""The media plane as the exchange uses it: effects in, news out, real clients on real sockets."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from offhook.engine.exchange.effects import (
    AnswerLeg,
    CloseLeg,
    EchoLeg,
    JoinLegs,
    OpenLeg,
    PlayDigits,
    PlaySound,
    RenegotiateLeg,
    Sound,
)
from offhook.engine.exchange.inputs import (
    LegAnswered,
    LegDtmf,
    LegFailed,
    LegOffered,
    LegPlayed,
    MediaNews,
)
from offhook.service.media.config import MediaConfig
from offhook.service.media.plane import MediaPlane
from offhook.service.media.sounds import SoundLibrary
from offhook.wire.sdp import Direction, parse
from service.media.desk import Desk


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    opened = Desk(MediaConfig())
    yield opened
    await opened.aclose()


async def test_a_call_is_set_up_talked_and_ended(desk: Desk) -> None:
    alice = await desk.caller("a")
    bob = desk.client("b")
    desk.do(OpenLeg("b"))
    offer = await desk.until(LegOffered, "b")
    desk.do(AnswerLeg("b", await bob.leg.accept_offer(offer.sdp)), JoinLegs("a", "b"))
    await desk.connected(bob)
    alice.say(b"hello bob")
    bob.say(b"hello alice")
    await bob.hears(b"hello bob")
    await alice.hears(b"hello alice")
    assert desk.plane.legs_open == 2
    assert desk.plane.traffic.packets_received == 2
    desk.do(CloseLeg("a"), CloseLeg("b"))
    assert desk.plane.legs_open == 0
    assert desk.plane.traffic.packets_received == 2
    assert not [n for n in desk.news if isinstance(n, LegFailed)]


async def test_hold_and_resume_with_music_for_the_one_who_waits(desk: Desk) -> None:
    alice, bob = await desk.caller("a"), await desk.caller("b")
    desk.do(JoinLegs("a", "b"))
    await desk.renegotiate(alice, held=True)
    assert parse(desk.reported(LegAnswered, "a")[-1].sdp).audio.direction is Direction.INACTIVE
    desk.do(PlaySound("b", Sound.MUSIC_ON_HOLD))
    await bob.hears_sound()
    bob.say(b"are you there?")
    await alice.hears_nothing()
    await desk.renegotiate(alice, held=False)
    desk.do(JoinLegs("a", "b"))
    alice.say(b"back again")
    await bob.hears(b"back again")
    await bob.hears_nothing()
    bob.say(b"good")
    await alice.hears(b"good")
    assert alice.ear.rtp[-1][12:] == b"good"
    assert len(alice.ear.rtp) == 1


async def test_music_goes_on_for_as_long_as_the_hold(desk: Desk) -> None:
    alice = await desk.caller("a")
    desk.do(PlaySound("a", Sound.MUSIC_ON_HOLD))
    await alice.hears_sound(20)
    desk.do(PlaySound("a", Sound.SILENCE))
    await alice.hears_sound(3)


async def test_an_announcement_ends_and_says_so_once(desk: Desk) -> None:
    alice = desk.client("a")
    offer = await alice.leg.create_offer()
    # Ordered before the connection stands: none of it may be lost.
    desk.do(OpenLeg("a", offer), PlaySound("a", Sound.ANNOUNCEMENT))
    await alice.leg.accept_answer((await desk.until(LegAnswered, "a")).sdp)
    await desk.until(LegPlayed, "a")
    await alice.hears_nothing()
    assert len(desk.reported(LegPlayed, "a")) == 1
    assert len(alice.ear.rtp) > 25


async def test_an_announcement_that_is_replaced_never_ends(desk: Desk) -> None:
    alice = await desk.caller("a")
    desk.do(PlaySound("a", Sound.ANNOUNCEMENT))
    await alice.hears_sound(3)
    desk.do(EchoLeg("a"))
    await alice.hears_nothing(0.2)
    assert not desk.reported(LegPlayed, "a")


async def test_an_echo_returns_what_is_said(desk: Desk) -> None:
    alice = await desk.caller("a")
    desk.do(EchoLeg("a"))
    alice.say(b"hello")
    await alice.hears(b"hello")


async def test_each_digit_is_reported_exactly_once(desk: Desk) -> None:
    alice = await desk.caller("a")
    for event in (5, 5, 11, 0):
        alice.press(event)
    await desk.until(LegDtmf, "a", 4)
    await asyncio.sleep(0.05)
    assert [news.digit for news in desk.reported(LegDtmf, "a")] == ["5", "5", "#", "0"]


async def test_digits_are_played_one_behind_the_other(desk: Desk) -> None:
    alice = await desk.caller("a")
    sounds = SoundLibrary()
    expected = [frame for digit in "3123" for frame in await sounds.digit(digit)]
    # The last digit is encoded already when the others are not.
    desk.do(PlayDigits("a", "3"))
    await alice.hears_sound(1)
    desk.do(PlayDigits("a", "12"), PlayDigits("a", "3"))
    await alice.ear.until(lambda: len(alice.ear.rtp) >= len(expected))
    assert [packet[12:] for packet in alice.ear.rtp] == expected
    await sounds.close()


async def test_what_a_client_says_into_a_sound_is_not_passed_on(desk: Desk) -> None:
    alice, bob = await desk.caller("a"), await desk.caller("b")
    desk.do(JoinLegs("a", "b"), PlaySound("b", Sound.SILENCE))
    await bob.hears_sound(1)
    bob.say(b"hello?")
    await alice.hears_nothing()
    assert not alice.ear.rtp


async def test_a_leg_that_never_connects_fails_and_is_reported_once() -> None:
    desk = Desk(MediaConfig(connect_timeout=0.1))
    client = desk.client("a")
    desk.do(OpenLeg("a", await client.leg.create_offer()))
    failed = await desk.until(LegFailed, "a")
    assert "0.1 s" in failed.why
    desk.do(AnswerLeg("a", "nonsense"))
    await asyncio.sleep(0.02)
    assert len(desk.reported(LegFailed, "a")) == 1
    desk.do(CloseLeg("a"))
    assert desk.plane.legs_failed == 1
    await desk.aclose()


async def test_a_client_that_falls_silent_is_reported() -> None:
    desk = Desk(MediaConfig(silence_timeout=0.2))
    await desk.caller("a")
    assert "silent" in (await desk.until(LegFailed, "a")).why
    await desk.aclose()


async def test_a_description_that_cannot_be_read_fails_the_leg(desk: Desk) -> None:
    desk.do(OpenLeg("a", "nonsense"))
    assert (await desk.until(LegFailed, "a")).why


async def test_ports_that_run_out_fail_the_leg() -> None:
    desk = Desk(MediaConfig(port_range=(49321, 49321)))
    desk.do(OpenLeg("a"), OpenLeg("b"))
    await desk.until(LegOffered, "a")
    assert "port range" in (await desk.until(LegFailed, "b")).why
    await desk.aclose()


async def test_effects_for_a_leg_that_is_gone_do_nothing(desk: Desk) -> None:
    await desk.caller("a")
    desk.do(CloseLeg("a"), CloseLeg("a"), EchoLeg("a"), AnswerLeg("a", "x"), JoinLegs("a", "b"))
    desk.do(PlaySound("b", Sound.SILENCE), PlayDigits("b", "1"), RenegotiateLeg("b", "x", True))
    before = len(desk.news)
    await asyncio.sleep(0.05)
    assert len(desk.news) == before


async def test_news_never_come_while_an_effect_is_carried_out() -> None:
    inside = False

    def heard(_: MediaNews) -> None:
        assert not inside

    plane = MediaPlane(MediaConfig(), heard)
    for call_id in "abc":
        inside = True
        plane.carry_out(OpenLeg(call_id, "nonsense"))
        inside = False
        await asyncio.sleep(0)
    await plane.close()


async def test_closing_ends_every_leg(desk: Desk) -> None:
    alice = await desk.caller("a")
    desk.do(OpenLeg("b"), PlaySound("a", Sound.MUSIC_ON_HOLD), PlaySound("b", Sound.RINGBACK))
    await desk.plane.close()
    desk.do(OpenLeg("c"))
    assert desk.plane.legs_open == 0
    await alice.hears_nothing()


def test_wrong_configuration_is_refused() -> None:
    with pytest.raises(ValueError, match="port range"):
        MediaConfig(port_range=(10, 5))
    with pytest.raises(ValueError, match="greater than 0"):
        MediaConfig(silence_timeout=0)
