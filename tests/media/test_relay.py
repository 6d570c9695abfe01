"""Who hears whom, and that every listener hears one unbroken stream."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise

import pytest
import uvloop

from media.legs import Ear, Rtp, client_config, legs, negotiate, reached, rtp, service_config
from offhook.engine.rtp.opus_duration import opus_silence
from offhook.engine.rtp.rewrite import FRAME
from offhook.media.leg import LegState, WebRtcLeg
from offhook.media.opus import Decoder, Encoder
from offhook.media.relay import RelayPort
from offhook.media.scratch import Scratch
from offhook.media.spectrum import level_dbfs
from offhook.media.tones import dtmf
from offhook.wire.sdp import parse, render

SILENT_20_MS = opus_silence(FRAME)


class Caller:
    """A client on its own leg to the service, with an ear and a running sequence."""

    def __init__(self, client: WebRtcLeg, service: WebRtcLeg, ssrc: int) -> None:
        self.client = client
        self.service = service
        self.port = RelayPort(service)
        self.ear = Ear(client)
        self._ssrc = ssrc
        self._sequence = ssrc * 1000

    def say(self, payload: bytes, *, payload_type: int | None = None) -> None:
        self._sequence += 1
        assert self.client.format is not None
        self.client.send_rtp(
            rtp(
                payload,
                sequence=self._sequence,
                timestamp=self._sequence * FRAME,
                ssrc=self._ssrc,
                payload_type=payload_type or self.client.format.opus,
            )
        )

    @property
    def heard(self) -> list[bytes]:
        return [packet[12:] for packet in self.ear.rtp]

    async def hears(self, *payloads: bytes) -> None:
        await self.ear.until(lambda: self.heard[-len(payloads) :] == list(payloads))


def renumbered(sdp: str, types: dict[int, int]) -> str:
    """The same description with other payload types."""
    description = parse(sdp)
    audio = description.audio
    codecs = tuple(
        replace(codec, payload_type=types.get(codec.payload_type, codec.payload_type))
        for codec in audio.codecs
    )
    return render(replace(description, sections=(replace(audio, codecs=codecs),)))


@asynccontextmanager
async def callers(
    count: int, first_types: dict[int, int] | None = None
) -> AsyncIterator[list[Caller]]:
    """Connected callers. The first one's offer uses `first_types` as its payload types."""
    configs = [config() for _ in range(count) for config in (client_config, service_config)]
    async with legs(*configs) as opened:
        joined = []
        for index in range(count):
            client, service = opened[2 * index : 2 * index + 2]
            types = (first_types or {}) if index == 0 else {}
            offer = renumbered(await client.create_offer(), types)
            await client.accept_answer(await service.accept_offer(offer))
            joined.append(Caller(client, service, index + 1))
        for leg in opened:
            await reached(leg, LegState.CONNECTED)
        yield joined


async def settled() -> None:
    """Give packets that must not arrive the time in which the others do."""
    await asyncio.sleep(0.05)


async def test_two_joined_callers_hear_each_other() -> None:
    async with callers(2) as (alice, bob):
        alice.port.join(bob.port)
        alice.say(b"hello bob")
        bob.say(b"hello alice")
        await bob.hears(b"hello bob")
        await alice.hears(b"hello alice")
        assert Rtp(bob.ear.rtp[0]).ssrc == bob.service.ssrc


def test_it_is_the_same_on_uvloop() -> None:
    uvloop.run(test_two_joined_callers_hear_each_other())


async def test_nobody_hears_a_caller_who_is_not_joined() -> None:
    async with callers(2) as (alice, bob):
        alice.say(b"anybody?")
        alice.port.join(bob.port)
        alice.port.detach()
        bob.say(b"still there?")
        await settled()
        assert not alice.heard
        assert not bob.heard


async def test_a_newly_joined_caller_is_heard_and_the_old_one_is_not() -> None:
    async with callers(3) as (alice, bob, carol):
        alice.port.join(bob.port)
        bob.say(b"bob")
        await alice.hears(b"bob")
        alice.port.join(carol.port)
        bob.say(b"bob again")
        carol.say(b"carol")
        await alice.hears(b"bob", b"carol")
        alice.say(b"for carol")
        await carol.hears(b"for carol")
        await settled()
        assert not bob.heard
        assert bob.port.speaker is None


async def test_the_listener_sees_one_stream_through_every_change_of_speaker() -> None:
    async with callers(3) as (alice, bob, carol):
        for turn, speaker in enumerate((bob, carol, bob)):
            alice.port.join(speaker.port)
            words = [f"{turn} {word}".encode() for word in ("one", "two", "three")]
            for word in words:
                speaker.say(word)
            await alice.hears(*words)
        alice.port.send(b"tone", asyncio.get_running_loop().time())
        await alice.hears(b"tone")
        packets = [Rtp(packet) for packet in alice.ear.rtp]
        assert {packet.ssrc for packet in packets} == {alice.service.ssrc}
        for earlier, later in pairwise(packets):
            assert (later.sequence - earlier.sequence) & 0xFFFF == 1
            assert 0 < (later.timestamp - earlier.timestamp) & 0xFFFFFFFF < 48000
        assert [packet.marker for packet in packets] == [True, False, False] * 3 + [True]


