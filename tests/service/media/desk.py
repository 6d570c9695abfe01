"""A media plane as the exchange uses it: effects in, news out, real clients on real sockets."""

import asyncio
from collections.abc import Callable
from itertools import pairwise
from typing import TypeVar

import numpy as np

from media.legs import WAIT, Ear, client_config, reached, rtp
from offhook.engine.exchange.effects import MediaEffect, OpenLeg, RenegotiateLeg
from offhook.engine.exchange.inputs import LegAnswered, LegConnected, MediaNews
from offhook.engine.rtp.rewrite import FRAME
from offhook.media.leg import LegState, WebRtcLeg
from offhook.media.samples import FRAME_SECONDS, Samples
from offhook.media.session import AudioSession
from offhook.media.sources import Tone
from offhook.service.media.config import MediaConfig
from offhook.service.media.plane import MediaPlane

#: Hz of what people hear.
RATE = 16_000

Hear = Callable[[bytes], None]
News = TypeVar("News", bound=MediaNews)


class Client:
    """A person's client on one leg of the plane."""

    def __init__(self, call_id: str) -> None:
        self.call_id = call_id
        self.leg = WebRtcLeg(client_config())
        self.ear = Ear(self.leg)
        self._sequence = 0

    def send(self, payload: bytes, payload_type: int, timestamp: int | None = None) -> None:
        self._sequence += 1
        when = self._sequence * FRAME if timestamp is None else timestamp
        self.leg.send_rtp(
            rtp(payload, sequence=self._sequence, timestamp=when, payload_type=payload_type)
        )

    def say(self, words: bytes) -> None:
        assert self.leg.format is not None
        self.send(words, self.leg.format.opus)

    async def hears(self, words: bytes) -> None:
        await self.ear.until(lambda: any(packet[12:] == words for packet in self.ear.rtp))

    async def hears_sound(self, packets: int = 5) -> None:
        """Something plays: that many more packets come."""
        start = len(self.ear.rtp)
        await self.ear.until(lambda: len(self.ear.rtp) >= start + packets)

    async def hears_nothing(self, seconds: float = 0.1) -> None:
        await asyncio.sleep(0.03)
        start = len(self.ear.rtp)
        await asyncio.sleep(seconds)
        assert len(self.ear.rtp) == start

    def press(self, event: int, *, repeats: int = 3) -> None:
        """A key by RFC 4733: the event as it grows, then its end three times."""
        assert self.leg.format is not None
        assert self.leg.format.telephone_event is not None
        start = (self._sequence + 1) * FRAME
        for duration in range(FRAME, FRAME * (repeats + 1), FRAME):
            payload = bytes([event, 10]) + duration.to_bytes(2, "big")
            self.send(payload, self.leg.format.telephone_event, start)
        for _ in range(3):
            payload = bytes([event, 0x80 | 10]) + (FRAME * (repeats + 1)).to_bytes(2, "big")
            self.send(payload, self.leg.format.telephone_event, start)


