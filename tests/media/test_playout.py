"""Sounds keep real time, for many legs at once, also when the event loop was held up."""

import asyncio
import time
from itertools import pairwise

from media.legs import Ear, Rtp, client_config, connect, legs, negotiate, service_config
from offhook.engine.rtp.rewrite import FRAME
from offhook.media.playout import Player, PlayoutClock
from offhook.media.relay import RelayPort
from offhook.media.samples import FRAME_SECONDS

SOUND = [f"frame {number}".encode() for number in range(10)]


async def test_a_sound_is_played_in_order_and_in_time() -> None:
    async with legs(client_config(), service_config()) as (client, service):
        await connect(client, service)
        ear = Ear(client)
        player, clock = Player(RelayPort(service)), PlayoutClock()
        ended = asyncio.Event()
        player.play(SOUND, on_end=ended.set)
        started = time.monotonic()
        clock.add(player)
        packets = await ear.packets(len(SOUND))
        assert [packet.payload for packet in packets] == SOUND
        assert time.monotonic() - started >= FRAME_SECONDS * (len(SOUND) - 1)
        assert ended.is_set()
        _assert_steady(packets)
        clock.stop()


async def test_a_stall_is_caught_up_without_a_gap() -> None:
    async with legs(client_config(), service_config()) as (client, service):
        await connect(client, service)
        ear = Ear(client)
        player, clock = Player(RelayPort(service)), PlayoutClock()
        player.play(SOUND, repeat=True)
        clock.add(player)
        await ear.packets(2)
        time.sleep(FRAME_SECONDS * 3.5)  # noqa: ASYNC251 - the stall itself
        behind = len(ear.rtp)
        await asyncio.sleep(0)
        await ear.packets(behind + 3)
        _assert_steady([Rtp(packet) for packet in ear.rtp])
        clock.stop()


async def test_one_clock_serves_many_and_stops_with_the_last() -> None:
    configs = [config() for _ in range(3) for config in (client_config, service_config)]
    async with legs(*configs) as opened:
        clock = PlayoutClock()
        ears = []
        for client, service in zip(opened[::2], opened[1::2], strict=True):
            await connect(client, service)
            ears.append(Ear(client))
            player = Player(RelayPort(service))
            player.play(SOUND)
            clock.add(player)
        for ear in ears:
            assert [packet.payload for packet in await ear.packets(10)] == SOUND
        await asyncio.sleep(FRAME_SECONDS * 3)
        assert all(len(ear.rtp) == 10 for ear in ears)
        assert clock.is_idle


async def test_nothing_of_a_sound_is_lost_while_the_leg_cannot_send() -> None:
    async with legs(client_config(), service_config()) as (client, service):
        ear = Ear(client)
        player, clock = Player(RelayPort(service)), PlayoutClock()
        player.play(SOUND)
        clock.add(player)
        await asyncio.sleep(FRAME_SECONDS * 3)
        await connect(client, service)
        await negotiate(client, service, held=True)
        before = len(ear.rtp)
        await asyncio.sleep(FRAME_SECONDS * 3)
        assert len(ear.rtp) - before <= 1
        await negotiate(client, service)
        assert [packet.payload for packet in await ear.packets(10)] == SOUND
        clock.stop()


async def test_an_insert_interrupts_and_the_sound_goes_on() -> None:
    async with legs(client_config(), service_config()) as (client, service):
        await connect(client, service)
        ear = Ear(client)
        player, clock = Player(RelayPort(service)), PlayoutClock()
        player.play(SOUND)
        clock.add(player)
        await ear.packets(3)
        player.insert([b"one"])
        player.insert([b"two"])
        heard = [packet.payload for packet in await ear.packets(12)]
        at = heard.index(b"one")
        assert heard[at : at + 2] == [b"one", b"two"]
        assert heard[:at] + heard[at + 2 :] == SOUND
        clock.stop()


def _assert_steady(packets: list[Rtp]) -> None:
    for earlier, later in pairwise(packets):
        assert (later.sequence - earlier.sequence) & 0xFFFF == 1
        assert (later.timestamp - earlier.timestamp) & 0xFFFFFFFF == FRAME
    assert [packet.marker for packet in packets] == [True] + [False] * (len(packets) - 1)
