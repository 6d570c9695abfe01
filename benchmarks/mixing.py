"""Mixing: processor time a participant, missing frames and lateness, beside Janus AudioBridge.

The same WebRTC clients (ICE, DTLS-SRTP, Opus at 48 kHz) call both mixers, each a process of its
own; they take turns, so that noise of the machine hits both alike. Nothing is pinned to a core.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from benchmarks import janus, precedence
from benchmarks.mixing_load import Participant, Watch, silence, talk, tone, tones_in
from benchmarks.relay import cpu_seconds
from offhook.media.certificate import Certificate
from offhook.media.ice import IceConfig, machine_addresses
from offhook.media.opus import Decoder
from offhook.media.spectrum import level_dbfs

PARTICIPANTS = 30
ROOM_SIZES = (3, 10, 30)
#: Who talks in a room of any size where not all do.
TALKERS = 2
SETUP_LIMIT = 60.0
FRAMES_A_SECOND = 50
WARM_UP = 0.6
DELAY_ROUNDS = 2


class Mixer(Protocol):
    """A mixer under test."""

    name: str
    process: int

    async def connect(self, participant: Participant, room: int) -> None:
        """Bring a participant into a room, 1 or above."""


class Offhook:
    """Our media plane."""

    name = "Offhook"

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.process = process.pid

    async def connect(self, participant: Participant, room: int) -> None:
        offer = await participant.leg.create_offer()
        answer = await self._ask({"leg": str(participant.place), "room": room, "offer": offer})
        await participant.leg.accept_answer(answer["answer"])
        await participant.connected()

    async def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        answer: dict[str, Any] = json.loads(await self._process.stdout.readline())
        return answer


class AudioBridge:
    """Janus's mixer, in rooms of 48 kHz and as it comes otherwise."""

    name = "Janus AudioBridge"

    def __init__(self, server: janus.Janus) -> None:
        self._janus = server
        self.process = server.process
        self._rooms = 0

    async def connect(self, participant: Participant, room: int) -> None:
        handle = await self._janus.attach()
        if room > self._rooms:
            self._rooms = room
            await self._janus.request(
                handle, {"request": "create", "room": room, "sampling_rate": 48_000}
            )
        await self._janus.request(handle, {"request": "join", "room": room})
        offer = {"type": "offer", "sdp": await participant.leg.create_offer()}
        answer = await self._janus.request(handle, {"request": "configure"}, offer)
        await participant.leg.accept_answer(answer["jsep"]["sdp"])
        await participant.connected()


@asynccontextmanager
async def offhook_mixer(address: str) -> AsyncIterator[Mixer]:
    process = await asyncio.create_subprocess_exec(
        *precedence.first("-m", "benchmarks.mixing_target", address),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        limit=2**20,
        start_new_session=True,
    )
    try:
        yield Offhook(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


@asynccontextmanager
async def janus_mixer(_: str) -> AsyncIterator[Mixer]:
    async with janus.running() as server:
        yield AudioBridge(server)


@asynccontextmanager
async def burner(seconds: float) -> AsyncIterator[None]:
    """Another process that takes all it gets of a core, for `seconds` at most."""
    work = f"import time\nend = time.time() + {seconds}\nwhile time.time() < end: pass"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", work, start_new_session=True
    )
    try:
        yield
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@dataclass
class Result:
    """What was seen of one mixer in one situation."""

    cpu: float = 0.0
    seconds: float = 0.0
    expected: int = 0
    missing: int = 0
    lateness: list[float] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)
    payloads: list[int] = field(default_factory=list)
    heard: set[str] = field(default_factory=set)

    @property
    def percent(self) -> float:
        """Of a core, for a participant."""
        return 100 * self.cpu / self.seconds / PARTICIPANTS

    def late(self, share: float) -> float:
        """Milliseconds."""
        ordered = sorted(self.lateness)
        return 1000 * ordered[int(share * (len(ordered) - 1))]


@dataclass(frozen=True)
class Situation:
    """Who talks in rooms of which size, beside what."""

    size: int
    busy: bool
    everybody: bool


Results = dict[Situation, dict[str, Result]]


