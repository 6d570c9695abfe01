"""Merging: from the command until all three hear each other, beside a third party in Janus.

Ours is the whole thing: alice talks to carol and holds bob, the SDK merges the two calls over REST,
and the service mixes. The peer is media only: bob and carol are in a room of Janus's AudioBridge,
and alice, who is connected and in another one, changes to it. Everybody is a tone, has the same
media stack, and hears the others when a frame of 20 ms has both tones in it. Rounds alternate, so
that noise of the machine hits both alike.
"""

import asyncio
import random
import statistics
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import numpy as np
import uvloop

from benchmarks import janus
from benchmarks.cloud import Cloud, cloud
from benchmarks.mixing import local_address
from offhook import Call, MediaOption, TokenAuthenticator, Webex
from offhook.media.certificate import Certificate
from offhook.media.ice import IceConfig
from offhook.media.leg import LegConfig, LegState, WebRtcLeg
from offhook.media.samples import Samples
from offhook.media.session import AudioSession
from offhook.media.sources import Tone

ROUNDS = 20
_LIMIT = 15.0
_RATE = 16_000
#: Whole periods in 20 ms: then each tone is one bin of the spectrum.
TONES = {"alice": 400.0, "bob": 900.0, "carol": 1500.0}
_BINS = {name: round(tone / 50) for name, tone in TONES.items()}
#: Share of a frame's power; and the power of a tone at -40 dBFS.
_PLAIN, _LOUD = 0.1, (0.01 * 32768 * _RATE / 50 / 2) ** 2
_PEOPLE = ("alice", "bob", "carol")


@dataclass
class Times:
    """Milliseconds, one of each a round."""

    all_hear: list[float] = field(default_factory=list)
    told: list[float] = field(default_factory=list)
    playout: list[float] = field(default_factory=list)

    def add(self, begun: float, told: float, heard: float, playout: float) -> None:
        """A round; times in seconds, `playout` in milliseconds."""
        self.told.append(1000 * (told - begun))
        self.all_hear.append(1000 * (heard - begun))
        self.playout.append(playout)


async def hears(frames: AsyncIterator[Samples], *names: str) -> float:
    """When a frame has these people's tones in it: each a plain part of what is heard."""
    places = [_BINS[name] for name in names]
    async for block in frames:
        power = np.square(np.abs(np.fft.rfft(block.astype(float))))
        if power[places].min() > max(_PLAIN * power.sum(), _LOUD):
            return time.perf_counter()
    raise RuntimeError("The call ended before all heard each other.")


async def any_moment() -> None:
    """Commands come at any moment of the 20 ms that everybody's frames last."""
    await asyncio.sleep(random.uniform(0.0, 0.02))


async def all_hear(frames: Mapping[str, AsyncIterator[Samples]]) -> float:
    """When the last one hears both others."""
    times = await asyncio.gather(
        *(hears(ear, *(each for each in frames if each != name)) for name, ear in frames.items())
    )
    return max(times)


# --- ours ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Office:
    """Three phones of the SDK."""

    alice: Webex
    bob: Webex
    carol: Webex

    async def merge(self, times: Times) -> None:
        """One round: two calls become a conference, and end."""
        with_bob, bobs = await self._call(self.bob, "bob", "1002")
        with_carol, carols = await self._call(self.carol, "carol", "1003")
        async with with_bob, bobs, with_carol, carols:
            ears = {"alice": with_carol, "bob": bobs, "carol": carols}
            await asyncio.gather(_hears(with_carol, "carol"), _hears(carols, "alice"))
            frames = {name: call.audio.frames(_RATE) for name, call in ears.items()}
            await any_moment()
            begun = time.perf_counter()
            heard = asyncio.create_task(all_hear(frames))
            await with_carol.merge_calls(with_bob)
            told = time.perf_counter()
            qualities = [call.quality for call in ears.values()]
            playout = max(each.delay_ms for each in qualities if each is not None)
            times.add(begun, told, await heard, playout)

    async def _call(self, webex: Webex, name: str, number: str) -> tuple[Call, Call]:
        outgoing = await self.alice.phone.dial_phone_number(number, _voice("alice"))
        incoming = await anext(webex.phone.incoming_calls())
        await incoming.answer(_voice(name))
        await outgoing.connected()
        return outgoing, incoming


def _voice(name: str) -> MediaOption:
    return MediaOption.audio_only(source=f"tone:{TONES[name]:g}")


async def _hears(call: Call, *names: str) -> None:
    await hears(call.audio.frames(_RATE), *names)


