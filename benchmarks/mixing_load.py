"""The load on a mixer: participants that talk or are silent, and a watch over what comes back.

The watch reads the kernel's own time of each datagram, so that the load's work does not count as
the mixer's lateness. It sees the RTP header, which SRTP leaves in the clear.
"""

import asyncio
import socket
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from offhook.media.certificate import Certificate
from offhook.media.ice import IceConfig
from offhook.media.leg import LegConfig, LegState, WebRtcLeg
from offhook.media.opus import Decoder, Encoder
from offhook.media.samples import Samples

FRAME_MS = 20
RATE = 48_000
_TICKS = 960
_HEADER = struct.Struct("!BBHII")

_ALL_PROTOCOLS = 3
_SO_TIMESTAMPNS = 35
_SO_RCVBUFFORCE = 33
_TIMESPEC = struct.Struct("qq")
_TO_THIS_MACHINE = 0


def frequency(place: int) -> int:
    """The tone of a participant: whole periods in a second, and none a multiple of another."""
    return 310 + 71 * place


def tone(place: int) -> list[bytes]:
    """A second of a participant's tone, as our SDK encodes it."""
    wave = 4000 * np.sin(2 * np.pi * frequency(place) * np.arange(RATE) / RATE)
    return _encoded(wave)


def silence() -> list[bytes]:
    """A second of what a microphone hears when nobody talks: noise at -66 dBFS."""
    return _encoded(np.random.default_rng(1).normal(0, 16, RATE))


def _encoded(wave: np.ndarray) -> list[bytes]:  # type: ignore[type-arg]
    encoder = Encoder(RATE)
    return [encoder.encode(frame) for frame in wave.astype(np.int16).reshape(-1, _TICKS)]


class Participant:
    """One client of a mixer."""

    def __init__(self, certificate: Certificate, place: int, ice: IceConfig) -> None:
        self.leg = WebRtcLeg(LegConfig(certificate, ice, connect_timeout=60, silence_timeout=600))
        self.leg.on_rtp = self._hear
        self.place = place
        self.payloads: Sequence[bytes] = ()
        self.heard: list[tuple[float, bytes]] | None = None
        self.stream = 0
        self._sequence = 0

    async def connected(self) -> None:
        done = asyncio.Event()
        self.leg.on_state = lambda _: done.set()
        while self.leg.state is not LegState.CONNECTED:
            done.clear()
            if self.leg.state is LegState.FAILED:
                raise RuntimeError(f"A participant could not connect: {self.leg.error}")
            await done.wait()

    def say(self) -> None:
        """The next 20 ms."""
        sequence = self._sequence = (self._sequence + 1) & 0xFFFF
        self.leg.send_rtp(
            _HEADER.pack(0x80, 111, sequence, sequence * _TICKS & 0xFFFFFFFF, self.leg.ssrc)
            + self.payloads[sequence % len(self.payloads)]
        )

    def _hear(self, packet: bytes) -> None:
        self.stream = int.from_bytes(packet[8:12], "big")
        if self.heard is not None:
            self.heard.append((time.perf_counter(), packet[12:]))


def tones_in(payloads: Sequence[bytes], places: int) -> set[int]:
    """Whose tones are in what was heard."""
    decoder = Decoder(RATE)
    samples: Samples = np.concatenate([decoder.decode(payload) for payload in payloads])[-RATE:]
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    peaks = [power[frequency(place) - 1 : frequency(place) + 2].max() for place in range(places)]
    return {place for place, peak in enumerate(peaks) if peak > max(peaks) / 10}


async def talk(
    participants: Sequence[Participant],
    warm_up: float,
    seconds: float,
    begin: Callable[[], None],
    end: Callable[[], None],
) -> None:
    """Let all say a frame every 20 ms, one after the other; `begin` and `end` enclose `seconds`."""
    shares = [participants[step::FRAME_MS] for step in range(FRAME_MS)]
    start = time.perf_counter()
    begun = False
    step = 0
    while True:
        now = time.perf_counter() - start
        if not begun and now >= warm_up:
            begun = True
            begin()
        if now >= warm_up + seconds:
            break
        while step < now * 1000:
            for participant in shares[step % FRAME_MS]:
                participant.say()
            step += 1
        await asyncio.sleep(0.001)
    end()


@dataclass
class Stream:
    """One stream from the mixer: seconds, and RTP timestamps."""

    times: list[float] = field(default_factory=list)
    timestamps: list[int] = field(default_factory=list)

    def lateness(self) -> list[float]:
        """Seconds by which each packet came later than the most punctual one of its stream."""
        first = self.timestamps[0]
        offsets = [
            at - ((stamp - first) & 0xFFFFFFFF) / RATE
            for at, stamp in zip(self.times, self.timestamps, strict=True)
        ]
        earliest = min(offsets)
        return [offset - earliest for offset in offsets]


class Watch:
    """Sees every datagram on loopback. Raises PermissionError without the right (CAP_NET_RAW)."""

    def __init__(self) -> None:
        self._socket = socket.socket(
            socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ALL_PROTOCOLS)
        )
        self._socket.bind(("lo", _ALL_PROTOCOLS))
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 2**27)

    def forget(self) -> None:
        """Pass over what came until now."""
        for _ in self._datagrams():
            pass

    def streams(self, wanted: set[int]) -> dict[int, Stream]:
        """What came since of the streams with these SSRCs."""
        found: dict[int, Stream] = {}
        for at, data in self._datagrams():
            header = 4 * (data[0] & 0x0F) + 8
            if data[0] >> 4 != 4 or data[9] != socket.IPPROTO_UDP or len(data) < header + 12:
                continue
            first, second, _, timestamp, ssrc = _HEADER.unpack_from(data, header)
            if first >> 6 != 2 or 192 <= second < 224 or ssrc not in wanted:
                continue
            stream = found.setdefault(ssrc, Stream())
            stream.times.append(at)
            stream.timestamps.append(timestamp)
        return found

    def _datagrams(self):  # type: ignore[no-untyped-def]
        while True:
            try:
                data, ancillary, _, address = self._socket.recvmsg(128, 64)
            except BlockingIOError:
                return
            if address[2] != _TO_THIS_MACHINE:
                continue
            for level, kind, content in ancillary:
                if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS:
                    seconds, nanoseconds = _TIMESPEC.unpack(content)
                    yield seconds + nanoseconds / 1e9, data

    def close(self) -> None:
        """Stop watching."""
        self._socket.close()
