"""A client learns a line or a call by an HTTP answer, and only then hears of it over Mercury.

The requests are made inside the process, so that each test can stop where the answer is written.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from offhook.engine.exchange.effects import Incoming, Tell
from service.running import Cloud
from service.signalling import PATIENCE, Wire, call_body

Make = Callable[[str], Awaitable[Wire]]


async def post(
    cloud: Cloud,
    client: Wire,
    path: str,
    body: object,
    before_answer: Callable[[], Awaitable[None]],
) -> Any:
    """POST as `client`, doing `before_answer` before the answer is written."""
    content = json.dumps(body).encode()
    address = urlsplit(cloud.service.http_url)
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [
            (b"host", address.netloc.encode()),
            (b"authorization", f"Bearer {client.token}".encode()),
            (b"content-type", b"application/json"),
            (b"content-length", str(len(content)).encode()),
        ],
        "client": ("127.0.0.1", 1),
        "server": (address.hostname, address.port),
        "state": {},
    }
    answer = bytearray()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            assert message["status"] == 200
            await before_answer()
        answer.extend(message.get("body", b""))

    await cloud.service.app(scope, receive, send)  # type: ignore[arg-type]
    return json.loads(answer)


async def is_told_nothing(client: Wire) -> None:
    """All that was sent to the client by now has come, since its pong has; and it was nothing."""
    await client.say({"id": "barrier", "type": "ping"})
    await client.frame(lambda frame: frame.get("type") == "pong" and frame["id"] == "barrier")
    assert client.events == []


async def test_a_caller_hears_of_its_call_after_the_answer_that_names_it(
    cloud: Cloud, wire: Make, offer: str
) -> None:
    alice = await wire("alice")
    body = call_body(alice.own(), "8003", offer)
    path = f"/api/v1/calling/web/devices/{alice.line}/call"
    answer = await post(cloud, alice, path, body, lambda: is_told_nothing(alice))
    await alice.told("calldisconnected", answer["callId"])


async def test_a_line_rings_after_the_answer_that_names_it(
    cloud: Cloud, wire: Make, offer: str
) -> None:
    alice, bob = await wire("alice"), await wire("bob")
    await bob.do("DELETE", f"devices/{bob.line}")
    await alice.dial("1002", offer)
    await alice.told("callprogress")
    rings = asyncio.Event()

    def watch(at: float, what: object) -> None:
        if isinstance(what, Tell) and isinstance(what.news, Incoming):
            rings.set()

    cloud.service.shell.observe(watch)

    async def rings_and_is_told_nothing() -> None:
        await asyncio.wait_for(rings.wait(), PATIENCE)
        await is_told_nothing(bob)

    body = {"userId": bob.device["userId"], "clientDeviceUri": bob.device["url"]}
    path = "/api/v1/calling/web/device"
    answer = await post(cloud, bob, path, body, rings_and_is_told_nothing)
    event = await bob.told("call")
    assert event["deviceId"] == answer["device"]["deviceId"]
    assert bob.story(event["callId"]) == ["OFFER", "call"]