@asynccontextmanager
async def office(service: Cloud) -> AsyncIterator[Office]:
    """All signed in and ready."""
    tokens = {person["name"].split()[0].lower(): person["token"] for person in service.people}
    async with AsyncExitStack() as stack:
        phones = [
            await stack.enter_async_context(
                Webex(TokenAuthenticator(tokens[name]), cloud=service.http)
            )
            for name in _PEOPLE
        ]
        for phone in phones:
            await phone.phone.ready(_LIMIT)
        yield Office(*phones)


# --- Janus --------------------------------------------------------------------------------------


class Guest:
    """Somebody in a room of Janus."""

    def __init__(self, server: janus.Janus, name: str) -> None:
        self._server = server
        self._handle = 0
        self.leg = WebRtcLeg(LegConfig(Certificate.generate(), IceConfig()))
        self.session = AudioSession(self.leg, source=Tone(TONES[name], -12.0))

    async def join(self, room: int) -> None:
        """Connect, and enter."""
        self._handle = await self._server.attach()
        await self._server.request(self._handle, {"request": "join", "room": room})
        offer = {"type": "offer", "sdp": await self.leg.create_offer()}
        connected = asyncio.Event()
        self.leg.on_state = lambda state: state is LegState.CONNECTED and connected.set()
        answer = await self._server.request(self._handle, {"request": "configure"}, offer)
        await self.leg.accept_answer(answer["jsep"]["sdp"])
        await connected.wait()
        await self.session.start()

    async def change(self, room: int) -> None:
        """Into another room."""
        await self._server.request(self._handle, {"request": "changeroom", "room": room})

    async def close(self) -> None:
        """Leave."""
        await self.session.close()
        await self.leg.close()


@asynccontextmanager
async def janus_room(server: janus.Janus) -> AsyncIterator[dict[str, Guest]]:
    """Bob and carol in room 1, alice in room 2."""
    guests = {name: Guest(server, name) for name in _PEOPLE}
    try:
        for name, guest in guests.items():
            await guest.join(2 if name == "alice" else 1)
        bob, carol = guests["bob"].session, guests["carol"].session
        await asyncio.gather(hears(bob.frames(_RATE), "carol"), hears(carol.frames(_RATE), "bob"))
        yield guests
    finally:
        for guest in guests.values():
            await guest.close()


async def change_room(server: janus.Janus, times: Times) -> None:
    """One round."""
    async with janus_room(server) as guests:
        frames = {name: guest.session.frames(_RATE) for name, guest in guests.items()}
        await any_moment()
        begun = time.perf_counter()
        heard = asyncio.create_task(all_hear(frames))
        await guests["alice"].change(1)
        told = time.perf_counter()
        playout = max(each.session.quality.delay_ms for each in guests.values())
        times.add(begun, told, await heard, playout)


async def _rooms(server: janus.Janus) -> None:
    handle = await server.attach()
    for room in (1, 2):
        request = {"request": "create", "room": room, "sampling_rate": 48_000}
        await server.request(handle, request)


# --- both ---------------------------------------------------------------------------------------


async def run(service: Cloud) -> dict[str, Times]:
    results = {"Offhook": Times()}
    async with AsyncExitStack() as stack:
        phones = await stack.enter_async_context(office(service))
        server = None
        if janus.installed():
            local_address()  # Janus refuses loopback
            server = await stack.enter_async_context(janus.running())
            await _rooms(server)
            results["Janus AudioBridge"] = Times()
        for _ in range(ROUNDS):
            async with asyncio.timeout(_LIMIT):
                await phones.merge(results["Offhook"])
            if server is not None:
                async with asyncio.timeout(_LIMIT):
                    await change_room(server, results["Janus AudioBridge"])
    return results


def main() -> int:
    with cloud(core=0) as service:
        results = uvloop.run(run(service))
    print(
        "| 3 parties | all hear all, median | p90 | of it: command answered "
        "| clients' playout delay | the rest | ratio |"
    )
    print("|---|---|---|---|---|---|---|")
    ours = statistics.median(results["Offhook"].all_hear)
    for name, times in results.items():
        middle, told, playout = map(statistics.median, (times.all_hear, times.told, times.playout))
        p90 = sorted(times.all_hear)[int(0.9 * ROUNDS)]
        print(
            f"| {name} | {middle:.0f} ms | {p90:.0f} ms | {told:.0f} ms | {playout:.0f} ms "
            f"| {middle - told - playout:.0f} ms | {ours / middle:.2f} |"
        )
    print(
        "\nThe rest: a seat in the mix waits until a stream has come steadily for 20 ms, then come "
        "its next frame\nand the 20 ms in which the tones are found. Janus has all three in its "
        "buffers before, which every\npacket pays for with a longer way; our relay has no buffer."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
