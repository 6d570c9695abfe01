"""The stand-in for Apple, as a backend meets it: what it takes, and with which words it refuses."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from uuid import uuid4

import jwt
import pytest
import pytest_asyncio

from offhook.testing import ApnsServer
from testing.http2_client import Http2Client, Response, connected

pytestmark = pytest.mark.asyncio(loop_scope="module")

APP = "org.example.phone"
TOKEN = "ab" * 32
BODY = '{ "aps":{} ,"name":"Zoë \\u0026 Bob","n":1.0}\n'.encode()


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = time.time()
        self.usual_token = (0.0, "")

    def __call__(self) -> float:
        return self.now


CLOCK = Clock()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared() -> AsyncIterator[ApnsServer]:
    async with ApnsServer(apps=[APP], clock=CLOCK) as server:
        yield server


@pytest_asyncio.fixture(loop_scope="module")
async def apns(shared: ApnsServer) -> ApnsServer:
    shared.clear()
    return shared


@pytest_asyncio.fixture(loop_scope="module")
async def client(apns: ApnsServer) -> AsyncIterator[Http2Client]:
    async with connected(apns.host, apns.port, apns.ca_path) as it:
        yield it


def provider_token(apns: ApnsServer, *, issued: float | None = None, **changes: str) -> str:
    key = changes.get("key") or apns.key.file.read_text()
    claims = {"iss": changes.get("iss", apns.key.team_id), "iat": issued or CLOCK.now}
    header = {"kid": changes.get("kid", apns.key.key_id)}
    return "bearer " + jwt.encode(claims, key, algorithm="ES256", headers=header)


def usual_token(apns: ApnsServer) -> str:
    """The same at the same time: Apple wants no new one for each push."""
    if CLOCK.usual_token[0] != CLOCK.now:
        CLOCK.usual_token = CLOCK.now, provider_token(apns)
    return CLOCK.usual_token[1]


def headers(apns: ApnsServer, **changes: str | None) -> dict[str, str]:
    """Those of a good push; `changes` have ``_`` for ``-``, and None takes one away."""
    usual: dict[str, str | None] = {
        "authorization": usual_token(apns),
        "apns-topic": f"{APP}.voip",
        "apns-push-type": "voip",
        "apns-priority": "10",
        "apns-expiration": "0",
        "apns-id": str(uuid4()),
    }
    usual |= {name.replace("_", "-"): value for name, value in changes.items()}
    return {name: value for name, value in usual.items() if value is not None}


async def push(client: Http2Client, given: dict[str, str], body: bytes = BODY) -> Response:
    return await client.post(f"/3/device/{TOKEN}", given, body)


async def test_a_good_push_arrives_byte_for_byte(apns: ApnsServer, client: Http2Client) -> None:
    given = headers(apns)
    answer = await push(client, given)
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["apns-id"] == given["apns-id"]
    got = await apns.next_push()
    assert got.body == BODY
    assert got.payload["name"] == "Zoë & Bob"
    assert got.token == TOKEN
    assert got.headers.items() >= given.items()
    assert apns.pushes == [got]


async def test_a_push_without_an_id_is_given_one(apns: ApnsServer, client: Http2Client) -> None:
    answer = await push(client, headers(apns, apns_id=None))
    assert len(answer.headers["apns-id"]) == 36


@pytest.mark.parametrize(
    ("changes", "status", "reason"),
    [
        ({"authorization": None}, 403, "MissingProviderToken"),
        ({"authorization": "basic abc"}, 403, "MissingProviderToken"),
        ({"authorization": "bearer a.b.c"}, 403, "InvalidProviderToken"),
        ({"apns_topic": None}, 400, "MissingTopic"),
        ({"apns_topic": "org.example.other.voip"}, 400, "BadTopic"),
        ({"apns_topic": APP}, 400, "TopicDisallowed"),
        ({"apns_push_type": None}, 400, "InvalidPushType"),
        ({"apns_push_type": "call"}, 400, "InvalidPushType"),
        ({"apns_priority": "7"}, 400, "BadPriority"),
        ({"apns_expiration": "soon"}, 400, "BadExpirationDate"),
        ({"apns_id": "17"}, 400, "BadMessageId"),
        ({"apns_collapse_id": "x" * 65}, 400, "BadCollapseId"),
    ],
)
async def test_a_wrong_header_is_refused_with_apples_word(
    apns: ApnsServer,
    client: Http2Client,
    changes: dict[str, str | None],
    status: int,
    reason: str,
) -> None:
    answer = await push(client, headers(apns, **changes))
    assert (answer.status, answer.json) == (status, {"reason": reason})
    assert apns.pushes == []


@pytest.mark.parametrize(
    ("kind", "topic", "size", "status"),
    [
        ("voip", f"{APP}.voip", 5120, 200),
        ("voip", f"{APP}.voip", 5121, 413),
        ("alert", APP, 4096, 200),
        ("alert", APP, 4097, 413),
    ],
)
async def test_calls_may_be_larger_than_the_rest(
    apns: ApnsServer, client: Http2Client, kind: str, topic: str, size: int, status: int
) -> None:
    body = b'{"a":"' + b"x" * (size - 8) + b'"}'
    assert len(body) == size
    answer = await push(client, headers(apns, apns_push_type=kind, apns_topic=topic), body)
    assert answer.status == status
    assert not answer.body or answer.json == {"reason": "PayloadTooLarge"}


@pytest.mark.parametrize(
    ("body", "reason"),
    [(b"", "PayloadEmpty"), (b"{", "BadPayload"), (b"[1]", "BadPayload"), (b"\xff", "BadPayload")],
)
async def test_a_payload_is_a_json_object(
    apns: ApnsServer, client: Http2Client, body: bytes, reason: str
) -> None:
    answer = await push(client, headers(apns), body)
    assert (answer.status, answer.json["reason"]) == (400, reason)


@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [
        ("GET", f"/3/device/{TOKEN}", 405, "MethodNotAllowed"),
        ("POST", "/3/devices", 404, "BadPath"),
        ("POST", "/3/device/", 400, "MissingDeviceToken"),
        ("POST", "/3/device/abcd", 400, "BadDeviceToken"),
        ("POST", "/3/device/" + "xy" * 32, 400, "BadDeviceToken"),
    ],
)
async def test_a_push_goes_to_a_device(
    apns: ApnsServer, client: Http2Client, method: str, path: str, status: int, reason: str
) -> None:
    answer = await client.post(path, headers(apns), BODY, method)
    assert (answer.status, answer.json["reason"]) == (status, reason)


async def test_a_device_belongs_to_one_app(apns: ApnsServer, client: Http2Client) -> None:
    apns.register("cd" * 32, "org.example.other.voip")
    answer = await client.post("/3/device/" + "CD" * 32, headers(apns), BODY)
    assert (answer.status, answer.json["reason"]) == (400, "DeviceTokenNotForTopic")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": "OTHERTEAM1"}, "InvalidProviderToken"),
        ({"kid": "OTHERKEY01"}, "InvalidProviderToken"),
        ({"issued": -3601.0}, "ExpiredProviderToken"),
        ({"issued": 61.0}, "ExpiredProviderToken"),
    ],
)
async def test_a_provider_token_names_its_team_and_key_and_is_young(
    apns: ApnsServer, client: Http2Client, changes: dict[str, str | float], reason: str
) -> None:
    issued = CLOCK.now + float(changes.get("issued", 0))
    names = {name: str(value) for name, value in changes.items() if name != "issued"}
    text = provider_token(apns, issued=issued, **names)
    answer = await push(client, headers(apns, authorization=text))
    assert (answer.status, answer.json["reason"]) == (403, reason)


async def test_a_provider_token_ends_and_is_not_replaced_too_soon(
    apns: ApnsServer, client: Http2Client
) -> None:
    first = provider_token(apns)
    assert (await push(client, headers(apns, authorization=first))).status == 200
    CLOCK.now += 600
    answer = await push(client, headers(apns))
    assert (answer.status, answer.json["reason"]) == (429, "TooManyProviderTokenUpdates")
    assert (await push(client, headers(apns, authorization=first))).status == 200
    CLOCK.now += 3001
    answer = await push(client, headers(apns, authorization=first))
    assert (answer.status, answer.json["reason"]) == (403, "ExpiredProviderToken")
    assert (await push(client, headers(apns))).status == 200


async def test_a_dead_token_stays_dead_until_it_is_told_otherwise(
    apns: ApnsServer, client: Http2Client
) -> None:
    apns.answer(410, "Unregistered", token=TOKEN.upper(), timestamp=1_700_000_000_000)
    for _ in range(2):
        answer = await push(client, headers(apns))
        assert answer.status == 410
        assert answer.json == {"reason": "Unregistered", "timestamp": 1_700_000_000_000}
    apns.answer(200, token=TOKEN)
    assert (await push(client, headers(apns))).status == 200


async def test_trouble_comes_as_often_as_it_is_asked_for(
    apns: ApnsServer, client: Http2Client
) -> None:
    apns.answer(503, "ServiceUnavailable", times=2, retry_after=7)
    for _ in range(2):
        answer = await push(client, headers(apns))
        assert (answer.status, answer.json["reason"]) == (503, "ServiceUnavailable")
        assert answer.headers["retry-after"] == "7"
    apns.answer(None)
    assert (await push(client, headers(apns))).refused
    assert (await push(client, headers(apns))).status == 200
    assert len(apns.pushes) == 1


async def until_waiting(apns: ApnsServer) -> None:
    async with asyncio.timeout(5):
        while not apns.waiting:
            await asyncio.sleep(0.002)


async def test_it_answers_late_if_it_is_told_so(apns: ApnsServer, client: Http2Client) -> None:
    apns.delay(0.1)
    began = time.monotonic()
    assert (await push(client, headers(apns))).status == 200
    assert time.monotonic() - began >= 0.1
    apns.delay(0)
    apns.hold()
    waits = asyncio.create_task(push(client, headers(apns)))
    await until_waiting(apns)
    assert not waits.done()
    apns.let_go()
    assert (await waits).status == 200


async def test_it_goes_away_in_the_middle_and_takes_new_connections(
    apns: ApnsServer, client: Http2Client
) -> None:
    apns.hold()
    waits = asyncio.create_task(push(client, headers(apns)))
    await until_waiting(apns)
    apns.go_away()
    apns.let_go()
    assert (await waits).refused
    assert client.went_away
    async with connected(apns.host, apns.port, apns.ca_path) as again:
        assert (await push(again, headers(apns))).status == 200
    assert len(apns.pushes) == 1


async def test_it_is_down_and_up_again_at_the_same_address(
    apns: ApnsServer, client: Http2Client
) -> None:
    assert (await push(client, headers(apns))).status == 200
    port = apns.port
    await apns.down()
    with pytest.raises(OSError, match=r"refused|failed"):
        await asyncio.open_connection(apns.host, port)
    await apns.up()
    async with connected(apns.host, port, apns.ca_path) as again:
        assert (await push(again, headers(apns))).status == 200
    first, second = apns.pushes
    assert first.connection != second.connection


async def test_who_waits_for_a_push_that_does_not_come_is_told(apns: ApnsServer) -> None:
    with pytest.raises(TimeoutError):
        await apns.next_push(0.01)


async def test_a_push_of_any_size_is_read_to_its_end(apns: ApnsServer, client: Http2Client) -> None:
    body = json.dumps({"a": "x" * 40_000}).encode()
    answer = await push(client, headers(apns), body)
    assert (answer.status, answer.json["reason"]) == (413, "PayloadTooLarge")