async def test_what_was_said_in_between_leaves_no_gap() -> None:
    async with callers(2) as (alice, bob):
        alice.port.join(bob.port)
        bob.say(b"before")
        await alice.hears(b"before")
        alice.port.detach()
        for _ in range(5):
            bob.say(b"to nobody")
        await settled()
        alice.port.join(bob.port)
        bob.say(b"after")
        await alice.hears(b"after")
        one, two = (Rtp(packet) for packet in alice.ear.rtp)
        assert (two.sequence - one.sequence) & 0xFFFF == 1


async def test_legs_without_a_common_scratch_are_not_joined() -> None:
    async with legs(service_config(), service_config(scratch=Scratch())) as (one, two):
        with pytest.raises(ValueError, match="scratch"):
            RelayPort(one).join(RelayPort(two))


async def test_a_caller_hears_its_own_echo() -> None:
    async with callers(1) as (alice,):
        alice.port.echo()
        alice.say(b"hello")
        await alice.hears(b"hello")
        assert Rtp(alice.ear.rtp[0]).ssrc != 1


async def test_payload_types_are_those_that_each_side_negotiated() -> None:
    async with callers(2, {111: 96}) as (alice, bob):
        alice.port.join(bob.port)
        bob.say(b"hello")
        await alice.hears(b"hello")
        assert Rtp(alice.ear.rtp[0]).payload_type == 96
        alice.say(b"hello")
        await bob.hears(b"hello")
        assert Rtp(bob.ear.rtp[0]).payload_type == 111


async def test_digits_are_noticed_and_passed_on() -> None:
    async with callers(2) as (alice, bob):
        alice.port.join(bob.port)
        digits: list[str] = []
        alice.port.on_digit = digits.append
        alice.say(b"\x05\x0a\x03\xc0", payload_type=110)
        alice.say(b"voice")
        await bob.hears(b"\x05\x0a\x03\xc0", b"voice")
        assert digits == ["5"]


async def test_what_was_not_negotiated_is_not_passed_on() -> None:
    async with callers(2) as (alice, bob):
        alice.port.join(bob.port)
        alice.say(b"comfort noise", payload_type=13)
        alice.say(b"voice")
        await bob.hears(b"voice")
        assert bob.heard == [b"voice"]


async def test_a_holder_hears_nothing_until_it_resumes() -> None:
    async with callers(2) as (alice, bob):
        alice.port.join(bob.port)
        await negotiate(alice.client, alice.service, held=True)
        bob.say(b"during hold")
        await settled()
        await negotiate(alice.client, alice.service)
        alice.port.remap()
        bob.say(b"after hold")
        await alice.hears(b"after hold")
        assert alice.heard == [b"after hold"]


async def test_reports_reach_the_speaker_in_its_own_terms() -> None:
    async with callers(2) as (alice, bob):
        alice.port.join(bob.port)
        alice.say(b"hello")
        bob.say(b"hello")
        await bob.hears(b"hello")
        await alice.hears(b"hello")
        heard = Rtp(bob.ear.rtp[0])
        report = (
            b"\x81\xc9\x00\x07"
            + (2).to_bytes(4, "big")
            + heard.ssrc.to_bytes(4, "big")
            + bytes(4)
            + heard.sequence.to_bytes(4, "big")
            + bytes(12)
        )
        bob.client.send_rtcp(report)
        await alice.ear.until(lambda: bool(alice.ear.rtcp))
        mapped = alice.ear.rtcp[0]
        assert int.from_bytes(mapped[8:12], "big") == 1, "the report is about Alice's own SSRC"
        assert int.from_bytes(mapped[16:20], "big") == 1001


async def test_of_a_muted_caller_silence_is_heard_in_an_unbroken_stream() -> None:
    async with callers(2) as (alice, bob):
        alice.port.join(bob.port)
        words = encoded()
        alice.say(words[0])
        await bob.hears(words[0])
        alice.port.muted = True
        for word in words[1:4]:
            alice.say(word)
        await bob.ear.until(lambda: len(bob.heard) == 4)
        alice.port.muted = False
        alice.say(words[4])
        bob.say(words[5])
        await bob.hears(words[4])
        await alice.hears(words[5])
        packets = [Rtp(packet) for packet in bob.ear.rtp]
        assert [packet.payload for packet in packets] == [words[0], *[SILENT_20_MS] * 3, words[4]]
        for earlier, later in pairwise(packets):
            assert (later.sequence - earlier.sequence) & 0xFFFF == 1
            assert (later.timestamp - earlier.timestamp) & 0xFFFFFFFF == FRAME
        decoder = Decoder()
        heard = [level_dbfs(decoder.decode(packet.payload)) for packet in packets]
        assert heard[0] > -30
        assert heard[3] < -90


