"""Call set-up: from dialling to sound on both sides, beside two bare aiortc connections.

Ours is the whole thing: the SDK dials, the service rings bob over Mercury, bob answers at once, and
both legs come up through the service. The peer is media only: two aiortc peer connections in one
process that hand each other their descriptions. Both end when each side has decoded the other's
tone. Rounds alternate, so that noise of the machine hits both alike.
"""

import asyncio
import statistics
import sys
import time
from fractions import Fraction

import numpy as np
import uvloop

from benchmarks.cloud import Cloud, cloud
from offhook import MediaOption, TokenAuthenticator, Webex

ROUNDS = 30
_LIMIT = 10.0
_LOUD = 500


async def ours(alice: Webex, bob: Webex, number: str) -> float:
    """Seconds from dialling until both sides hear a tone."""
    incoming = bob.phone.incoming_calls()
    started = time.perf_counter()
    media = MediaOption.audio_only(source="tone:440")
    outgoing = await alice.phone.dial_phone_number(number, media)
    call = await anext(incoming)
    async with outgoing, call:
        await call.answer(MediaOption.audio_only(source="tone:880"))
        await asyncio.gather(_sound(outgoing), _sound(call))
        return time.perf_counter() - started


async def _sound(call: object) -> None:
    async for block in call.audio.frames(48_000):  # type: ignore[attr-defined]
        if np.abs(block).max() > _LOUD:
            return


async def aiortc_pair() -> float:
    """The same with two aiortc connections and nothing between them."""
    import av
    from aiortc import MediaStreamTrack, RTCPeerConnection

    class Tone(MediaStreamTrack):
        kind = "audio"

        def __init__(self) -> None:
            super().__init__()
            self._count = 0
            self._start = 0.0

        async def recv(self) -> av.AudioFrame:
            if not self._count:
                self._start = time.time()
            wait = self._start + self._count * 0.02 - time.time()
            if wait > 0:
                await asyncio.sleep(wait)
            samples = (8000 * np.sin(np.arange(960) * 2 * np.pi * 440 / 48000)).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(samples[None, :], "s16", "mono")
            frame.sample_rate = 48000
            frame.pts = self._count * 960
            frame.time_base = Fraction(1, 48000)
            self._count += 1
            return frame

    async def heard(track: asyncio.Future[MediaStreamTrack]) -> None:
        source = await track
        while True:
            frame = await source.recv()
            if np.abs(frame.to_ndarray()).max() > _LOUD:
                return

    started = time.perf_counter()
    loop = asyncio.get_running_loop()
    pair = [RTCPeerConnection(), RTCPeerConnection()]
    tracks = [loop.create_future(), loop.create_future()]
    for connection, future in zip(pair, tracks, strict=True):
        connection.on("track", future.set_result)
        connection.addTrack(Tone())
    caller, callee = pair
    await caller.setLocalDescription(await caller.createOffer())
    await callee.setRemoteDescription(caller.localDescription)
    await callee.setLocalDescription(await callee.createAnswer())
    await caller.setRemoteDescription(callee.localDescription)
    await asyncio.gather(*(heard(future) for future in tracks))
    took = time.perf_counter() - started
    for connection in pair:
        await connection.close()
    return took


async def _rounds(service: Cloud) -> tuple[list[float], list[float]]:
    tokens = {person["name"].split()[0]: person["token"] for person in service.people}
    mine, peers = [], []
    async with (
        Webex(TokenAuthenticator(tokens["Alice"]), cloud=service.http) as alice,
        Webex(TokenAuthenticator(tokens["Bob"]), cloud=service.http) as bob,
    ):
        await alice.phone.ready(_LIMIT)
        await bob.phone.ready(_LIMIT)
        for _ in range(ROUNDS):
            async with asyncio.timeout(_LIMIT):
                mine.append(await ours(alice, bob, "1002"))
            async with asyncio.timeout(_LIMIT):
                peers.append(await aiortc_pair())
    return mine, peers


def main() -> int:
    with cloud(core=0) as service:
        mine, peers = uvloop.run(_rounds(service))
    print(f"| {ROUNDS} rounds each | median | p90 |")
    print("|---|---|---|")
    for name, times in (("Offhook: dial to sound both ways", mine), ("two aiortc peers", peers)):
        times.sort()
        p90 = times[int(0.9 * len(times))]
        print(f"| {name} | {statistics.median(times) * 1000:.0f} ms | {p90 * 1000:.0f} ms |")
    ratio = statistics.median(mine) / statistics.median(peers)
    print(f"| **ratio of medians** (target at most 1.5) | **{ratio:.2f}** | |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
