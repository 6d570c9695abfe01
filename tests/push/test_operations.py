"""What an operator sees: health, figures, and the page."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from offhook.engine.dispatch.model import Outcome, OutcomeKind
from push.backend import (
    ADMIN,
    ALICE,
    APNS_TOKEN,
    BUNDLE,
    SECRET,
    Backend,
    config,
    started,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


def basic(password: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"me:{password}".encode()).decode()}


async def test_the_page_shows_devices_and_the_last_pushes_and_no_secret(backend: Backend) -> None:
    await backend.register(ALICE, "installation-1")
    await backend.ring(ALICE)
    await backend.until("outcomes_total", 1)
    answer = await backend.request("GET", "/admin", headers=basic(ADMIN))
    assert answer.status == 200
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    for shown in (BUNDLE, "installation-1", ALICE.uuid[:12], "sent", "production"):
        assert shown in answer.text
    for hidden in (APNS_TOKEN, "Carol", "2025550123", SECRET, ADMIN):
        assert hidden not in answer.text


async def test_the_page_asks_for_the_admin_token(backend: Backend) -> None:
    for headers in (
        {},
        basic("a guess"),
        basic(""),
        {"authorization": "Basic %%%"},
        {"authorization": "Bearer a guess"},
        ALICE.bearer,
    ):
        answer = await backend.request("GET", "/admin", headers=headers)
        assert answer.status == 401
        assert answer.headers["www-authenticate"].startswith("Basic")
        assert BUNDLE not in answer.text
    bearer = {"authorization": f"Bearer {ADMIN}"}
    assert (await backend.request("GET", "/admin", headers=bearer)).status == 200


async def test_who_guesses_the_admin_token_has_to_wait(tmp_path: Path) -> None:
    settings = config(tmp_path, "http://127.0.0.1:9", limits={"refused": 2})
    async with started(settings) as backend:
        statuses = [
            (await backend.request("GET", "/admin", headers=basic(f"guess {n}"))).status
            for n in range(3)
        ]
        assert statuses == [401, 401, 429]


async def test_without_an_admin_token_there_is_no_page(tmp_path: Path) -> None:
    async with started(config(tmp_path, "http://127.0.0.1:9", admin_token="")) as backend:
        assert (await backend.request("GET", "/admin", headers=basic(""))).status == 404
        figures = await backend.request("GET", "/metrics")
        assert figures.status == 200
        by_proxy = {"x-forwarded-for": "192.0.2.1"}
        assert (await backend.request("GET", "/metrics", headers=by_proxy)).status == 403


async def test_a_wrong_configuration_is_an_alarm_until_a_push_goes_through(
    backend: Backend,
) -> None:
    await backend.register(ALICE)
    backend.sender.answer = lambda push: Outcome(
        push, OutcomeKind.MISCONFIGURED, 1, 0.1, 403, "InvalidProviderToken"
    )
    await backend.ring(ALICE)
    await backend.until("outcomes_total", 1, outcome="misconfigured")
    answer = await backend.request("GET", "/admin", headers=basic(ADMIN))
    assert "InvalidProviderToken" in answer.text
    assert 'role="alert"' in answer.text
    assert await backend.figure("apps_misconfigured") == 1
    again = await backend.as_new()
    await again.register(ALICE)
    await again.ring(ALICE)
    await again.until("outcomes_total", 1, outcome="sent")
    answer = await backend.request("GET", "/admin", headers=basic(ADMIN))
    assert 'role="alert"' not in answer.text


async def test_what_a_provider_or_an_app_says_cannot_change_the_page(backend: Backend) -> None:
    await backend.register(ALICE)
    backend.sender.answer = lambda push: Outcome(
        push, OutcomeKind.REFUSED, 1, 0.1, 400, "<script>alert(1)</script>"
    )
    await backend.ring(ALICE)
    await backend.until("outcomes_total", 1)
    path = "/admin?person=%3Cscript%3E&device=%22%3E"
    answer = await backend.request("GET", path, headers=basic(ADMIN))
    assert answer.status == 200
    assert "<script" not in answer.text


async def test_many_devices_are_shown_in_parts(tmp_path: Path) -> None:
    settings = config(tmp_path, "http://127.0.0.1:9", limits={"devices_per_person": 100})
    async with started(settings) as backend:
        from offhook.engine.dispatch.model import Environment, Provider
        from offhook.push.registry import Registration

        for number in range(60):
            device = Registration(
                f"device-{number:02}", Provider.APNS, BUNDLE, Environment.SANDBOX, f"{number:064}"
            )
            await backend.service.registry.register(ALICE.uuid, device)
        first = await backend.request("GET", "/admin", headers=basic(ADMIN))
        assert "device-49" in first.text
        assert "device-50" not in first.text
        assert "More devices" in first.text
        path = f"/admin?person={ALICE.uuid}&device=device-49"
        second = await backend.request("GET", path, headers=basic(ADMIN))
        assert "device-50" in second.text
        assert "More devices" not in second.text


async def test_figures_tell_what_came_in_and_what_became_of_it(backend: Backend) -> None:
    await backend.register(ALICE)
    await backend.ring(ALICE)
    await backend.ring(ALICE, "a wrong secret")
    await backend.until("outcomes_total", 1)
    answer = await backend.request("GET", "/metrics", headers=basic(ADMIN))
    for line in (
        "offhook_push_webhooks_received_total ",
        'offhook_push_webhooks_rejected_total{reason="forged"} ',
        'offhook_push_pushes_total{provider="apns"} ',
        'offhook_push_outcomes_total{outcome="sent",provider="apns"} ',
        'offhook_push_seconds_bucket{le="0.005",provider="apns"} ',
    ):
        assert f"\n{line}" in answer.text
    assert ALICE.uuid not in answer.text
    assert await backend.figure("seconds_count", provider="apns") == 1
    assert (await backend.request("GET", "/metrics", headers=basic("no"))).status == 401


async def test_health_is_that_of_the_database(backend: Backend) -> None:
    answer = await backend.request("GET", "/healthz")
    assert (answer.status, answer.json) == (200, {"status": "ok"})


async def test_an_unknown_path_is_an_error_of_the_usual_shape(backend: Backend) -> None:
    answer = await backend.request("GET", "/nothing")
    assert answer.status == 404
    assert answer.json["trackingId"] == answer.headers["trackingid"]
