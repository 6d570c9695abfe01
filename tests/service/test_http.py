"""What every answer has in common, whatever the path."""

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar, get
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp

from offhook.service.app import application
from offhook.service.store import MIGRATIONS
from offhook.serving import metrics
from offhook.serving.cors import Cors
from offhook.store import open_database
from service.running import Cloud, is_webex_error

#: All that can be done without a token, and nothing else.
PUBLIC = {
    ("GET", "/.well-known/oauth-authorization-server"),
    ("GET", "/healthz"),
    ("GET", "/idb/oauth2/v1/authorize"),
    ("GET", "/u2c/api/v1/limited/catalog"),
    ("GET", "/v1/authorize"),
    ("GET", "/v1/region"),
    ("POST", "/idb/oauth2/v1/access_token"),
    ("POST", "/idb/oauth2/v1/authorize"),
    ("POST", "/v1/access_token"),
    ("POST", "/v1/authorize"),
    ("POST", "/v1/jwt/login"),
    ("POST", "/v1/revoke"),
    ("POST", "/v1/tokens/revoke"),
}


def all_routes(cloud: Cloud) -> Iterator[tuple[str, str]]:
    """Every method and path that the running application has, with ids filled in."""
    app: Any = cloud.service.app
    assert isinstance(app, Cors)
    litestar: Any = app.app
    assert isinstance(litestar, Litestar)
    for route in litestar.routes:
        handlers = [
            each
            for each in getattr(route, "route_handlers", ())
            if isinstance(each, HTTPRouteHandler)
        ]
        path = route.path_format
        for name in route.path_parameters:
            path = path.replace("{" + name + "}", "x")
        for handler in handlers:
            for method in handler.http_methods - {"OPTIONS"}:
                yield str(method), path


async def test_without_a_token_one_can_sign_in_and_look_around_and_nothing_else(
    cloud: Cloud,
) -> None:
    routes = set(all_routes(cloud))
    assert len(routes) > 30
    assert routes >= PUBLIC
    open_to_all = set()
    for method, path in sorted(routes):
        answer = await cloud.request(method, path)
        if answer.status == 401 and "Authorization request header" in answer.json["message"]:
            assert is_webex_error(answer, 401), (method, path)
        else:
            open_to_all.add((method, path))
    assert open_to_all == PUBLIC


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer nonsense",
        "Bearer a_b_c",
        "Basic YTpi",
        "bearer\ttoken",
        "Bearer " + "a" * 8000,
        "Bearer \xe4\xf6\xfc",
    ],
)
async def test_a_token_that_is_none_gets_401(cloud: Cloud, header: str) -> None:
    answer = await cloud.get("/v1/people/me", headers={"Authorization": header})
    assert is_webex_error(answer, 401)


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/", "/v1/unknown", "/v2/people", "/..%2f", "/favicon.ico"]
)
async def test_an_unknown_path_is_not_found_in_webex_shape(cloud: Cloud, path: str) -> None:
    for token in (None, await cloud.token("alice")):
        assert is_webex_error(await cloud.get(path, token=token), 404)


async def test_a_method_that_a_path_does_not_have_is_said(cloud: Cloud) -> None:
    answer = await cloud.request("DELETE", "/v1/people", token=await cloud.token("alice"))
    assert is_webex_error(answer, 405)
    assert "GET" in answer.headers["Allow"]


@pytest.mark.parametrize(
    ("path", "size"),
    [
        ("/wdm/api/v1/devices", 262_145),
        ("/metrics/api/v1/clientmetrics", 262_145),
        ("/v1/access_token", 65_537),
        ("/v1/authorize", 65_537),
        ("/v1/revoke", 65_537),
    ],
)
async def test_a_body_that_is_too_large_is_refused(cloud: Cloud, path: str, size: int) -> None:
    token = await cloud.token("alice")
    assert is_webex_error(await cloud.post(path, token=token, data=b"x" * size), 413)

    async def in_pieces() -> Any:
        for _ in range(size // 8192 + 1):
            yield b"x" * 8192

    assert is_webex_error(await cloud.post(path, token=token, data=in_pieces()), 413)
    assert (await cloud.get("/healthz")).status == 200


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"text"', b"\xff", b'{"name": 7}', b"[" * 50_000]
)
async def test_a_body_that_cannot_be_read_is_said(cloud: Cloud, body: bytes) -> None:
    token = await cloud.token("alice")
    assert is_webex_error(await cloud.post("/wdm/api/v1/devices", token=token, data=body), 400)


