"""Two people and the phone service between them, with real sockets and real audio."""

from __future__ import annotations

import asyncio
import wave
from pathlib import Path

import numpy as np
import pytest

from offhook import (
    CallEndedError,
    CallStateError,
    DTMFReceivedEvent,
    EndReason,
    InvalidApiError,
    MediaOption,
    OtherConnected,
    WebexErrorCode,
)
from offhook.media.spectrum import dominant_tone
from offhook.testing import LocalCloud
from stories.conftest import PhoneOf
from stories.hearing import (
    PATIENCE,
    hears,
    hears_both,
    hears_music,
    hears_nothing,
    next_call,
    talking,
    voice,
)


async def test_each_hears_exactly_the_other(phone: PhoneOf) -> None:
    async with talking(await phone("alice"), await phone("bob")) as (at_alice, at_bob):
        assert await hears(at_alice, "bob")
        assert await hears(at_bob, "alice")
        assert (at_alice.title, at_bob.title) == ("Bob Brown", "Alice Adams")


async def test_on_hold_there_is_music_and_after_it_the_voice_again(phone: PhoneOf) -> None:
    async with talking(await phone("alice"), await phone("bob")) as (at_alice, at_bob):
        for _ in range(2):
            assert await hears(at_bob, "alice")
            await at_alice.hold()
            assert at_alice.is_on_hold
            assert await hears_music(at_bob)
            await at_alice.resume()
            assert not at_alice.is_on_hold
            assert await hears(at_bob, "alice")
            assert await hears(at_alice, "bob")


async def test_the_called_one_holds_too(phone: PhoneOf) -> None:
    async with talking(await phone("alice"), await phone("bob")) as (at_alice, at_bob):
        assert await hears(at_alice, "bob")
        await at_bob.hold()
        assert await hears_music(at_alice)
        await at_bob.resume()
        assert await hears(at_alice, "bob")


async def test_muted_one_hears_and_is_not_heard(phone: PhoneOf) -> None:
    async with talking(await phone("alice"), await phone("bob")) as (at_alice, at_bob):
        assert await hears(at_bob, "alice")
        await at_alice.mute()
        assert not at_alice.is_sending_audio
        assert await hears_nothing(at_bob)
        assert await hears(at_alice, "bob")
        await at_alice.unmute()
        assert await hears(at_bob, "alice")


async def test_keys_arrive_each_once_and_in_order(phone: PhoneOf) -> None:
    async with talking(await phone("alice"), await phone("bob")) as (at_alice, at_bob):
        digits: list[str] = []

        async def listen() -> None:
            async for event in at_bob.events():
                if isinstance(event, DTMFReceivedEvent):
                    digits.append(event.digit)
                    if len(digits) == 5:
                        return

        listening = asyncio.create_task(listen())
        await at_alice.send_dtmf("15#*0")
        async with asyncio.timeout(PATIENCE):
            await listening
        assert digits == list("15#*0")


async def test_the_service_plays_the_keys_back(phone: PhoneOf, cloud: LocalCloud) -> None:
    alice = await phone("alice")
    async with await alice.phone.dial_phone_number(cloud.test_numbers["dtmf"]) as call:
        await call.connected()
        listening = asyncio.create_task(hears_both(call, 770, 1336))
        await call.send_dtmf("5")
        assert await listening


async def test_the_echo_and_the_announcement(phone: PhoneOf, cloud: LocalCloud) -> None:
    alice = await phone("alice")
    echo, announcement = cloud.test_numbers["echo"], cloud.test_numbers["announcement"]
    async with await alice.phone.dial_phone_number(echo, voice("alice")) as call:
        assert await hears(call, "alice")
    async with await alice.phone.dial_phone_number(announcement) as call:
        assert await hears_music(call)
        async with asyncio.timeout(PATIENCE):
            assert await call.ended() is EndReason.REMOTE_HANGUP


@pytest.mark.parametrize("who", ["alice", "bob"])
async def test_either_hangs_up_and_both_know_who_it_was(phone: PhoneOf, who: str) -> None:
    async with talking(await phone("alice"), await phone("bob")) as (at_alice, at_bob):
        first, second = (at_alice, at_bob) if who == "alice" else (at_bob, at_alice)
        await first.hangup()
        async with asyncio.timeout(PATIENCE):
            assert await first.ended() is EndReason.LOCAL_HANGUP
            assert await second.ended() is EndReason.REMOTE_HANGUP


async def test_the_called_one_declines(phone: PhoneOf) -> None:
    alice, bob = await phone("alice"), await phone("bob")
    async with await alice.phone.dial_phone_number("1002") as outgoing:
        await (await next_call(bob)).reject()
        async with asyncio.timeout(PATIENCE):
            assert await outgoing.ended() is EndReason.REJECTED


async def test_the_caller_gives_up_while_it_rings(phone: PhoneOf) -> None:
    alice, bob = await phone("alice"), await phone("bob")
    async with await alice.phone.dial_phone_number("1002"):
        incoming = await next_call(bob)
    async with asyncio.timeout(PATIENCE):
        assert await incoming.ended() is EndReason.REMOTE_CANCEL


@pytest.mark.parametrize(
    ("number", "reason"), [("8003", EndReason.BUSY), ("777777", EndReason.NOT_FOUND)]
)
async def test_busy_and_unknown_numbers(phone: PhoneOf, number: str, reason: EndReason) -> None:
    alice = await phone("alice")
    async with await alice.phone.dial_phone_number(number) as call:
        async with asyncio.timeout(PATIENCE):
            assert await call.ended() is reason
        with pytest.raises(CallEndedError):
            await call.connected()


