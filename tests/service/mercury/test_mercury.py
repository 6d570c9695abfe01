"""The event socket, as a client sees it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import aiohttp
import pytest

from offhook.service.config import Limits, Timing
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


async def pinged(client: Wire) -> None:
    """The client pings and is answered with the ping's own id."""
    ping = str(uuid4())
    await client.say({"id": ping, "type": "ping"})
    await client.frame(lambda frame: frame.get("type") == "pong" and frame["id"] == ping)


async def test_a_ping_is_answered_with_its_own_id(alice: Wire) -> None:
    await pinged(alice)
    await pinged(alice)


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
        ({**HELLO, "data": {"token": ""}}, 4401),
        (HELLO, 4400),
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


async def test_who_says_nothing_is_sent_away(demo_data: Path) -> None:
    async with started(config(demo_data, timing=Timing(socket_authorization=0.1))) as cloud:
        socket = await opened(cloud)
        message = await socket.receive(timeout=PATIENCE)
        assert message.type is aiohttp.WSMsgType.CLOSE
        assert socket.close_code == 4401


@pytest.mark.parametrize(
    ("nonsense", "code"),
    [
        ('["not", "a", "frame"]', 1003),
        ("{", 1003),
        ("[" * 100_000, 1003),
        (b"\x00\x01", 1003),
        ("x" * 262_145, 1009),
    ],
)
async def test_nonsense_after_the_authorization_closes_the_socket(
    alice: Wire, nonsense: str | bytes, code: int
) -> None:
    assert alice.closed is not None
    await alice.say_raw(nonsense)
    assert await asyncio.wait_for(alice.closed, PATIENCE) == code


async def test_a_frame_of_another_kind_is_nothing_to_worry_about(alice: Wire) -> None:
    await alice.say({"id": "1", "type": "a new idea", "data": {"token": ""}})
    await alice.say({"messageId": "never sent", "type": "ack"})
    await pinged(alice)


async def test_a_ping_of_the_protocol_below_is_answered_too(cloud: Cloud) -> None:
    url = f"ws{cloud.service.http_url.removeprefix('http')}/mercury/any-device"
    async with cloud.http.ws_connect(url, autoping=False) as socket:
        await socket.ping(b"are you there")
        message = await socket.receive(timeout=PATIENCE)
        assert (message.type, message.data) == (aiohttp.WSMsgType.PONG, b"are you there")


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


async def test_a_service_that_stops_sends_its_clients_away_to_come_back(demo_data: Path) -> None:
    async with started(config(demo_data)) as cloud:
        client = Wire(cloud.http, cloud.service.http_url, await cloud.token("alice"))
        await client.register()
        assert client.closed is not None
        await cloud.service.stop()
        assert await asyncio.wait_for(client.closed, PATIENCE) == 1001
        await client.close()


async def test_a_socket_that_is_not_authorized_yet_is_sent_away_too(demo_data: Path) -> None:
    async with started(config(demo_data)) as cloud:
        socket = await opened(cloud)
        await cloud.service.stop()
        message = await socket.receive(timeout=PATIENCE)
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1001)


async def test_a_token_that_was_revoked_brings_no_more_events(demo_data: Path) -> None:
    async with started(config(demo_data, timing=Timing(token_recheck=0.1))) as cloud:
        client = Wire(cloud.http, cloud.service.http_url, await cloud.token("alice"))
        await client.register()
        assert client.closed is not None
        await cloud.service.identity.tokens.revoke(client.token)
        assert await asyncio.wait_for(client.closed, PATIENCE) == 1001
        socket = await opened(cloud)
        await socket.send_json({**HELLO, "data": {"token": f"Bearer {client.token}"}})
        await socket.receive(timeout=PATIENCE)
        assert socket.close_code == 4401


async def test_a_client_that_does_not_read_is_dropped_and_others_are_served(
    demo_data: Path,
) -> None:
    limits = Limits(sign_ins=1000, mercury_queue=8)
    async with started(config(demo_data, limits=limits)) as cloud:
        alice = Wire(cloud.http, cloud.service.http_url, await cloud.token("alice"))
        await alice.register()
        socket = await opened(cloud)
        await socket.send_json({**HELLO, "data": {"token": f"Bearer {await cloud.token('bob')}"}})
        await socket.receive_json(timeout=PATIENCE)  # it is let in
        assert await sockets(cloud) == 2
        # It asks and asks, and reads no answer: what is on the way fills up, and then the queue.
        # Once it is dropped nobody reads what it says either, so that it may wait for ever.
        asking = asyncio.create_task(ask_for_ever(socket))
        async with asyncio.timeout(PATIENCE * 2):
            while await sockets(cloud) == 2:
                await asyncio.sleep(0.05)
        asking.cancel()
        await asyncio.wait([asking])
        await pinged(alice)
        # Now it reads: it finds out why, and may come back.
        async with asyncio.timeout(PATIENCE):
            while (message := await socket.receive()).type is aiohttp.WSMsgType.TEXT:
                pass
        assert message.type is aiohttp.WSMsgType.CLOSE
        assert socket.close_code == 1011
        await alice.close()


async def ask_for_ever(socket: aiohttp.ClientWebSocketResponse) -> None:
    while True:
        await socket.send_json({"id": "x" * 60_000, "type": "ping"})


async def sockets(cloud: Cloud) -> int:
    """How many clients are connected, by the service's own figures."""
    metrics = await cloud.get("/metrics", token=await cloud.token("carol"))
    figures = dict(line.split(" ") for line in metrics.body.decode().splitlines() if line[0] != "#")
    return int(float(figures["offhook_mercury_sockets"]))