class Person(Client):
    """A client with a voice of its own, a tone, that keeps all it hears."""

    def __init__(self, call_id: str, frequency: float, level: float = -12.0) -> None:
        super().__init__(call_id)
        self.frequency = frequency
        self.recorder = Recorder()
        self.pressed: list[str] = []
        self.session = AudioSession(self.leg, source=Tone(frequency, level), sink=self.recorder)
        self.session.on_dtmf = self.pressed.append
        self._said: list[int] = []

    @property
    def left_out(self) -> int:
        """Frames that the client itself did not send, since the test's machine held it up."""
        steps = [(later - earlier) & 0xFFFFFFFF for earlier, later in pairwise(self._said)]
        return sum(step // FRAME - 1 for step in steps if step > FRAME)

    async def start(self) -> None:
        send = self.leg.send_rtp

        def note(packet: bytes | bytearray) -> None:
            self._said.append(int.from_bytes(packet[4:8], "big"))
            send(packet)

        self.leg.send_rtp = note  # type: ignore[method-assign]
        await self.session.start()
        for kind in ("rtp", "rtcp"):
            # The session hears it, and the test too.
            inner, ear = getattr(self.leg, f"on_{kind}"), getattr(self.ear, f"hear_{kind}")

            def heard(packet: bytes, inner: Hear = inner, ear: Hear = ear) -> None:
                ear(packet)
                inner(packet)

            setattr(self.leg, f"on_{kind}", heard)

    async def listen(self, seconds: float) -> Samples:
        """What is heard in the next seconds, at `RATE`."""
        return await self.recorder.next(seconds)


class Recorder:
    """A sink that keeps everything, int16 at `RATE`."""

    rate = RATE

    def __init__(self) -> None:
        self._frames: list[Samples] = []
        self._news = asyncio.Event()

    async def open(self) -> None:
        pass

    def write(self, frame: Samples) -> None:
        self._frames.append(frame)
        self._news.set()

    async def close(self) -> None:
        pass

    def __len__(self) -> int:
        return len(self._frames)

    def since(self, start: int) -> Samples:
        """What was heard since there were `start` frames."""
        return np.concatenate(self._frames[start:])

    async def next(self, seconds: float) -> Samples:
        """What is heard from now on, for so long."""
        start, count = len(self._frames), round(seconds / FRAME_SECONDS)
        async with asyncio.timeout(seconds + WAIT):
            while len(self._frames) < start + count:
                self._news.clear()
                await self._news.wait()
        return np.concatenate(self._frames[start : start + count])


class Desk:
    """A plane, what it reported, and the clients that talk to it."""

    def __init__(self, config: MediaConfig) -> None:
        self.news: list[MediaNews] = []
        self._event = asyncio.Event()
        self._clients: list[Client] = []
        self.plane = MediaPlane(config, self._heard)

    def _heard(self, news: MediaNews) -> None:
        self.news.append(news)
        self._event.set()

    def do(self, *effects: MediaEffect) -> None:
        for effect in effects:
            self.plane.carry_out(effect)

    def reported(self, kind: type[News], call_id: str) -> list[News]:
        return [n for n in self.news if isinstance(n, kind) and n.call_id == call_id]

    async def until(self, kind: type[News], call_id: str, count: int = 1) -> News:
        """The latest news of that kind about the call, once there are `count`."""
        async with asyncio.timeout(WAIT):
            while len(found := self.reported(kind, call_id)) < count:
                self._event.clear()
                await self._event.wait()
        return found[-1]

    def client(self, call_id: str) -> Client:
        self._clients.append(Client(call_id))
        return self._clients[-1]

    async def caller(self, call_id: str) -> Client:
        """A connected client that offered."""
        client = self.client(call_id)
        await self._answered(client)
        return client

    async def _answered(self, client: Client) -> None:
        self.do(OpenLeg(client.call_id, await client.leg.create_offer()))
        await client.leg.accept_answer((await self.until(LegAnswered, client.call_id)).sdp)
        await self.connected(client)

    async def person(self, call_id: str, frequency: float, level: float = -12.0) -> Person:
        """A connected person that offered, and talks."""
        person = Person(call_id, frequency, level)
        self._clients.append(person)
        await self._answered(person)
        await person.start()
        return person

    async def connected(self, client: Client) -> None:
        await self.until(LegConnected, client.call_id)
        await reached(client.leg, LegState.CONNECTED)

    async def renegotiate(self, client: Client, *, held: bool) -> None:
        before = len(self.reported(LegAnswered, client.call_id))
        self.do(RenegotiateLeg(client.call_id, await client.leg.create_offer(), held))
        answer = await self.until(LegAnswered, client.call_id, before + 1)
        await client.leg.accept_answer(answer.sdp)

    async def aclose(self) -> None:
        for client in self._clients:
            if isinstance(client, Person):
                await client.session.close()
            await client.leg.close()
        await self.plane.close()


def strengths(samples: Samples, frequency: float) -> np.ndarray:  # type: ignore[type-arg]
    """How strong a tone is, every 2.5 ms in windows of 10 ms."""
    window, hop = RATE // 100, RATE // 400
    wave = np.exp(-2j * np.pi * frequency * np.arange(window) / RATE) * np.hanning(window)
    places = range(0, len(samples) - window, hop)
    return np.array([abs(np.dot(samples[at : at + window], wave)) for at in places])


def dips(samples: Samples, frequency: float) -> int:
    """How often a tone that should be steady becomes weak for a moment."""
    strong = strengths(samples, frequency)
    weak = strong < np.median(strong) * 0.6
    return int(np.count_nonzero(weak[1:] & ~weak[:-1]))
