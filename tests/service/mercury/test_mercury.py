"""The event socket, as a client sees it."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from offhook.service.config import Limits
from service.running import Cloud, config, started
from service.signalling import PATIENCE, Wire

HELLO = {"id": "1", "type": "authorization"}


@pytest.fixture
async def alice(cloud: Cloud) -> AsyncIterator[Wire]:
    client = Wire(cloud.http, cloud.service.http_url, await cloud.token("alice"))
    await client.register()
    yield client
    await client.close()


async def opened(cloud: Cloud) -> aiohttp.ClientWebSocketResponse:
    url = f"ws{cloud.service.http_url.removeprefix('http')}/mercury/any-device"
    return await cloud.http.ws_connect(url)


async def test_the_first_frame_is_the_buffer_state(alice: Wire) -> None:
    assert alice.frames[0]["data"]["eventType"] == "mercury.buffer_state"
    assert "type" not in alice.frames[0]


async def test_a_ping_is_answered_with_its_own_id(alice: Wire) -> None:
    await alice.say({"id": "p-1", "type": "ping"})
    async with asyncio.timeout(PATIENCE):
        while not any(frame.get("type") == "pong" for frame in alice.frames):
            await asyncio.sleep(0.005)
    assert alice.frames[-1]["id"] == "p-1"


async def test_sequence_numbers_rise_by_one(alice: Wire, cloud: Cloud) -> None:
    other = Wire(cloud.http, cloud.service.http_url, alice.token)
    await other.register()
    await other.dial("8003", "v=0\r\n")
    await other.told("calldisconnected")
    numbers = [frame["sequenceNumber"] for frame in other.frames if "sequenceNumber" in frame]
    assert numbers == list(range(1, len(numbers) + 1))
    await other.close()


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ({**HELLO, "data": {"token": "Bearer wrong"}}, 4401),
        ({"id": "1", "type": "ping"}, 4400),
        ({"no": "frame"}, 4400),
    ],
)
async def test_who_does_not_say_who_they_are_is_sent_away(
    cloud: Cloud, frame: dict[str, object], code: int
) -> None:
    socket = await opened(cloud)
    await socket.send_json(frame)
    message = await socket.receive(timeout=PATIENCE)
    assert message.type is aiohttp.WSMsgType.CLOSE
    assert socket.close_code == code


async def test_nonsense_after_the_authorization_closes_the_socket(alice: Wire) -> None:
    assert alice.closed is not None
    await alice.say(["not", "a", "frame"])
    assert await asyncio.wait_for(alice.closed, PATIENCE) == 1003


async def test_a_second_socket_of_a_device_replaces_the_first(alice: Wire) -> None:
    first = alice.closed
    assert first is not None
    await alice.connect()
    assert await asyncio.wait_for(first, PATIENCE) == 4000


async def test_a_device_that_the_service_has_forgotten_may_connect(cloud: Cloud) -> None:
    socket = await opened(cloud)
    await socket.send_json({**HELLO, "data": {"token": f"Bearer {await cloud.token('alice')}"}})
    frame = await socket.receive_json(timeout=PATIENCE)
    assert frame["data"]["eventType"] == "mercury.buffer_state"
    await socket.close()


async def test_a_service_that_stops_sends_its_clients_away_to_come_back(demo_data: object) -> None:
    async with started(config(demo_data)) as cloud:  # type: ignore[arg-type]
        client = Wire(cloud.http, cloud.service.http_url, await cloud.token("alice"))
        await client.register()
        assert client.closed is not None
        await cloud.service.stop()
        assert await asyncio.wait_for(client.closed, PATIENCE) == 1001
        await client.close()


async def test_a_client_that_does_not_read_is_dropped_and_others_are_served(
    demo_data: object,
) -> None:
    limits = Limits(sign_ins=1000, mercury_queue=4)
    async with started(config(demo_data, limits=limits)) as cloud:  # type: ignore[arg-type]
        alice = Wire(cloud.http, cloud.service.http_url, await cloud.token("alice"))
        await alice.register()
        # More pings at once than may wait: their pongs fill the queue before it can be written.
        assert alice.closed is not None
        for number in range(2000):
            if alice.closed.done():
                break
            await alice.say({"id": f"p{number}", "type": "ping"})
        bob = Wire(cloud.http, cloud.service.http_url, await cloud.token("bob"))
        await bob.register()
        await bob.close()
        await alice.close()