async def test_nobody_answers(phone: PhoneOf) -> None:
    alice, bob = await phone("alice"), await phone("bob")
    async with await alice.phone.dial_phone_number("1002") as outgoing:
        await next_call(bob)
        async with asyncio.timeout(PATIENCE):
            assert await outgoing.ended() is EndReason.NO_ANSWER


async def test_all_phones_of_a_person_ring_and_the_first_to_answer_wins(phone: PhoneOf) -> None:
    alice, desk, mobile = await phone("alice"), await phone("bob"), await phone("bob")
    async with await alice.phone.dial_phone_number("1002", voice("alice")) as outgoing:
        at_desk, at_mobile = await asyncio.gather(next_call(desk), next_call(mobile))
        await at_mobile.answer(voice("bob"))
        events = [event async for event in at_desk.events()]
        assert isinstance(events[-1], OtherConnected)
        assert await hears(outgoing, "bob")
        await at_mobile.hangup()


async def test_a_phone_that_signs_in_late_still_rings(phone: PhoneOf) -> None:
    alice = await phone("alice")
    async with await alice.phone.dial_phone_number("1003", voice("alice")) as outgoing:
        carol = await phone("carol")
        async with await next_call(carol) as incoming:
            await incoming.answer(voice("carol"))
            assert await hears(outgoing, "carol")


@pytest.mark.parametrize(
    "number", ["1002", "+1 (202) 555-0102", "202.555.0102", "+12025550102", "tel:+1-202-555-0102"]
)
async def test_a_number_may_be_typed_in_many_ways(phone: PhoneOf, number: str) -> None:
    alice, bob = await phone("alice"), await phone("bob")
    async with await alice.phone.dial_phone_number(number):
        assert (await next_call(bob)).title == "Alice Adams"


async def test_an_e_mail_or_sip_address_is_dialled_too(phone: PhoneOf, cloud: LocalCloud) -> None:
    alice, bob = await phone("alice"), await phone("bob")
    email = cloud.person("bob").email
    for address in (email, f"sip:{email}"):
        async with await alice.phone.dial(address):
            assert (await next_call(bob)).title == "Alice Adams"


async def test_what_is_not_a_number_never_reaches_the_network(phone: PhoneOf) -> None:
    alice = await phone("alice")
    for text in (
        "",
        "bob",
        "bob@example.org",
        "sip:1002@example.org",
        "https://meet.example.org/1",
    ):
        with pytest.raises(InvalidApiError) as refused:
            await alice.phone.dial_phone_number(text)
        assert refused.value.code is WebexErrorCode.INVALID_API_ERROR
    assert alice.phone.calls == ()


async def test_commands_on_a_call_that_is_over_are_told_so(phone: PhoneOf) -> None:
    async with talking(await phone("alice"), await phone("bob")) as (at_alice, _):
        await at_alice.hangup()
        for command in (at_alice.hold, at_alice.resume, at_alice.hangup, at_alice.answer):
            with pytest.raises((CallEndedError, CallStateError)):
                await command()


async def test_many_commands_at_once_all_get_an_answer(phone: PhoneOf) -> None:
    async with talking(await phone("alice"), await phone("bob")) as (at_alice, at_bob):
        async with asyncio.timeout(PATIENCE):
            outcomes = await asyncio.gather(
                *(at_alice.hold() for _ in range(3)),
                *(at_alice.resume() for _ in range(3)),
                return_exceptions=True,
            )
        assert all(o is None or isinstance(o, CallStateError) for o in outcomes), outcomes
        if at_alice.is_on_hold:
            await at_alice.resume()
        assert await hears(at_bob, "alice")


async def test_one_tracking_id_and_one_record(phone: PhoneOf, cloud: LocalCloud) -> None:
    async with talking(await phone("alice"), await phone("bob")) as (at_alice, at_bob):
        tracking_id = at_alice.external_tracking_id
        assert tracking_id
        assert at_bob.external_tracking_id == tracking_id
    person = await cloud.service.directory.find_by_email(cloud.person("bob").email)
    assert person is not None
    async with asyncio.timeout(PATIENCE):
        while not (kept := await cloud.service.records.of_person(person.person_id)):
            await asyncio.sleep(0.01)
    assert [record.tracking_id for record in kept] == [tracking_id]


async def test_a_file_is_played_and_what_is_heard_is_recorded(
    phone: PhoneOf, tmp_path: Path
) -> None:
    spoken, recorded = tmp_path / "spoken.wav", tmp_path / "recorded.wav"
    samples = (8000 * np.sin(2 * np.pi * 660 * np.arange(16_000) / 16_000)).astype(np.int16)
    with wave.open(str(spoken), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(samples.tobytes())
    alice, bob = await phone("alice"), await phone("bob")
    media = MediaOption.audio_only(source=spoken)
    outgoing = await alice.phone.dial_phone_number("1002", media)
    async with outgoing, await next_call(bob) as incoming:
        await incoming.answer(MediaOption.audio_only(sink=recorded))
        await outgoing.connected()
        async with asyncio.timeout(PATIENCE):
            await outgoing.audio.played()
        await asyncio.sleep(0.3)
    with wave.open(str(recorded)) as file:
        rate = file.getframerate()
        heard = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    loud = heard[np.abs(heard) > 1000]
    assert len(loud) > rate / 2
    start = int(np.argmax(np.abs(heard) > 1000)) + rate // 10
    tone = dominant_tone(heard[start : start + rate // 2], rate)
    assert tone is not None
    assert abs(tone.frequency - 660) < 5
