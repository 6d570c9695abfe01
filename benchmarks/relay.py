"""Relay: processor time a packet and delay, beside rtpengine and two ways to write it with aiortc.

Every relay is its own process, pinned to the last core; the callers are in this one, on the first.
All calls are set up first, then the relays take turns, so that noise of the machine hits all alike.
"""

import argparse
import asyncio
import json
import os
import resource
import secrets
import shutil
import socket
import statistics
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.relay_load import Talker, Window, talk
from offhook.media.certificate import Certificate

SETUP_LIMIT = 60.0


@dataclass
class Target:
    """A relay under test, and what each round measured."""

    name: str
    kind: str
    calls: int
    talkers: list[Talker] = field(default_factory=list)
    process: int = 0
    micros: list[float] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)


def cpu_seconds(process: int) -> float:
    """Processor time of a process with all its threads, as the scheduler counts it.

    The better known figures in ``stat`` are sampled every 10 ms, which work in short bursts evades.
    """
    threads = Path(f"/proc/{process}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


def opus_frame() -> bytes:
    """20 ms of a tone, for the relay that decodes."""
    import av
    import numpy as np

    codec = av.CodecContext.create("libopus", "w")
    codec.sample_rate, codec.layout, codec.format, codec.bit_rate = 48000, "stereo", "s16", 32000
    tone = (np.sin(np.arange(960) * 2 * np.pi * 440 / 48000) * 8000).astype(np.int16)
    frames: list[bytes] = []
    for _ in range(5):
        frame = av.AudioFrame.from_ndarray(np.repeat(tone, 2)[None, :], "s16", "stereo")
        frame.sample_rate = 48000
        frames += [bytes(packet) for packet in codec.encode(frame)]
    return frames[-1]


# --- relays in Python -----------------------------------------------------------------------------


@asynccontextmanager
async def python_relay(target: Target, core: int) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.relay_targets",
        target.kind,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        limit=2**20,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )
    assert process.stdin is not None
    assert process.stdout is not None
    target.process = process.pid
    try:
        for call in range(target.calls):
            pair = target.talkers[2 * call : 2 * call + 2]
            offers = [await talker.leg.create_offer() for talker in pair]
            process.stdin.write(json.dumps({"call": str(call), "offers": offers}).encode() + b"\n")
            answers = json.loads(await process.stdout.readline())["answers"]
            for talker, answer in zip(pair, answers, strict=True):
                await talker.leg.accept_answer(answer)
            await asyncio.gather(*(talker.connected() for talker in pair))
        yield
    finally:
        process.stdin.close()
        process.terminate()
        await process.wait()


# --- rtpengine ------------------------------------------------------------------------------------


def bencode(value: object) -> bytes:
    """The encoding of rtpengine's control protocol."""
    match value:
        case str():
            data = value.encode()
            return str(len(data)).encode() + b":" + data
        case list():
            return b"l" + b"".join(map(bencode, value)) + b"e"
        case dict():
            return b"d" + b"".join(bencode(k) + bencode(v) for k, v in value.items()) + b"e"
    raise TypeError(f"{type(value)} cannot be encoded")


def bdecode(data: bytes, at: int = 0) -> tuple[object, int]:
    """One value, and where it ends."""
    kind = data[at : at + 1]
    if kind in (b"d", b"l"):
        items: list[object] = []
        at += 1
        while data[at : at + 1] != b"e":
            item, at = bdecode(data, at)
            items.append(item)
        return (dict(zip(items[::2], items[1::2], strict=True)) if kind == b"d" else items), at + 1
    if kind == b"i":
        end = data.index(b"e", at)
        return int(data[at + 1 : end]), end + 1
    colon = data.index(b":", at)
    end = colon + 1 + int(data[at:colon])
    return data[colon + 1 : end].decode(), end


class Control(asyncio.DatagramProtocol):
    """rtpengine's control port."""

    def __init__(self) -> None:
        self._waiting: dict[bytes, asyncio.Future[object]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, _: tuple[str, int]) -> None:
        cookie, _, body = data.partition(b" ")
        waiting = self._waiting.pop(cookie, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(bdecode(body)[0])

    async def ask(self, **request: object) -> dict[str, object]:
        """One command; asked again until it is answered, as UDP needs it."""
        cookie = secrets.token_hex(6).encode()
        answer = self._waiting[cookie] = asyncio.get_running_loop().create_future()
        message = {key.replace("_", "-"): value for key, value in request.items()}
        for _ in range(20):
            self._transport.sendto(cookie + b" " + bencode(message))
            try:
                reply = await asyncio.wait_for(asyncio.shield(answer), 0.5)
            except TimeoutError:
                continue
            if not isinstance(reply, dict) or reply.get("result") not in ("ok", "pong"):
                raise RuntimeError(f"rtpengine refused: {reply}")
            return reply
        raise RuntimeError("rtpengine does not answer on its control port")


def addressed(sdp: str) -> str:
    """rtpengine takes a connection address of zeros for a hold, whatever the candidates say."""
    return sdp.replace("c=IN IP4 0.0.0.0", "c=IN IP4 127.0.0.1")


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@asynccontextmanager
async def rtpengine(target: Target, core: int) -> AsyncIterator[None]:
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        "rtpengine",
        "--config-file=none",
        "--table=-1",
        "--interface=127.0.0.1",
        f"--listen-ng=127.0.0.1:{port}",
        "--foreground",
        "--log-stderr",
        "--log-level=2",
        "--port-min=30000",
        "--port-max=32000",
        "--timeout=3600",
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )
    target.process = process.pid
    loop = asyncio.get_running_loop()
    transport, control = await loop.create_datagram_endpoint(
        Control, remote_addr=("127.0.0.1", port)
    )
    try:
        await control.ask(command="ping")
        for call in range(target.calls):
            caller, callee = target.talkers[2 * call : 2 * call + 2]
            common = {
                "call_id": f"bench-{call}",
                "from_tag": "a",
                "ICE": "force",
                "DTLS": "passive",
                "DTLS_reverse": "passive",
                "transport_protocol": "UDP/TLS/RTP/SAVPF",
            }
            offer = await control.ask(
                command="offer",
                sdp=addressed(await caller.leg.create_offer()),
                rtcp_mux=["offer", "require"],
                flags=["generate mid"],
                **common,
            )
            answer = await control.ask(
                command="answer",
                sdp=addressed(await callee.leg.accept_offer(str(offer["sdp"]))),
                to_tag="b",
                rtcp_mux=["require"],
                **common,
            )
            await caller.leg.accept_answer(str(answer["sdp"]))
            await asyncio.gather(caller.connected(), callee.connected())
        yield
    finally:
        transport.close()
        process.terminate()
        await process.wait()


