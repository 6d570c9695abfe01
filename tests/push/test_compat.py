"""The vendor's sample apps and its sample server's webhook, as they are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from push.backend import (
    ALICE,
    APNS_TOKEN,
    BUNDLE,
    FCM_TOKEN,
    SECRET,
    Backend,
    config,
    event,
    people_of_cloud,
    signed,
    started,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

PROVIDERS = {
    "apns": [{"app": BUNDLE, "team_id": "TEAM123456", "key_id": "KEY1234567", "key_file": "k.p8"}],
    "fcm": [{"app": "org.example.android", "project": "p", "credentials": "c.json"}],
}
IPHONE = {
    "voipToken": APNS_TOKEN,
    "deviceToken": "ef" * 32,
    "pushProvider": "APNS",
    "userId": ALICE.id,
    "prod": False,
}
ANDROID = {"pushProvider": "FCM", "deviceToken": FCM_TOKEN, "userId": ALICE.id}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_backend(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Backend]:
    data = tmp_path_factory.mktemp("compat")
    async with people_of_cloud() as cloud:
        settings = config(data, cloud.url, compat=True, providers=PROVIDERS)
        async with started(settings) as running:
            yield running


async def test_the_sample_apps_register_and_are_pushed(backend: Backend) -> None:
    for body in (IPHONE, ANDROID):
        answer = await backend.request("POST", "/deviceRegistration", json=body)
        assert answer.status == 201, answer.text
    body = event(ALICE)
    assert (await backend.post(body, signed(body), "/handleWebhook")).status == 200
    pushes = {push.device.provider: push for push in [await backend.sender.next() for _ in "12"]}
    iphone, android = pushes["apns"].device, pushes["fcm"].device
    assert (iphone.token, iphone.app, iphone.environment) == (APNS_TOKEN, BUNDLE, "sandbox")
    assert (android.token, android.app) == (FCM_TOKEN, "org.example.android")
    assert pushes["apns"].payload in body


async def test_a_phone_that_registers_again_is_the_same_phone(backend: Backend) -> None:
    for token in (APNS_TOKEN, "cd" * 32):
        await backend.request("POST", "/deviceRegistration", json=IPHONE | {"voipToken": token})
    (device,) = await backend.devices(ALICE)
    assert device["environment"] == "sandbox"
    await backend.request("POST", "/deviceRegistration", json=IPHONE | {"prod": True})
    (device,) = await backend.devices(ALICE)
    assert device["environment"] == "production"


async def test_signing_out_removes_what_the_sample_app_registered_and_nothing_else(
    backend: Backend,
) -> None:
    await backend.register(ALICE, "proven", token="cd" * 32)
    await backend.request("POST", "/deviceRegistration", json=IPHONE)
    answer = await backend.request("DELETE", f"/deviceRegistration/{ALICE.id}")
    assert answer.status == 200
    assert [each["installationId"] for each in await backend.devices(ALICE)] == ["proven"]


async def test_nobody_takes_over_a_phone_whose_owner_showed_a_token(backend: Backend) -> None:
    await backend.register(ALICE, "proven")
    answer = await backend.request("POST", "/deviceRegistration", json=IPHONE)
    assert answer.status == 400
    assert [each["installationId"] for each in await backend.devices(ALICE)] == ["proven"]


async def test_what_the_sample_server_refuses_is_refused(backend: Backend) -> None:
    for body in (
        {**IPHONE, "voipToken": None},
        {**IPHONE, "pushProvider": "PIGEON"},
        {**IPHONE, "userId": "nobody"},
        {"userId": ALICE.id},
    ):
        answer = await backend.request("POST", "/deviceRegistration", json=body)
        assert answer.status == 400, body
    body = event(ALICE, createdBy="")
    assert (await backend.post(body, signed(body), "/handleWebhook")).status == 400


async def test_where_a_secret_is_configured_the_sample_webhook_is_verified(
    backend: Backend,
) -> None:
    await backend.request("POST", "/deviceRegistration", json=IPHONE)
    assert (await backend.post(event(ALICE), {}, "/handleWebhook")).status == 401
    assert backend.sender.pushes.empty()


async def test_an_event_that_comes_by_both_routes_rings_once(backend: Backend) -> None:
    await backend.register(ALICE)
    body = event(ALICE)
    await backend.post(body, signed(body))
    answer = await backend.post(body, signed(body), "/handleWebhook")
    assert answer.json == {"status": "duplicate"}


async def test_without_a_configured_secret_only_the_sample_webhook_takes_unsigned_events(
    tmp_path: Path,
) -> None:
    settings = config(tmp_path, "http://127.0.0.1:9", compat=True, secrets=[])
    async with started(settings) as backend:
        assert (await backend.post(event(ALICE), {}, "/handleWebhook")).status == 200
        assert (await backend.post(event(ALICE), {})).status == 401
        assert any("believes anybody" in warning for warning in backend.service.warnings)
        made = backend.service.secrets[0]
        body = event(ALICE)
        assert (await backend.post(body, signed(body, made))).status == 200
        assert (tmp_path / "webhook.secret").stat().st_mode & 0o777 == 0o600
        answer = await backend.request("POST", "/deviceRegistration", json=IPHONE)
        assert answer.status == 400
        assert "no app for apns" in answer.json["message"]


async def test_the_sample_routes_are_not_there_unless_they_are_turned_on(tmp_path: Path) -> None:
    async with started(config(tmp_path, "http://127.0.0.1:9")) as backend:
        body = event(ALICE)
        for method, path in (
            ("POST", "/deviceRegistration"),
            ("DELETE", f"/deviceRegistration/{ALICE.id}"),
            ("POST", "/handleWebhook"),
        ):
            answer = await backend.request(method, path, data=body, headers=signed(body, SECRET))
            assert answer.status == 404