async def test_a_muted_caller_stays_so_with_whoever_is_joined() -> None:
    async with callers(3) as (alice, bob, carol):
        words = encoded()
        alice.port.muted = True
        alice.port.join(bob.port)
        alice.port.join(carol.port)
        alice.say(words[0])
        await carol.hears(SILENT_20_MS)
        alice.port.echo()
        alice.say(words[1])
        await alice.hears(SILENT_20_MS)


async def test_digits_of_a_muted_caller_are_passed_on() -> None:
    async with callers(2) as (alice, bob):
        digits: list[str] = []
        alice.port.on_digit = digits.append
        alice.port.join(bob.port)
        alice.port.muted = True
        alice.say(b"\x05\x0a\x03\xc0", payload_type=110)
        await bob.hears(b"\x05\x0a\x03\xc0")
        assert digits == ["5"]


async def test_what_a_muted_caller_sends_that_is_no_audio_is_dropped() -> None:
    async with callers(2) as (alice, bob):
        alice.port.join(bob.port)
        alice.port.muted = True
        alice.say(b"\x03")  # Opus with a number of frames to follow, which does not
        alice.say(encoded()[0])
        await bob.hears(SILENT_20_MS)
        assert len(bob.heard) == 1


async def test_whoever_is_interrupted_hears_nothing_else_and_one_stream() -> None:
    async with callers(2) as (alice, bob):
        loop = asyncio.get_running_loop()
        alice.port.join(bob.port)
        bob.say(b"before")
        await alice.hears(b"before")
        alice.port.interrupt()
        bob.say(b"meanwhile")
        alice.port.send(b"music", loop.time())
        for first in (True, False, False):
            alice.port.interrupt_with_event(b"\x05\x0a\x03\xc0", 110, loop.time(), first=first)
        await alice.ear.until(lambda: len(alice.heard) == 4)
        alice.say(b"meanwhile too")
        await bob.hears(b"meanwhile too")
        alice.port.resume()
        bob.say(b"after")
        await alice.hears(b"after")
        packets = [Rtp(packet) for packet in alice.ear.rtp]
        assert [packet.payload_type for packet in packets] == [111, 110, 110, 110, 111]
        assert len({packet.timestamp for packet in packets[1:4]}) == 1
        assert {packet.ssrc for packet in packets} == {alice.service.ssrc}
        for earlier, later in pairwise(packets):
            assert (later.sequence - earlier.sequence) & 0xFFFF == 1


async def test_an_interruption_without_anything_leaves_no_number_out() -> None:
    async with callers(2) as (alice, bob):
        alice.port.join(bob.port)
        bob.say(b"before")
        await alice.hears(b"before")
        alice.port.interrupt()
        bob.say(b"meanwhile")
        alice.say(b"meanwhile")
        await bob.hears(b"meanwhile")
        await settled()
        alice.port.resume()
        bob.say(b"after")
        await alice.hears(b"before", b"after")
        one, two = (Rtp(packet) for packet in alice.ear.rtp)
        assert (two.sequence - one.sequence) & 0xFFFF == 1


class Chair:
    """A seat that keeps what it gets."""

    def __init__(self) -> None:
        self.packets: list[bytes] = []
        self.reports: list[bytes] = []
        self.is_left = False

    def take(self, packet: bytes) -> None:
        self.packets.append(packet)

    def take_report(self, packet: bytes) -> None:
        self.reports.append(packet)

    def left(self) -> None:
        self.is_left = True


async def test_a_seat_gets_all_that_is_sent_until_it_is_left() -> None:
    async with callers(2) as (alice, bob):
        digits: list[str] = []
        alice.port.on_digit = digits.append
        alice.port.join(bob.port)
        chair = Chair()
        alice.port.sit(chair)
        alice.say(b"hello")
        alice.say(b"\x05\x0a\x03\xc0", payload_type=110)
        alice.client.send_rtcp(b"\x80\xc9\x00\x01\x00\x00\x00\x01")
        alice.port.send(b"welcome", asyncio.get_running_loop().time())
        await alice.hears(b"welcome")
        bob.say(b"to nobody")
        await settled()
        assert [packet[12:] for packet in chair.packets] == [b"hello", b"\x05\x0a\x03\xc0"]
        assert len(chair.reports) == 1
        assert digits == ["5"]
        assert alice.heard == [b"welcome"]
        assert not bob.heard
        alice.port.join(bob.port)
        assert chair.is_left
        alice.say(b"hello bob")
        await bob.hears(b"hello bob")
        assert len(chair.packets) == 2


def encoded() -> list[bytes]:
    """Some packets of real audio, 20 ms each."""
    encoder = Encoder()
    return [encoder.encode(frame) for frame in dtmf("123").reshape(-1, 960)[:8]]