# --- the run --------------------------------------------------------------------------------------


@asynccontextmanager
async def running(target: Target, core: int) -> AsyncIterator[None]:
    certificate = Certificate.generate()
    payload = opus_frame() if target.kind == "aiortc-track" else None
    target.talkers = [Talker(certificate, ssrc, payload) for ssrc in range(1, 2 * target.calls + 1)]
    relay = rtpengine if target.kind == "rtpengine" else python_relay
    try:
        async with relay(target, core):
            yield
    finally:
        for talker in target.talkers:
            await talker.leg.close()


async def measure(target: Target, warm_up: float, seconds: float) -> None:
    marks: list[float] = []
    window = await talk(
        target.talkers, warm_up, seconds, lambda: marks.append(cpu_seconds(target.process))
    )
    target.windows.append(window)
    target.micros.append((marks[1] - marks[0]) / max(window.heard, 1) * 1e6)


def row(target: Target, base: float | None) -> str:
    micros = statistics.median(target.micros)
    delays = sorted(delay for window in target.windows for delay in window.delays)
    sent = sum(window.sent for window in target.windows)
    heard = sum(window.heard for window in target.windows)

    def at(share: float) -> str:
        return f"{delays[int(share * (len(delays) - 1))] * 1000:.2f}" if delays else "-"

    ratio = f"{micros / base:.2f}" if base else "-"
    spread = f"{min(target.micros):.1f}-{max(target.micros):.1f}"
    return (
        f"| {target.name} | {target.calls} | {micros:.1f} ({spread}) | {ratio} "
        f"| {1e6 / micros / 100:.0f} | {at(0.5)} | {at(0.9)} | {at(0.99)} "
        f"| {max(0.0, 1 - heard / max(sent, 1)) * 100:.1f} |"
    )


async def run(options: argparse.Namespace) -> None:
    targets = [
        Target("Offhook relay (uvloop)", "offhook", options.calls),
        Target("the same on asyncio's own loop", "offhook-asyncio", options.calls),
        Target("aiortc transports, asyncio", "aiortc-transport", max(options.calls // 2, 1)),
        Target("aiortc MediaRelay (decodes, encodes)", "aiortc-track", max(options.calls // 16, 1)),
    ]
    if options.only:
        targets = [target for target in targets if target.kind in options.only]
    if shutil.which("rtpengine") and (not options.only or "rtpengine" in options.only):
        targets.insert(1, Target("rtpengine, user space", "rtpengine", options.calls))
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[0]})
    opened = [running(target, cores[-1]) for target in targets]
    try:
        for context in opened:
            async with asyncio.timeout(SETUP_LIMIT):
                await context.__aenter__()
        for _ in range(options.rounds):
            for target in targets:
                await measure(target, options.warm_up, options.seconds)
    finally:
        for context in opened:
            await context.__aexit__(None, None, None)
    report(targets)


def report(targets: list[Target]) -> None:
    base = next((statistics.median(t.micros) for t in targets if t.kind == "rtpengine"), None)
    print(
        "Two WebRTC legs a call, 50 packets of 80 bytes a second each way, decrypted and encrypted "
        "again.\nProcessor time of the relay's process for each packet passed on: median of the "
        "rounds (least-most);\ncalls a core follow from it at 100 packets a second. Delay from "
        "sending to hearing, with the caller's own work.\n"
    )
    print(
        "| relay | calls | µs a packet | to rtpengine | calls a core | p50 ms | p90 ms | p99 ms "
        "| lost % |\n|---|---|---|---|---|---|---|---|---|"
    )
    for target in targets:
        print(row(target, base))
    if base is None:
        print("\nrtpengine is not installed here, so there is no ratio to it.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=80)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--warm-up", type=float, default=0.5)
    parser.add_argument("--only", nargs="*", help="kinds of relay to run (default: all)")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 20000)), hard))
    import uvloop

    uvloop.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
