"""What waits for a client without a socket, in what order, for how long, and what comes twice."""

import asyncio
import json
from typing import Any

import msgspec

from offhook.service.mercury.hub import MercuryHub
from offhook.service.mercury.outbox import Outbox

ALICE = ("alice", "phone")


class Note(msgspec.Struct):
    text: str


class Hub(MercuryHub):
    """A hub whose clock is set by hand."""

    def __init__(self, **bounds: Any) -> None:
        self.now = 0.0
        super().__init__(lambda: self.now, **bounds)

    def say(self, *texts: str, to: tuple[str, str] = ALICE) -> None:
        for text in texts:
            self.publish(to, Note(text), "tracking")


class Socket:
    """One socket of a client that writes and acknowledges when it is told to."""

    def __init__(self, hub: Hub, most: int = 100, address: tuple[str, str] = ALICE) -> None:
        self._hub = hub
        self._address = address
        self.ends: list[str] = []
        self.frames: list[dict[str, Any]] = []
        self.outbox = Outbox(
            most,
            on_full=lambda: self.ends.append("full"),
            on_replaced=lambda: self.ends.append("replaced"),
        )
        hub.attach(address, self.outbox)

    async def write(self, count: int) -> list[str]:
        """Write so many frames; their texts."""
        for _ in range(count):
            async with asyncio.timeout(1):
                self.frames.append(json.loads(await self.outbox.next()))
            self.outbox.written()
        return [frame["data"]["text"] for frame in self.frames]

    def acknowledge(self, count: int) -> None:
        for frame in self.frames[:count]:
            self.outbox.acknowledge(frame["id"])

    def lose(self) -> None:
        self._hub.detach(self._address, self.outbox)


async def test_what_came_without_a_socket_comes_in_order_on_the_next() -> None:
    hub = Hub()
    hub.say("one", "two")
    socket = Socket(hub)
    hub.say("three")
    assert await socket.write(3) == ["one", "two", "three"]
    assert [frame["sequenceNumber"] for frame in socket.frames] == [1, 2, 3]


async def test_nobody_gets_what_waits_for_somebody_else() -> None:
    hub = Hub()
    hub.say("for alice")
    other = Socket(hub, address=("bob", "phone"))
    hub.say("for bob", to=("bob", "phone"))
    assert await other.write(1) == ["for bob"]


async def test_what_has_waited_for_too_long_is_not_wanted_any_more() -> None:
    hub = Hub(keep_seconds=60.0)
    hub.say("old")
    hub.now = 30.0
    hub.say("new")
    hub.now = 60.0
    assert await Socket(hub).write(1) == ["new"]


async def test_only_the_latest_wait_and_only_for_so_many_clients() -> None:
    hub = Hub(keep_events=2, most_away=2)
    hub.say("one", "two", "three")
    assert await Socket(hub).write(2) == ["two", "three"]
    for name in ("x", "y", "z"):
        hub.say("hello", to=(name, "phone"))
    assert hub.waiting == 2
    hub.now = 1_000.0
    hub.say("later", to=("x", "phone"))
    assert hub.waiting == 1, "what nobody wants any more is thrown away"


async def test_what_was_not_written_comes_on_the_next_socket() -> None:
    hub = Hub()
    first = Socket(hub)
    hub.say("written", "not written")
    await first.write(1)
    first.lose()
    assert await Socket(hub).write(1) == ["not written"]


async def test_what_was_written_and_not_acknowledged_comes_again_with_the_same_id() -> None:
    hub = Hub()
    first = Socket(hub)
    hub.say("one", "two", "three")
    await first.write(3)
    first.acknowledge(1)
    first.lose()
    second = Socket(hub)
    assert await second.write(2) == ["two", "three"]
    assert [frame["id"] for frame in second.frames] == [frame["id"] for frame in first.frames[1:]]
    assert [frame["sequenceNumber"] for frame in second.frames] == [1, 2]


async def test_a_socket_that_replaces_another_gets_what_that_may_have_lost() -> None:
    hub = Hub()
    first = Socket(hub)
    hub.say("one", "two")
    await first.write(2)
    first.acknowledge(1)
    second = Socket(hub)
    assert first.ends == ["replaced"]
    assert await second.write(1) == ["two"]
    first.lose()
    hub.say("three")
    assert await second.write(1) == ["two", "three"]


async def test_a_socket_that_is_full_says_so_and_loses_nothing() -> None:
    hub = Hub()
    first = Socket(hub, most=2)
    hub.say("one", "two", "three")
    assert first.ends == ["full"]
    first.lose()
    assert await Socket(hub).write(3) == ["one", "two", "three"]


async def test_the_event_that_opens_a_socket_is_not_repeated_on_the_next() -> None:
    hub = Hub()
    first = Socket(hub)
    first.outbox.put_first(hub.event(Note("hello"), "tracking"))
    first.lose()
    hub.say("one")
    assert await Socket(hub).write(1) == ["one"]