async def measure(
    mixer: Mixer,
    participants: list[Participant],
    situation: Situation,
    seconds: float,
    watch: Watch,
    result: Result,
) -> None:
    for participant in participants:
        talks = situation.everybody or participant.place % situation.size < TALKERS
        participant.payloads = SOUNDS[participant.place] if talks else SOUNDS[-1]
    cpu: list[float] = []
    listener = participants[situation.size - 1]

    def begin() -> None:
        watch.forget()
        listener.heard = []
        cpu.append(cpu_seconds(mixer.process))

    await talk(
        participants, WARM_UP, seconds, begin, lambda: cpu.append(cpu_seconds(mixer.process))
    )
    streams = watch.streams({participant.stream for participant in participants})
    result.cpu += cpu[1] - cpu[0]
    result.seconds += seconds
    for stream in streams.values():
        span = (stream.timestamps[-1] - stream.timestamps[0]) & 0xFFFFFFFF
        expected = max(span // 960 + 1, round(seconds * FRAMES_A_SECOND) - 2)
        result.expected += expected
        result.missing += expected - len(set(stream.timestamps))
        result.lateness += stream.lateness()
    gone = (PARTICIPANTS - len(streams)) * round(seconds * FRAMES_A_SECOND)
    result.expected += gone
    result.missing += gone
    heard, listener.heard = [payload for _, payload in listener.heard or []], None
    result.payloads += map(len, heard)
    found = tones_in(heard, situation.size)
    others = situation.size - 1
    due = set(range(others if situation.everybody else min(TALKERS, others)))
    more = " and more" if found - due else ""
    result.heard.add("all" if found == due else f"{len(found & due)} of {len(due)}{more}")


async def measure_delay(participants: list[Participant], size: int, result: Result) -> None:
    """From the first packet of a tone to the first packet in which it is heard."""
    talker, listener = participants[0], participants[size - 1]
    for participant in participants:
        participant.payloads = SOUNDS[-1]
    for _ in range(DELAY_ROUNDS):
        begun: list[float] = []

        def begin(begun: list[float] = begun) -> None:
            listener.heard = []
            talker.payloads = SOUNDS[talker.place]
            begun.append(time.perf_counter())

        await talk(participants, WARM_UP, 0.4, begin, lambda: None)
        talker.payloads = SOUNDS[-1]
        heard, listener.heard = listener.heard or [], None
        decoder = Decoder()
        for at, payload in heard:
            if level_dbfs(decoder.decode(payload)) > -40:
                result.delays.append(at - begun[0])
                break


SOUNDS: dict[int, list[bytes]] = {}


async def one_turn(
    start: Callable[[str], AbstractAsyncContextManager[Mixer]],
    size: int,
    seconds: float,
    watch: Watch,
    results: Results,
) -> None:
    """One mixer in rooms of one size, in every situation."""
    certificate = Certificate.generate()
    async with AsyncExitStack() as stack:
        mixer = await stack.enter_async_context(start(local_address()))
        participants = [
            Participant(certificate, place, IceConfig()) for place in range(PARTICIPANTS)
        ]
        async with asyncio.timeout(SETUP_LIMIT):
            for participant in participants:
                stack.push_async_callback(participant.leg.close)
                await mixer.connect(participant, participant.place // size + 1)
        for busy in (False, True):
            async with AsyncExitStack() as load:
                if busy:
                    await load.enter_async_context(burner(4 * (WARM_UP + seconds)))
                for everybody in (True, False):
                    situation = Situation(size, busy, everybody)
                    result = results.setdefault(situation, {}).setdefault(mixer.name, Result())
                    await measure(mixer, participants, situation, seconds, watch, result)
                    if not busy and not everybody:
                        await measure_delay(participants, size, result)


def local_address() -> str:
    """Of this machine, and not loopback, which Janus refuses."""
    for address in machine_addresses():
        if "." in address and address != "127.0.0.1":
            return address
    raise SystemExit("Janus refuses loopback: this needs another IPv4 address.")


async def run(options: argparse.Namespace) -> None:
    SOUNDS.update({place: tone(place) for place in range(PARTICIPANTS)})
    SOUNDS[-1] = silence()
    mixers = [offhook_mixer, *([janus_mixer] if janus.installed() else [])]
    results: Results = {}
    watch = Watch()
    try:
        for size in options.sizes:
            for _ in range(options.rounds):
                for start in mixers:
                    await one_turn(start, size, options.seconds, watch, results)
    finally:
        watch.close()
    report(results)


def report(results: Results) -> None:
    cores = len(os.sched_getaffinity(0))
    given = (
        "both mixers run with precedence over other programs (nice -10), as our service asks for"
    )
    if not precedence.is_given():
        given = "no mixer has precedence over other programs, which takes a right that is not here"
    print(
        f"{PARTICIPANTS} participants in rooms of 3, 10 or 30; WebRTC (SRTP) between all and both "
        "mixers, Opus at 48 kHz. All talk,\n"
        f'or {TALKERS} of a room do and the others\' microphones hear faint noise. "Busy": another '
        f"process takes all it gets of one of {cores} cores;\n"
        f"{given}. Janus as it comes but for the rooms' 48 kHz.\n"
        "Lateness is that of a packet's departure (the kernel's time) behind the most punctual one "
        "of its stream.\n"
    )
    print(
        "| room | who talks | machine | mixer | % of a core a participant | to Janus "
        "| frames missing | p50 ms late | p99 ms late | hears |\n"
        "|---|---|---|---|---|---|---|---|---|---|"
    )
    for situation, by_mixer in results.items():
        base = by_mixer.get(AudioBridge.name)
        for name, result in by_mixer.items():
            ratio = "-" if base is None else f"{result.percent / base.percent:.2f}"
            print(
                f"| {situation.size} | {'all' if situation.everybody else TALKERS} "
                f"| {'busy' if situation.busy else 'quiet'} "
                f"| {name} | {result.percent:.2f} | {ratio} "
                f"| {result.missing} of {result.expected} | {result.late(0.5):.2f} "
                f"| {result.late(0.99):.2f} | {', '.join(sorted(result.heard))} |"
            )
    print()
    for name in (Offhook.name, AudioBridge.name):
        seen = [by_mixer[name] for by_mixer in results.values() if name in by_mixer]
        delays = [delay for result in seen for delay in result.delays]
        if delays:
            size = statistics.mean(each for result in seen for each in result.payloads)
            print(
                f"{name}: from a word that is sent to the same word heard "
                f"{1000 * statistics.median(delays):.0f} ms (median of {len(delays)}); "
                f"{size:.0f} bytes a frame.  "
            )
    if not janus.installed():
        print("Janus is not installed here, so there is no ratio to it.")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--sizes", type=int, nargs="*", default=ROOM_SIZES)
    parser.add_argument("--inner", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not options.inner:
        # The load too must not wait for its turn, or it would be measured in place of the mixers.
        command = precedence.first("-m", "benchmarks.mixing", "--inner", *sys.argv[1:])
        return subprocess.run(command, start_new_session=True, check=False).returncode
    import uvloop

    uvloop.run(run(options))
    return 0


if __name__ == "__main__":
    sys.exit(main())