async def test_the_clients_tracking_id_comes_back_on_every_answer(cloud: Cloud) -> None:
    token = await cloud.token("alice")
    headers = {"trackingid": "webex-js-sdk_7e8e_12"}
    for path in ("/v1/people/me", "/v1/unknown", "/healthz", "/v1/people?max=0"):
        answer = await cloud.get(path, token=token, headers=headers)
        assert answer.headers.getall("trackingid") == ["webex-js-sdk_7e8e_12"]


@pytest.mark.parametrize("given", [None, "", "x" * 129, "\xe4"])
async def test_a_tracking_id_is_made_where_none_came_that_can_be_sent_back(
    cloud: Cloud, given: str | None
) -> None:
    headers = {} if given is None else {"trackingid": given}
    answer = await cloud.get("/healthz", headers=headers)
    assert answer.headers["trackingid"].startswith("OFFHOOK_")


async def test_a_page_on_another_origin_may_use_the_api(cloud: Cloud) -> None:
    asked = "authorization,cisco-device-url,cisco-no-http-redirect,content-type,trackingid"
    preflight = await cloud.request(
        "OPTIONS",
        "/wdm/api/v1/devices/7",
        headers={
            "Origin": "https://app.example.org",
            "Access-Control-Request-Method": "DELETE",
            "Access-Control-Request-Headers": asked,
        },
    )
    assert preflight.status in (200, 204)
    assert preflight.headers["Access-Control-Allow-Origin"] == "https://app.example.org"
    assert preflight.headers["Access-Control-Allow-Headers"] == asked
    methods = {
        each.strip() for each in preflight.headers["Access-Control-Allow-Methods"].split(",")
    }
    assert methods >= {"GET", "POST", "PUT", "PATCH", "DELETE"}
    for path, status in (("/v1/people/me", 200), ("/v1/unknown", 404)):
        answer = await cloud.get(
            path,
            token=await cloud.token("alice"),
            headers={"Origin": "https://app.example.org"},
        )
        assert answer.status == status
        assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example.org"
        exposed = answer.headers["Access-Control-Expose-Headers"]
        exposed = {each.strip() for each in exposed.split(",")}
        assert exposed >= {"trackingid", "retry-after", "etag", "cisco-location"}
        assert "Access-Control-Allow-Credentials" not in answer.headers


async def test_a_fault_of_ours_shows_nothing_but_a_tracking_id_which_is_in_the_log(
    cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    @get("/broken", opt={"public": True})
    async def broken() -> None:
        raise RuntimeError("a secret of the inside")

    app = application([broken], cloud.service.identity, 1000)
    with caplog.at_level(logging.ERROR):
        status, body = await asked(app, "/broken", trackingid="CLIENT_7")
    assert status == 500
    assert b"secret" not in body
    assert b"RuntimeError" not in body
    assert b'"trackingId":"CLIENT_7"' in body
    assert "CLIENT_7" in caplog.text
    assert "a secret of the inside" in caplog.text


async def asked(app: ASGIApp, path: str, **headers: str) -> tuple[int, bytes]:
    """Status and body of a GET that goes to `app` without a network."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope: Any = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
        "state": {},
    }
    await app(scope, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


async def test_a_service_whose_database_is_gone_is_not_well(cloud: Cloud, tmp_path: Path) -> None:
    database = await open_database(f"sqlite:///{tmp_path}/other.db", MIGRATIONS)
    app = application(metrics.routes([], database), cloud.service.identity, 1000)
    assert (await asked(app, "/healthz"))[0] == 200
    await database.close()
    status, body = await asked(app, "/healthz")
    assert status == 503
    assert b"database does not answer" in body


async def test_health_and_figures(cloud: Cloud) -> None:
    health = await cloud.get("/healthz")
    assert (health.status, health.json) == (200, {"status": "ok"})
    figures = await cloud.get("/metrics", token=await cloud.token("ada"))
    assert figures.headers["Content-Type"].startswith("text/plain")
    text = figures.body.decode()
    assert "\noffhook_lines 0.0" in text
    assert "# TYPE offhook_media_packets_total counter" in text


async def test_many_requests_at_once_are_all_answered(cloud: Cloud) -> None:
    token = await cloud.token("alice")
    answers = await asyncio.gather(*(cloud.get("/v1/people/me", token=token) for _ in range(100)))
    assert {answer.status for answer in answers} == {200}
