"""The stand-in for Google, as a backend meets it: its sign-in, what it takes, how it refuses."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import jwt
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric import rsa

from offhook.testing import FcmServer
from testing.http2_client import Http2Client, Response, connected

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOKEN = "cAse:Matters_-" + "x" * 120
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
DATA = {"webhookTelephonyPush": '{ "name":"Zoë \\u0026 Bob" ,"n": 1.0}\n'}
LATE = {"seconds": 0.0}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared() -> AsyncIterator[FcmServer]:
    async with FcmServer("my-phone", clock=lambda: time.time() + LATE["seconds"]) as server:
        yield server


@pytest_asyncio.fixture(loop_scope="module")
async def fcm(shared: FcmServer) -> FcmServer:
    shared.clear()
    return shared


@pytest_asyncio.fixture(loop_scope="module")
async def client(fcm: FcmServer) -> AsyncIterator[Http2Client]:
    async with connected(fcm.host, fcm.port, fcm.ca_path) as it:
        yield it


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def http(shared: FcmServer) -> AsyncIterator[aiohttp.ClientSession]:
    tls = ssl.create_default_context(cafile=shared.ca_path)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls)) as session:
        yield session


def assertion(fcm: FcmServer, *, key: object = None, **changes: object) -> str:
    account = json.loads(fcm.credentials.read_text())
    now = int(time.time() + LATE["seconds"])
    claims = {
        "iss": account["client_email"],
        "scope": SCOPE,
        "aud": account["token_uri"],
        "iat": now,
        "exp": now + 3600,
    }
    private: Any = key or account["private_key"]
    return jwt.encode(claims | changes, private, algorithm="RS256")


async def asked(
    http: aiohttp.ClientSession, fcm: FcmServer, text: str, grant: str = GRANT
) -> tuple[int, Any]:
    form = {"grant_type": grant, "assertion": text}
    async with http.post(fcm.token_uri, data=form) as answer:
        return answer.status, await answer.json()


@pytest_asyncio.fixture(loop_scope="module")
async def bearer(http: aiohttp.ClientSession, fcm: FcmServer) -> dict[str, str]:
    status, answer = await asked(http, fcm, assertion(fcm))
    assert status == 200
    return {"authorization": f"Bearer {answer['access_token']}"}


def message(**changes: Any) -> bytes:
    """A good message; None takes a member away."""
    usual: dict[str, Any] = {
        "token": TOKEN,
        "data": DATA,
        "android": {"priority": "high", "ttl": "12s"},
    }
    members = {name: value for name, value in (usual | changes).items() if value is not None}
    return json.dumps({"message": members}).encode()


async def send(
    client: Http2Client, bearer: dict[str, str], body: bytes, project: str = "my-phone"
) -> Response:
    return await client.post(f"/v1/projects/{project}/messages:send", bearer, body)


async def test_an_assertion_may_be_for_google_as_its_own_libraries_write_it(
    http: aiohttp.ClientSession, fcm: FcmServer
) -> None:
    text = assertion(fcm, aud="https://oauth2.googleapis.com/token")
    status, answer = await asked(http, fcm, text)
    assert (status, answer["token_type"]) == (200, "Bearer")


async def test_a_good_message_arrives_with_its_text_as_it_is(
    fcm: FcmServer, client: Http2Client, bearer: dict[str, str]
) -> None:
    answer = await send(client, bearer, message())
    assert answer.status == 200
    assert answer.json["name"].startswith("projects/my-phone/messages/")
    got = await fcm.next_push()
    assert (got.token, got.data) == (TOKEN, DATA)
    assert got.android == {"priority": "high", "ttl": "12s"}
    assert fcm.pushes == [got]


async def test_a_message_that_is_only_to_be_checked_reaches_nobody(
    fcm: FcmServer, client: Http2Client, bearer: dict[str, str]
) -> None:
    body = json.dumps({**json.loads(message()), "validate_only": True}).encode()
    assert (await send(client, bearer, body)).status == 200
    assert fcm.pushes == []


@pytest.mark.parametrize("authorization", [None, "Basic abc", "Bearer ", "Bearer ya29.invented"])
async def test_nobody_sends_without_an_access_token(
    fcm: FcmServer, client: Http2Client, authorization: str | None
) -> None:
    headers = {"authorization": authorization} if authorization else {}
    answer = await send(client, headers, message())
    assert (answer.status, answer.json["error"]["status"]) == (401, "UNAUTHENTICATED")
    assert answer.json["error"]["code"] == 401
    assert fcm.pushes == []


async def test_an_access_token_ends_and_can_be_taken_back(
    fcm: FcmServer, client: Http2Client, http: aiohttp.ClientSession
) -> None:
    fcm.sign_in.lifetime = 60
    status, answer = await asked(http, fcm, assertion(fcm))
    fcm.sign_in.lifetime = 3600
    assert (status, answer["expires_in"], answer["token_type"]) == (200, 60, "Bearer")
    short = {"authorization": f"Bearer {answer['access_token']}"}
    assert (await send(client, short, message())).status == 200
    LATE["seconds"] += 61
    assert (await send(client, short, message())).status == 401
    _, answer = await asked(http, fcm, assertion(fcm))
    other = {"authorization": f"Bearer {answer['access_token']}"}
    assert (await send(client, other, message())).status == 200
    fcm.sign_in.revoke()
    assert (await send(client, other, message())).status == 401


async def test_another_project_is_denied(client: Http2Client, bearer: dict[str, str]) -> None:
    answer = await send(client, bearer, message(), project="of-somebody-else")
    assert (answer.status, answer.json["error"]["status"]) == (403, "PERMISSION_DENIED")
    answer = await client.post("/v1/messages", bearer, message())
    assert answer.status == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{", ""),
        (b"[]", "message"),
        (b"{}", "message"),
        (message(token=None), "message"),
        (message(topic="news"), "message"),
        (message(to="me"), "message"),
        (message(token="short"), "message.token"),
        (message(token="with a blank in it, and long"), "message.token"),
        (message(data=["a"]), "message.data"),
        (message(data={"a": "b", "n": 1}), "message.data[1].value"),
        (message(data={"from": "me"}), "message.data[0]"),
        (message(data={"google.x": "y"}), "message.data[0]"),
        (message(data={"k": "é" * 2048}), "message.data"),
        (message(android={"priority": "highest"}), "message.android.priority"),
        (message(android={"ttl": 12}), "message.android.ttl"),
        (message(android={"ttl": "12"}), "message.android.ttl"),
        (message(android={"ttl": "-1s"}), "message.android.ttl"),
        (message(android={"ttl": "2419201s"}), "message.android.ttl"),
    ],
)
async def test_a_message_that_is_wrong_is_refused_where_it_is(
    fcm: FcmServer, client: Http2Client, bearer: dict[str, str], body: bytes, field: str
) -> None:
    answer = await send(client, bearer, body)
    error = answer.json["error"]
    assert (answer.status, error["code"], error["status"]) == (400, 400, "INVALID_ARGUMENT")
    kind, *places = error["details"]
    assert kind["@type"] == "type.googleapis.com/google.firebase.fcm.v1.FcmError"
    assert kind["errorCode"] == "INVALID_ARGUMENT"
    assert [each["fieldViolations"][0]["field"] for each in places] == ([field] if field else [])
    assert fcm.pushes == []


async def test_data_may_have_four_kilobytes(client: Http2Client, bearer: dict[str, str]) -> None:
    assert (await send(client, bearer, message(data={"k": "x" * 4095}))).status == 200


async def test_a_dead_token_stays_dead_and_its_twin_in_other_letters_lives(
    fcm: FcmServer, client: Http2Client, bearer: dict[str, str]
) -> None:
    fcm.answer(404, "UNREGISTERED", token=TOKEN)
    for _ in range(2):
        answer = await send(client, bearer, message())
        error = answer.json["error"]
        assert (answer.status, error["status"]) == (404, "NOT_FOUND")
        assert [each["errorCode"] for each in error["details"]] == ["UNREGISTERED"]
    assert (await send(client, bearer, message(token=TOKEN.lower()))).status == 200
    fcm.answer(200, token=TOKEN)
    assert (await send(client, bearer, message())).status == 200


@pytest.mark.parametrize(
    ("status", "code", "state"),
    [
        (400, "INVALID_ARGUMENT", "INVALID_ARGUMENT"),
        (401, "THIRD_PARTY_AUTH_ERROR", "UNAUTHENTICATED"),
        (403, "SENDER_ID_MISMATCH", "PERMISSION_DENIED"),
        (429, "QUOTA_EXCEEDED", "RESOURCE_EXHAUSTED"),
        (500, "INTERNAL", "INTERNAL"),
        (503, "UNAVAILABLE", "UNAVAILABLE"),
    ],
)
async def test_trouble_is_told_as_google_tells_it(
    fcm: FcmServer,
    client: Http2Client,
    bearer: dict[str, str],
    status: int,
    code: str,
    state: str,
) -> None:
    fcm.answer(status, code, retry_after=30)
    answer = await send(client, bearer, message())
    error = answer.json["error"]
    assert (answer.status, error["code"], error["status"]) == (status, status, state)
    assert error["message"]
    assert error["details"][0]["errorCode"] == code
    assert answer.headers["retry-after"] == "30"
    assert (await send(client, bearer, message())).status == 200


async def test_it_can_be_cut_off_go_away_and_be_down(
    fcm: FcmServer, client: Http2Client, bearer: dict[str, str]
) -> None:
    fcm.answer(None)
    assert (await send(client, bearer, message())).refused
    fcm.hold()
    waits = asyncio.create_task(send(client, bearer, message()))
    async with asyncio.timeout(5):
        while not fcm.waiting:
            await asyncio.sleep(0.002)
    fcm.go_away()
    fcm.let_go()
    assert (await waits).refused
    assert client.went_away
    await fcm.down()
    with pytest.raises(OSError, match=r"refused|failed"):
        await asyncio.open_connection(fcm.host, fcm.port)
    await fcm.up()
    async with connected(fcm.host, fcm.port, fcm.ca_path) as again:
        assert (await send(again, bearer, message())).status == 200
    assert len(fcm.pushes) == 1


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"iss": "somebody@else.example"}, "invalid_grant"),
        ({"aud": "https://somewhere.example/token"}, "invalid_grant"),
        ({"scope": "https://www.googleapis.com/auth/drive"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
        ({"exp": 1_700_000_000}, "invalid_grant"),
        ({"iat": 1_700_000_000}, "invalid_grant"),
        ({"iat": 4_000_000_000, "exp": 4_000_003_600}, "invalid_grant"),
        ({"exp": None}, "invalid_grant"),
    ],
)
async def test_the_sign_in_believes_no_assertion_that_is_wrong(
    fcm: FcmServer, http: aiohttp.ClientSession, changes: dict[str, object], error: str
) -> None:
    status, answer = await asked(http, fcm, assertion(fcm, **changes))
    assert (status, answer["error"]) == (400, error)
    assert "access_token" not in answer


async def test_the_sign_in_knows_its_own_key_only(
    fcm: FcmServer, http: aiohttp.ClientSession
) -> None:
    stranger = await asyncio.to_thread(rsa.generate_private_key, 65_537, 2048)
    for text in (assertion(fcm, key=stranger), "a.b.c", ""):
        status, answer = await asked(http, fcm, text)
        assert (status, answer["error"]) == (400, "invalid_grant")
    status, answer = await asked(http, fcm, assertion(fcm), grant="password")
    assert (status, answer["error"]) == (400, "unsupported_grant_type")
    async with http.get(fcm.token_uri) as answer:
        assert answer.status == 404


async def test_the_sign_in_can_be_in_trouble_too(
    fcm: FcmServer, http: aiohttp.ClientSession
) -> None:
    fcm.sign_in.answer(503, "temporarily_unavailable", times=2)
    before = fcm.sign_in.asked
    statuses = [(await asked(http, fcm, assertion(fcm)))[0] for _ in range(3)]
    assert statuses == [503, 503, 200]
    assert fcm.sign_in.asked == before + 3
