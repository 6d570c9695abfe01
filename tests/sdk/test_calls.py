"""Two people call each other through a real service, and what each hears is the proof."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from offhook import (
    Call,
    CallDisconnectedEvent,
    CallEnded,
    CallEndedError,
    CallObserver,
    CallStateError,
    CallStatus,
    ConnectedEvent,
    Direction,
    DTMFReceivedEvent,
    EndReason,
    IncomingCallListener,
    InvalidApiError,
    MediaOption,
    OtherConnected,
    RingerType,
    TokenAuthenticator,
    Webex,
    WebexErrorCode,
)
from offhook.media.spectrum import dominant_tone, level_dbfs
from sdk.clouds import PATIENCE, PEOPLE, Phones, RunningCloud, heard, tone
from sdk.conftest import next_call


async def connect(
    caller: Webex, callee: Webex, number: str, *, a: MediaOption, b: MediaOption
) -> tuple[Call, Call]:
    outgoing = await caller.phone.dial_phone_number(number, a)
    incoming = await next_call(callee)
    await incoming.answer(b)
    async with asyncio.timeout(PATIENCE):
        await outgoing.connected()
    return outgoing, incoming


@pytest.fixture
async def talk(cloud: RunningCloud, alice: Webex, bob: Webex) -> tuple[Call, Call]:
    """Alice (440 Hz) and Bob (880 Hz) talk."""
    return await connect(alice, bob, cloud.number("bob"), a=tone(440), b=tone(880))


async def ends(call: Call) -> EndReason:
    async with asyncio.timeout(PATIENCE):
        return await call.ended()


# --- audio --------------------------------------------------------------------------------------


async def test_each_hears_exactly_the_other_before_during_and_after_two_holds(talk):
    a, b = talk
    assert await asyncio.gather(heard(a), heard(b)) == [880, 440]
    for holder, other in ((a, b), (b, a)):
        await holder.hold()
        assert holder.is_on_hold
        assert not other.is_on_hold
        assert await heard(holder) is None
        music = await heard(other, blocks=1)
        assert music not in (440, 880)
        await holder.resume()
        assert not holder.is_on_hold
        assert await asyncio.gather(heard(a), heard(b)) == [880, 440]


async def test_who_is_muted_is_not_heard_and_still_hears(talk):
    a, b = talk
    await a.mute()
    assert not a.is_sending_audio
    assert await asyncio.gather(heard(a), heard(b)) == [880, None]
    await a.unmute()
    assert a.is_sending_audio
    assert await heard(b) == 440


async def test_a_held_call_can_neither_be_muted_nor_take_digits(talk):
    a, _ = talk
    await a.hold()
    for command in (a.mute(), a.unmute(), a.send_dtmf("1")):
        with pytest.raises(CallStateError, match="hold"):
            await command


async def test_digits_arrive_one_by_one(talk):
    a, b = talk
    received: list[str] = []

    async def listen() -> None:
        async for event in b.events():
            if isinstance(event, DTMFReceivedEvent):
                received.append(event.digit)
                if event.digit == "#":
                    return

    listening = asyncio.create_task(listen())
    await a.send_dtmf("1*0D#")
    await asyncio.wait_for(listening, PATIENCE)
    assert "".join(received) == "1*0D#"


async def test_characters_that_are_no_keys_are_refused_whole(talk):
    a, _ = talk
    with pytest.raises(InvalidApiError):
        await a.send_dtmf("12x")


async def test_a_file_is_played_and_what_is_heard_is_recorded(
    cloud: RunningCloud, alice: Webex, bob: Webex, tmp_path: Path
):
    said, kept = tmp_path / "said.wav", tmp_path / "kept.wav"
    _write_tone(said, 660, seconds=1.0)
    a, b = await connect(
        alice,
        bob,
        cloud.number("bob"),
        a=MediaOption.audio_only(source=said),
        b=MediaOption.audio_only(sink=kept),
    )
    await asyncio.wait_for(a.audio.played(), PATIENCE)
    await asyncio.sleep(0.2)  # what is on its way is heard
    await a.hangup()
    await ends(b)
    samples, rate = _read(kept)
    found = dominant_tone(samples, rate)
    assert found is not None
    assert abs(found.frequency - 660) < 3
    loud = [level_dbfs(block) > -40 for block in np.array_split(samples, 10)]
    assert loud.count(True) >= 6


async def test_a_bot_speaks_with_frames_and_changes_what_it_says(
    cloud: RunningCloud, alice: Webex, bob: Webex
):
    async def frames(frequency: float) -> AsyncIterator[np.ndarray]:
        time = 0
        while True:
            step = np.arange(time, time + 320)
            time += 320
            yield (8000 * np.sin(2 * np.pi * frequency * step / 16_000)).astype(np.int16)

    bot = MediaOption.audio_only(source=frames(500.0), rate=16_000)
    a, b = await connect(alice, bob, cloud.number("bob"), a=tone(440), b=bot)
    assert await heard(a) == 500
    await b.audio.play("tone:1000")
    assert await heard(a) == 1000


@pytest.mark.parametrize("answered", [True, False])
async def test_a_source_of_ones_own_is_opened_and_closed_exactly_once(
    cloud: RunningCloud, alice: Webex, bob: Webex, answered
):
    class Counting:
        rate = 16_000
        opened = closed = 0

        async def open(self) -> None:
            self.opened += 1

        async def read(self, samples: int) -> np.ndarray:
            return np.full(samples, 1000, np.int16)

        async def close(self) -> None:
            self.closed += 1

    source = Counting()
    media = MediaOption.audio_only(source=source)
    async with await alice.phone.dial_phone_number(cloud.number("bob"), media) as call:
        incoming = await next_call(bob)
        if answered:
            await incoming.answer()
            await call.connected()
            assert source.closed == 0
    assert (source.opened, source.closed) == (1, 1)


async def test_what_is_said_stands_still_during_hold(cloud: RunningCloud, alice: Webex, bob: Webex):
    asked_for = 0

    async def frames() -> AsyncIterator[np.ndarray]:
        nonlocal asked_for
        while True:
            asked_for += 1
            yield np.zeros(960, np.int16)

    a, _ = await connect(
        alice, bob, cloud.number("bob"), a=MediaOption.audio_only(source=frames()), b=tone(880)
    )
    await heard(a)
    await a.hold()
    before = asked_for
    await heard(a)
    assert asked_for - before < 10  # what is read ahead; 600 ms are 30
    await a.resume()
    await heard(a)
    assert asked_for - before > 10


async def test_recording_begins_in_the_middle_of_a_call(talk, tmp_path: Path):
    a, b = talk
    await a.audio.record(tmp_path / "later.wav")
    assert await heard(a) == 880
    await b.hangup()
    await ends(a)
    samples, rate = _read(tmp_path / "later.wav")
    assert abs(dominant_tone(samples, rate).frequency - 880) < 3


async def test_who_listens_before_the_answer_hears_from_its_first_moment(
    cloud: RunningCloud, alice: Webex, bob: Webex
):
    a = await alice.phone.dial_phone_number(cloud.number("bob"), tone(440))
    b = await next_call(bob)
    listening = asyncio.create_task(heard(b))
    with pytest.raises(CallStateError):
        await b.audio.play("tone:500")
    await b.answer(tone(880))
    assert await listening == 440
    with pytest.raises(InvalidApiError):
        b.audio.frames(44_100)
    await a.hangup()
    await ends(b)
    with pytest.raises(CallEndedError):
        await b.audio.play("tone:500")
    assert [block async for block in b.audio.frames()] == []


async def test_quality_is_measured(talk):
    a, b = talk
    await asyncio.gather(heard(a), heard(b))
    assert a.quality.packets_received > 20
    assert a.quality.mos > 4
    assert a.quality.loss < 0.2


# --- what is known ------------------------------------------------------------------------------


async def test_both_sides_know_who_it_is_and_share_one_tracking_id(talk):
    a, b = talk
    assert (a.direction, b.direction) == (Direction.OUTGOING, Direction.INCOMING)
    assert a.title == PEOPLE["bob"].entry().display_name
    assert b.title == PEOPLE["alice"].entry().display_name
    assert b.caller_number == PEOPLE["alice"].number
    assert a.external_tracking_id == b.external_tracking_id != ""
    assert a.call_id != b.call_id != ""
    assert a.correlation_id
    assert a.status is b.status is CallStatus.CONNECTED
    assert a.end_reason is None


async def test_the_tracking_id_is_not_there_before_it_was_told(cloud: RunningCloud, alice, bob):
    call = await alice.phone.dial_phone_number(cloud.number("bob"))
    told = asyncio.Event()

    class Observer(CallObserver):
        def on_info_changed(self, call: Call) -> None:
            assert call.external_tracking_id
            told.set()

    call.set_observer(Observer())
    await asyncio.wait_for(told.wait(), PATIENCE)


# --- how calls end ------------------------------------------------------------------------------


async def test_who_hangs_up_is_known_to_both(talk):
    a, b = talk
    await b.hangup()
    assert b.end_reason is EndReason.LOCAL_HANGUP
    assert await ends(a) is EndReason.REMOTE_HANGUP


async def test_declining_is_told_to_the_caller(cloud: RunningCloud, alice: Webex, bob: Webex):
    a = await alice.phone.dial_phone_number(cloud.number("bob"))
    b = await next_call(bob)
    await b.reject()
    assert b.end_reason is EndReason.LOCAL_REJECT
    assert await ends(a) is EndReason.REJECTED
    with pytest.raises(CallEndedError) as error:
        await a.connected()
    assert error.value.reason is EndReason.REJECTED


async def test_giving_up_stops_the_ringing(cloud: RunningCloud, alice: Webex, bob: Webex):
    a = await alice.phone.dial_phone_number(cloud.number("bob"))
    b = await next_call(bob)
    await alice.phone.cancel()
    assert a.end_reason is EndReason.LOCAL_CANCEL
    assert await ends(b) is EndReason.REMOTE_CANCEL


@pytest.mark.parametrize(
    ("number", "reason"), [("busy", EndReason.BUSY), ("0000", EndReason.NOT_FOUND)]
)
async def test_numbers_that_lead_nowhere_say_why(cloud: RunningCloud, alice: Webex, number, reason):
    call = await alice.phone.dial_phone_number(cloud.numbers.get(number, number))
    assert await ends(call) is reason


async def test_leaving_the_block_ends_the_call_in_any_state(
    cloud: RunningCloud, alice: Webex, bob: Webex
):
    async with await alice.phone.dial_phone_number(cloud.number("bob")) as a:
        b = await next_call(bob)
    assert a.end_reason is EndReason.LOCAL_CANCEL
    assert await ends(b) is EndReason.REMOTE_CANCEL

    a = await alice.phone.dial_phone_number(cloud.number("bob"))
    async with await next_call(bob) as b:
        pass
    assert b.end_reason is EndReason.LOCAL_REJECT
    assert await ends(a) is EndReason.REJECTED

    a = await alice.phone.dial_phone_number(cloud.number("bob"))
    async with await next_call(bob) as b:
        await b.answer()
    assert b.end_reason is EndReason.LOCAL_HANGUP
    assert await ends(a) is EndReason.REMOTE_HANGUP


async def test_another_device_that_answers_stops_this_one(
    cloud: RunningCloud, phones: Phones, alice: Webex
):
    desk, mobile = await phones.of("bob"), await phones.of("bob")
    a = await alice.phone.dial_phone_number(cloud.number("bob"), tone(440))
    on_desk, on_mobile = await asyncio.gather(next_call(desk), next_call(mobile))
    await on_desk.answer(tone(880))
    assert await ends(on_mobile) is EndReason.ANSWERED_ELSEWHERE
    assert isinstance([e async for e in on_mobile.events()][-1], OtherConnected)
    assert await heard(a) == 880


async def test_two_devices_answer_at_once_and_the_slower_learns_of_the_other(
    cloud: RunningCloud, phones: Phones, alice: Webex
):
    desk, mobile = await phones.of("bob"), await phones.of("bob")
    a = await alice.phone.dial_phone_number(cloud.number("bob"))
    rings = await asyncio.gather(next_call(desk), next_call(mobile))
    answers = await asyncio.gather(*(each.answer() for each in rings), return_exceptions=True)
    slower = rings[next(n for n, answer in enumerate(answers) if answer is not None)]
    assert await ends(slower) is EndReason.ANSWERED_ELSEWHERE
    await a.connected()


async def test_a_caller_who_hangs_up_while_the_callee_answers(
    cloud: RunningCloud, alice: Webex, bob: Webex
):
    a = await alice.phone.dial_phone_number(cloud.number("bob"))
    b = await next_call(bob)
    answer, _ = await asyncio.gather(b.answer(), a.hangup(), return_exceptions=True)
    assert await ends(b) in (EndReason.REMOTE_CANCEL, EndReason.REMOTE_HANGUP)
    assert answer is None or isinstance(answer, CallEndedError)


# --- placing calls ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "bob@demo.offhook.example",
        "sip:1002@example.org",
        "https://x.webex.com/meet/bob",
        "hello",
        "",
    ],
)
async def test_what_is_no_phone_number_never_reaches_the_network(address):
    """There is no cloud at all here, so touching the network would raise another error."""
    webex = Webex(TokenAuthenticator("a_b_c"), cloud="http://127.0.0.1:9")
    with pytest.raises(InvalidApiError) as error:
        await webex.phone.dial_phone_number(address)
    assert error.value.code is WebexErrorCode.INVALID_API_ERROR
    await webex.close()


async def test_a_person_is_called_by_e_mail_or_sip_address(
    cloud: RunningCloud, alice: Webex, bob: Webex
):
    for address in (PEOPLE["bob"].email, f"sip:{PEOPLE['bob'].email}"):
        async with await alice.phone.dial(address):
            call = await next_call(bob)
            assert call.title == "Alice Adams"
            await call.reject()
    with pytest.raises(InvalidApiError):
        await alice.phone.dial("1002")


async def test_numbers_are_dialled_as_people_write_them(
    cloud: RunningCloud, alice: Webex, bob: Webex
):
    plain = PEOPLE["bob"].number
    written = f"{plain[:2]} ({plain[2:5]}) {plain[5:8]}.{plain[8:]}"
    async with await alice.phone.dial_phone_number(written):
        await (await next_call(bob)).reject()


async def test_audio_that_is_not_there_is_refused_before_anybody_rings(
    cloud: RunningCloud, alice: Webex, tmp_path: Path
):
    for source in ("no such file.wav", "tone:abc", tmp_path):
        with pytest.raises(InvalidApiError):
            MediaOption.audio_only(source=source)
    with pytest.raises(InvalidApiError):
        MediaOption.audio_only(sink=tmp_path / "missing" / "x.wav")
    damaged = tmp_path / "damaged.wav"
    damaged.write_bytes(b"RIFFnothing")
    with pytest.raises(InvalidApiError):
        await alice.phone.dial_phone_number(
            cloud.number("bob"), MediaOption.audio_only(source=damaged)
        )
    assert alice.phone.calls == ()


async def test_a_dialling_that_is_cancelled_leaves_nothing_behind(
    cloud: RunningCloud, alice: Webex, bob: Webex
):
    dialling = asyncio.create_task(alice.phone.dial_phone_number(cloud.number("bob"), tone(440)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    dialling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await dialling
    assert alice.phone.calls == ()
    # The line is free: the next call goes through.
    a, _ = await connect(alice, bob, cloud.number("bob"), a=tone(440), b=tone(880))
    assert await heard(a) == 880


# --- taking calls -------------------------------------------------------------------------------


async def test_a_listener_is_told_of_calls_and_answers_them(cloud: RunningCloud, alice, bob):
    class Answering(IncomingCallListener):
        async def on_incoming_call(self, call: Call, has_active_conflict_calls: bool) -> None:
            assert not has_active_conflict_calls
            await call.answer(tone(880))

    bob.phone.set_incoming_call_listener(Answering())
    call = await alice.phone.dial_phone_number(cloud.number("bob"), tone(440))
    async with asyncio.timeout(PATIENCE):
        await call.connected()
    assert await heard(call) == 880


async def test_a_call_that_rings_already_is_not_missed_by_who_asks_late(
    cloud: RunningCloud, alice: Webex, bob: Webex
):
    a = await alice.phone.dial_phone_number(cloud.number("bob"))
    async for event in a.events():
        if type(event).__name__ == "RingingEvent":
            break
    assert (await next_call(bob)).status is CallStatus.RINGING


async def test_a_second_call_announces_itself_by_the_call_waiting_tone(
    cloud: RunningCloud, phones: Phones, talk, bob: Webex
):
    carol = await phones.of("carol")
    await carol.phone.dial_phone_number(cloud.number("bob"))
    second = await next_call(bob)
    ringers = [e.ringer_type async for e in _until_ringing(second)]
    assert ringers == [RingerType.CALL_WAITING]


async def _until_ringing(call: Call):
    async for event in call.events():
        if type(event).__name__ == "StartRingingEvent":
            yield event
            return


# --- observers ----------------------------------------------------------------------------------


class Diary(CallObserver):
    def __init__(self) -> None:
        self.entries: list[str] = []

    def __getattribute__(self, name: str):
        if name.startswith("on_"):
            return lambda *_: self.entries.append(name)
        return super().__getattribute__(name)


async def test_an_observer_hears_the_whole_story_even_if_it_comes_late(
    cloud: RunningCloud, alice: Webex, bob: Webex
):
    a, b = await connect(alice, bob, cloud.number("bob"), a=tone(440), b=tone(880))
    diary = Diary()
    a.set_observer(diary)
    await a.hold()
    await b.hangup()
    await ends(a)
    story = [entry for entry in diary.entries if entry != "on_info_changed"]
    assert story == [
        "on_ringing",
        "on_start_ringing",
        "on_stop_ringing",
        "on_connected",
        "on_call_hold_state_changed",
        "on_disconnected",
    ]


async def test_an_observer_that_raises_disturbs_nothing_and_is_reported(
    cloud: RunningCloud, alice: Webex, bob: Webex
):
    reported: list[BaseException] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: reported.append(context["exception"])
    )

    class Clumsy(CallObserver):
        def on_ringing(self, call: Call) -> None:
            raise RuntimeError("ringing")

        async def on_connected(self, call: Call) -> None:
            raise RuntimeError("connected")

        def on_disconnected(self, event: CallDisconnectedEvent) -> None:
            raise RuntimeError("disconnected")

    call = await alice.phone.dial_phone_number(cloud.number("bob"), tone(440))
    call.set_observer(Clumsy())
    incoming = await next_call(bob)
    await incoming.answer(tone(880))
    assert await heard(call) == 880
    await call.hangup()
    assert [str(error) for error in reported] == ["ringing", "connected", "disconnected"]


async def test_events_come_in_order_and_end_with_the_call(talk):
    a, b = talk
    await b.hangup()
    async with asyncio.timeout(PATIENCE):
        events = [event async for event in a.events()]
    assert any(isinstance(event, ConnectedEvent) for event in events)
    assert isinstance(events[-1], CallEnded)
    assert events[-1].reason is EndReason.REMOTE_HANGUP
    assert all(event.call is a for event in events)


# --- commands that meet -------------------------------------------------------------------------


async def test_every_command_on_a_call_that_is_over_raises_and_says_why(talk):
    a, b = talk
    await a.hangup()
    await ends(b)
    for call in (a, b):
        for command in (
            call.answer,
            call.reject,
            call.hangup,
            call.hold,
            call.resume,
            call.mute,
            call.unmute,
            call.connected,
            lambda call=call: call.send_dtmf("1"),
        ):
            with pytest.raises(CallEndedError) as error:
                await command()
            assert error.value.reason is call.end_reason


async def test_commands_given_at_the_same_time_are_done_one_after_the_other(talk):
    a, _ = talk
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(a.hold(), a.resume(), a.hold(), a.resume())
    assert not a.is_on_hold
    assert await heard(a) == 880


async def test_hanging_up_while_a_hold_is_under_way_ends_both(talk):
    a, _ = talk
    holding = asyncio.create_task(a.hold())
    await asyncio.sleep(0)
    await a.hangup()
    with pytest.raises(CallEndedError):
        await holding


async def test_a_hold_that_is_cancelled_takes_effect_all_the_same(talk):
    a, _ = talk
    holding = asyncio.create_task(a.hold())
    await asyncio.sleep(0)
    holding.cancel()
    async with asyncio.timeout(PATIENCE):
        async for event in a.events():
            if type(event).__name__ == "CallHoldStateChangedEvent":
                break
    assert a.is_on_hold
    await a.resume()
    assert await heard(a) == 880


async def test_answering_twice_answers_once(cloud: RunningCloud, alice: Webex, bob: Webex):
    call = await alice.phone.dial_phone_number(cloud.number("bob"), tone(440))
    incoming = await next_call(bob)
    first, second = await asyncio.gather(
        incoming.answer(tone(880)), incoming.answer(tone(990)), return_exceptions=True
    )
    assert first is None
    assert isinstance(second, CallStateError)
    assert await heard(call) == 880


async def test_both_hang_up_at_once(talk):
    a, b = talk
    await asyncio.gather(a.hangup(), b.hangup())
    assert a.end_reason in (EndReason.LOCAL_HANGUP, EndReason.REMOTE_HANGUP)
    assert await ends(b) in (EndReason.LOCAL_HANGUP, EndReason.REMOTE_HANGUP)


async def test_calls_one_after_the_other_leave_nothing_open(
    cloud: RunningCloud, alice: Webex, bob: Webex
):
    before = len(asyncio.all_tasks())
    for _ in range(5):
        a, b = await connect(alice, bob, cloud.number("bob"), a=tone(440), b=tone(880))
        await a.hangup()
        await ends(b)
    assert alice.phone.calls == bob.phone.calls == ()
    assert len(asyncio.all_tasks()) <= before + 2


# --- files --------------------------------------------------------------------------------------


def _write_tone(path: Path, frequency: float, *, seconds: float, rate: int = 16_000) -> None:
    import wave

    time = np.arange(round(seconds * rate)) / rate
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((8000 * np.sin(2 * np.pi * frequency * time)).astype(np.int16).tobytes())


def _read(path: Path) -> tuple[np.ndarray, int]:
    import wave

    with wave.open(str(path), "rb") as file:
        return np.frombuffer(file.readframes(file.getnframes()), np.int16), file.getframerate()
