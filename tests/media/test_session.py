"""Two people, a network between them, and who hears whom."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from media.legs import client_config, connect, legs, service_config
from media.lossy_wire import FORMAT, WirePort, jittery, losing, wire
from offhook.engine.rtp.rtcp import Goodbye, SenderReport, SourceDescription
from offhook.engine.rtp.telephone_event import InvalidDigitError
from offhook.media.errors import MediaError
from offhook.media.files import FileSink, FileSource
from offhook.media.samples import Samples
from offhook.media.session import AudioSession, DigitsUnavailableError
from offhook.media.sinks import AudioSinkError, FrameQueue, Nowhere
from offhook.media.sources import AudioSource, AudioSourceError, Frames, Silence, Tone
from offhook.media.spectrum import dominant_tone, level_dbfs
from offhook.media.voice_sender import VoiceSender
from offhook.wire.sdp.negotiation import AudioFormat

WAIT = 10.0


@asynccontextmanager
async def call(
    one: AudioSource | None = None,
    two: AudioSource | None = None,
    ports: tuple[WirePort, WirePort] | None = None,
) -> AsyncIterator[tuple[AudioSession, AudioSession]]:
    """Two sessions in a call."""
    left, right = ports or wire()
    async with AsyncExitStack() as stack:
        sessions = AudioSession(left, source=one), AudioSession(right, source=two)
        for session in sessions:
            stack.push_async_callback(session.close)
            await session.start()
        yield sessions


async def hear(session: AudioSession, seconds: float, *, rate: int = 16_000) -> Samples:
    """What is heard in the next seconds."""
    blocks = []
    async with asyncio.timeout(seconds + WAIT):
        async for block in session.frames(rate, block_ms=100):
            blocks.append(block)
            if len(blocks) * 0.1 >= seconds:
                break
    return np.concatenate(blocks)


async def hear_tone(session: AudioSession, frequency: float) -> None:
    """Wait until this tone, and no other, is heard."""
    async with asyncio.timeout(WAIT):
        async for block in session.frames(8_000, block_ms=200):
            found = dominant_tone(block, 8_000)
            if found is not None and abs(found.frequency - frequency) < 3:
                return
    raise AssertionError(f"the call ended before {frequency} Hz were heard")


async def hear_silence(session: AudioSession) -> None:
    """Wait until nothing at all is heard."""
    async with asyncio.timeout(WAIT):
        async for block in session.frames(8_000, block_ms=200):
            if level_dbfs(block) < -70:
                return
    raise AssertionError("the call ended before it was silent")


async def test_each_side_hears_the_other_and_only_the_other() -> None:
    async with call(Tone(440), Tone(660)) as (one, two):
        heard = await asyncio.gather(hear(one, 1.2), hear(two, 1.2, rate=48_000))
        for samples, rate, frequency in ((heard[0], 16_000, 660), (heard[1], 48_000, 440)):
            found = dominant_tone(samples[rate // 2 :], rate)
            assert found is not None
            assert found.frequency == pytest.approx(frequency, abs=1)
            assert found.level == pytest.approx(-15, abs=1)
        assert one.quality.packets_lost == 0
        assert one.quality.mos > 4.2


async def test_over_real_legs_each_side_hears_the_other_and_its_keys() -> None:
    async with legs(client_config(), service_config()) as (client, service):
        await connect(client, service)
        one = AudioSession(client, source=Tone(440))
        two = AudioSession(service, source=Tone(660))
        try:
            await asyncio.gather(one.start(), two.start())
            await asyncio.gather(hear_tone(one, 660), hear_tone(two, 440))
            pressed: list[str] = []
            two.on_dtmf = pressed.append
            async with asyncio.timeout(WAIT):
                await one.send_dtmf("9#")
            await hear_tone(two, 440)
            assert pressed == ["9", "#"]
            assert two.quality.packets_lost == 0
        finally:
            await asyncio.gather(one.close(), two.close())


async def test_a_network_that_loses_and_delays_is_heard_through() -> None:
    ports = wire()
    for port in ports:
        port.loses = losing(range(5, 1000, 12))
        port.delay = jittery(0.010, 0.030)
    async with call(Tone(440), Tone(660), ports) as (one, two):
        first, second = await asyncio.gather(hear(one, 2.0), hear(two, 2.0))
        for samples, frequency in ((first, 660), (second, 440)):
            found = dominant_tone(samples[8_000:], 16_000)
            assert found is not None
            assert found.frequency == pytest.approx(frequency, abs=2)
            quietest = min(level_dbfs(piece) for piece in np.array_split(samples[8_000:], 100))
            assert quietest > -45
        assert one.quality.loss == pytest.approx(1 / 12, abs=0.03)
        assert one.quality.mos < 4.2


async def test_the_sender_keeps_the_time_of_the_clock() -> None:
    async with call(Tone(440)) as (one, two):
        await hear(two, 1.5)
        port = one._port  # the wire's end, where the packets were counted
        assert isinstance(port, WirePort)
        times = [at for at, _ in port.sent]
        assert (times[-1] - times[0]) / (len(times) - 1) == pytest.approx(0.020, abs=0.0005)
        first, last = port.sent[0][1], port.sent[-1][1]
        assert (last.timestamp - first.timestamp) & 0xFFFFFFFF == 960 * (len(times) - 1)


async def test_mute_sends_silence_so_that_the_path_stays_open() -> None:
    async with call(Tone(440)) as (one, two):
        await hear_tone(two, 440)
        one.muted = True
        await hear_silence(two)
        before = two.quality.packets_received
        await hear(two, 0.3)
        assert two.quality.packets_received >= before + 10
        one.muted = False
        await hear_tone(two, 440)


async def test_on_hold_nothing_is_sent_or_heard_and_the_source_stands_still() -> None:
    async def count() -> AsyncIterator[Samples]:
        nonlocal read
        while True:
            read += 1
            yield np.full(960, 8000, np.int16)

    read = 0
    async with call(Frames(count()), Tone(660)) as (one, _):
        await hear_tone(one, 660)
        one.paused = True
        await hear_silence(one)
        sent, taken = one.quality.packets_sent, read
        await hear(one, 0.3)
        assert one.quality.packets_sent == sent
        assert read == taken
        one.paused = False
        await hear_tone(one, 660)
        assert read > taken
        assert one.quality.packets_lost == 0


async def test_source_and_sink_can_change_in_mid_call() -> None:
    async with call(Tone(440)) as (one, two):
        await hear_tone(two, 440)
        await one.play(Tone(880))
        await hear_tone(two, 880)
        queue = FrameQueue(24_000, block_ms=100)
        await two.record(queue)
        async with asyncio.timeout(WAIT):
            async for block in queue:
                found = dominant_tone(block, 24_000)
                if found is not None and abs(found.frequency - 880) < 3:
                    break
        await two.record(Nowhere())
        async with asyncio.timeout(WAIT):
            async for _ in queue:  # the old sink was closed: this ends
                pass
        await hear_tone(two, 880)


async def test_digits_are_sent_when_the_call_says_so() -> None:
    async with call(Tone(440), Tone(660)) as (one, two):
        pressed: list[str] = []
        two.on_dtmf = pressed.append
        await hear_tone(two, 440)
        loop = asyncio.get_running_loop()
        begun = loop.time()
        async with asyncio.timeout(WAIT):
            await one.send_dtmf("1*d")
        assert 0.5 < loop.time() - begun < 1.5
        await hear_tone(two, 440)
        assert pressed == ["1", "*", "D"]
        assert two.quality.packets_lost == 0
        assert two.quality.jitter_ms < 15


async def test_digits_of_two_callers_go_out_one_after_the_other() -> None:
    async with call() as (one, two):
        pressed: list[str] = []
        two.on_dtmf = pressed.append
        async with asyncio.timeout(WAIT):
            await asyncio.gather(one.send_dtmf("12"), one.send_dtmf("3"), one.send_dtmf(""))
        await hear(two, 0.2)
        assert pressed == ["1", "2", "3"]


async def test_digits_that_cannot_be_sent_are_refused_with_a_sentence() -> None:
    async with call() as (one, two):
        with pytest.raises(InvalidDigitError):
            await one.send_dtmf("12x")
        port = two._port
        assert isinstance(port, WirePort)
        port.format = AudioFormat(opus=111, telephone_event=None)
        with pytest.raises(DigitsUnavailableError, match="does not take digits"):
            await two.send_dtmf("1")
        port.format = None
        with pytest.raises(DigitsUnavailableError, match="while audio is connected"):
            await two.send_dtmf("1")
    with pytest.raises(DigitsUnavailableError):
        await one.send_dtmf("1")


@pytest.mark.parametrize("end", ["close", "hold"])
async def test_digits_under_way_end_with_the_call_or_its_hold(end: str) -> None:
    async with call() as (one, _):
        sending = asyncio.create_task(one.send_dtmf("123456789"))
        await asyncio.sleep(0.1)
        if end == "close":
            await one.close()
        else:
            one.pause()
        with pytest.raises(DigitsUnavailableError, match="before all digits were sent"):
            async with asyncio.timeout(WAIT):
                await sending


async def test_who_gives_up_waiting_does_not_stop_the_digits() -> None:
    async with call() as (one, two):
        pressed: list[str] = []
        two.on_dtmf = pressed.append
        waiting = asyncio.create_task(one.send_dtmf("12"))
        await asyncio.sleep(0.05)
        waiting.cancel()
        await asyncio.wait([waiting])
        async with asyncio.timeout(WAIT):
            await one.send_dtmf("3")
        await hear(two, 0.2)
        assert pressed == ["1", "2", "3"]


async def test_a_source_that_is_over_says_so_and_silence_follows() -> None:
    async def short() -> AsyncIterator[Samples]:
        for _ in range(20):
            yield (8000 * np.sin(np.arange(960) * 2 * np.pi * 500 / 48_000)).astype(np.int16)

    async with call(Frames(short())) as (one, two):
        over = asyncio.Event()
        one.on_source_end = over.set
        await hear_tone(two, 500)
        async with asyncio.timeout(WAIT):
            await over.wait()
        await hear_silence(two)
        assert two.quality.packets_lost == 0


async def test_a_source_that_breaks_is_told_and_the_call_goes_on() -> None:
    async def broken() -> AsyncIterator[Samples]:
        yield np.zeros(960, np.int16)
        raise RuntimeError("the voice was lost")

    async with call(Frames(broken()), Tone(660)) as (one, _):
        errors: asyncio.Queue[MediaError] = asyncio.Queue()
        one.on_error = errors.put_nowait
        async with asyncio.timeout(WAIT):
            error = await errors.get()
        assert isinstance(error, AudioSourceError)
        assert "the voice was lost" in str(error)
        await hear_tone(one, 660)


async def test_a_source_that_hesitates_does_not_hold_up_the_call() -> None:
    async def hesitant() -> AsyncIterator[Samples]:
        yield np.zeros(96, np.int16)
        await asyncio.Event().wait()

    async with call(Frames(hesitant()), Tone(660)) as (one, two):
        await hear_tone(one, 660)
        await hear_silence(two)
        assert two.quality.packets_received > 10


async def test_a_sink_that_breaks_is_told_and_the_call_goes_on() -> None:
    class Broken(Nowhere):
        closed = False

        def write(self, frame: Samples) -> None:
            raise AudioSinkError("No more paper.")

        async def close(self) -> None:
            self.closed = True

    async with call(None, Tone(660)) as (one, _):
        errors: asyncio.Queue[MediaError] = asyncio.Queue()
        one.on_error = errors.put_nowait
        sink = Broken()
        await one.record(sink)
        async with asyncio.timeout(WAIT):
            assert str(await errors.get()) == "No more paper."
        await hear_tone(one, 660)
        assert sink.closed
        assert errors.empty()


async def test_what_cannot_be_opened_is_refused_and_nothing_changes(tmp_path: Path) -> None:
    async with call(Tone(440)) as (one, two):
        await hear_tone(two, 440)
        with pytest.raises(AudioSourceError):
            await one.play(FileSource(tmp_path / "missing.wav"))
        with pytest.raises(AudioSinkError):
            await two.record(FileSink(tmp_path / "no" / "folder.wav"))
        await hear_tone(two, 440)


async def test_what_is_chosen_before_the_start_is_used_and_what_was_chosen_first_is_closed() -> (
    None
):
    left, right = wire()
    ended = asyncio.Event()

    class First(Silence):
        async def close(self) -> None:
            ended.set()

    one, two = AudioSession(left, source=First()), AudioSession(right)
    queue = FrameQueue(8_000, block_ms=200)
    await one.play(Tone(440))
    await two.record(queue)
    assert ended.is_set()
    try:
        await asyncio.gather(one.start(), two.start())
        async with asyncio.timeout(WAIT):
            async for block in queue:
                found = dominant_tone(block, 8_000)
                if found is not None and abs(found.frequency - 440) < 3:
                    break
    finally:
        await asyncio.gather(one.close(), two.close())
    late = First()
    ended.clear()
    await one.play(late)
    assert ended.is_set()  # nobody will play it any more


async def test_a_call_that_cannot_start_leaves_nothing_open(tmp_path: Path) -> None:
    port, _ = wire()
    session = AudioSession(port, source=FileSource(tmp_path / "missing.wav"))
    with pytest.raises(AudioSourceError):
        await session.start()
    await session.close()
    assert port.sent == []
    assert port.reports == []


async def test_a_file_is_played_and_recorded_to_its_end(tmp_path: Path) -> None:
    spoken = FileSink(tmp_path / "spoken.wav", 16_000)
    await spoken.open()
    for _ in range(50):
        spoken.write((8000 * np.sin(np.arange(320) * 2 * np.pi * 500 / 16_000)).astype(np.int16))
    await spoken.close()
    one_port, two_port = wire()
    one = AudioSession(one_port, source=FileSource(tmp_path / "spoken.wav"))
    two = AudioSession(two_port, sink=FileSink(tmp_path / "heard.wav", 16_000))
    over = asyncio.Event()
    one.on_source_end = over.set
    await two.start()
    await one.start()
    async with asyncio.timeout(WAIT):
        await over.wait()
    await hear_silence(two)
    await one.close()
    await two.close()
    again = FileSource(tmp_path / "heard.wav", rate=16_000)
    await again.open()
    heard = await again.read(16_000 * 20)
    await again.close()
    assert heard is not None
    loud = [level_dbfs(piece) > -30 for piece in heard[: len(heard) // 320 * 320].reshape(-1, 320)]
    assert sum(loud) == pytest.approx(50, abs=8)  # the loss concealment rounds its end off
    found = dominant_tone(heard[loud.index(True) * 320 :][:16_000], 16_000)
    assert found is not None
    assert found.frequency == pytest.approx(500, abs=1)


async def test_both_sides_know_their_round_trip_and_say_goodbye() -> None:
    ports = wire()
    for port in ports:
        port.delay = lambda: 0.030
    async with call(Tone(440), Tone(660), ports) as (one, _):
        async with asyncio.timeout(WAIT):
            while one.quality.round_trip_ms is None:
                await hear(one, 0.2)
        # 30 ms each way, and what a busy machine adds.
        assert 55 <= one.quality.round_trip_ms < 250
        assert one.quality.remote_loss == 0
        kinds = [type(each) for each in ports[0].reports]
        assert kinds[:2] == [SenderReport, SourceDescription]
        await one.close()
        assert isinstance(ports[0].reports[-1], Goodbye)
        assert ports[0].reports[-1].sources == (one._port.ssrc,)


async def test_a_machine_that_was_held_up_loses_nothing_of_what_was_said() -> None:
    """The event loop stands still for a third of a second; then the session catches up."""
    port, _ = wire()
    async with AsyncExitStack() as stack:
        session = AudioSession(port)
        stack.push_async_callback(session.close)
        await session.start()
        loop = asyncio.get_running_loop()
        sender, source = VoiceSender(5), Tone(440)
        begin = loop.time() + 0.05
        for step in range(150):
            frame = await source.read(960)
            assert frame is not None
            packet = sender.packet(frame, 48_000, FORMAT)
            loop.call_at(begin + step * 0.020, lambda data: port.on_rtp(data), packet.serialise())
        await hear_tone(session, 440)
        listening = asyncio.create_task(hear(session, 1.5, rate=8_000))
        await asyncio.sleep(0.4)
        time.sleep(0.34)  # noqa: ASYNC251 - the stall is the story
        heard = await listening
        assert dominant_tone(heard, 8_000) is not None
        quietest = min(level_dbfs(piece) for piece in np.array_split(heard, 75))
        assert quietest > -25
        assert session.quality.concealed_ms <= 20
        assert session.quality.delay_ms < 60
        assert session.quality.packets_lost == 0


async def test_who_stops_listening_is_forgotten() -> None:
    async with call(None, Tone(660)) as (one, _):
        async for _ in one.frames(16_000):
            break
        await hear_tone(one, 660)
        gc.collect()
        assert len(one._listeners) == 0


async def test_the_loop_over_frames_ends_with_the_call() -> None:
    async with call(None, Tone(660)) as (one, _):
        listening = asyncio.create_task(hear(one, 1000))
        await hear_tone(one, 660)
        await one.close()
        async with asyncio.timeout(WAIT):
            assert len(await listening) >= 1600
        assert [block async for block in one.frames()] == []


async def test_closing_is_quick_and_may_be_done_twice_and_before_the_start() -> None:
    async with call(Tone(440), Tone(660)) as (one, two):
        await hear_tone(one, 660)
        async with asyncio.timeout(1.0):
            await asyncio.gather(one.close(), two.close(), one.close())
        await one.close()
        port = one._port
        assert isinstance(port, WirePort)
        count = len(port.sent)
        await asyncio.sleep(0.1)
        assert len(port.sent) == count
    never = AudioSession(wire()[0])
    await never.close()
    await never.start()
    assert never.closed


async def test_rubbish_on_the_wire_is_counted_and_does_no_harm() -> None:
    async with call(Tone(440)) as (one, two):
        await hear_tone(two, 440)
        for rubbish in (b"", b"\x80", b"\x00" * 40, b"\x80\x6f" + b"\xff" * 3, b"\x81\xc8\x00\xff"):
            two._port.on_rtp(rubbish)
            two._port.on_rtcp(rubbish)
        await hear_tone(two, 440)
        assert one.quality.packets_sent > 0


async def test_before_a_format_is_agreed_on_nothing_is_sent() -> None:
    one_port, two_port = wire()
    one_port.format = None
    async with call(Tone(440), None, (one_port, two_port)) as (_, two):
        await hear(two, 0.2)
        assert one_port.sent == []
        one_port.format = FORMAT
        await hear_tone(two, 440)


async def test_silence_is_sent_where_no_source_is_named() -> None:
    async with call(Silence(), None) as (_, two):
        heard = await hear(two, 0.5)
        assert level_dbfs(heard) < -80
        assert two.quality.packets_received > 10
