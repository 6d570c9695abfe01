"""Pushes to Google, over real HTTP/2 and TLS, with a service account that signs in."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from offhook.engine.dispatch.model import OutcomeKind, Provider
from offhook.push.dispatcher import Dispatcher
from offhook.push.providers.channel import ProviderError
from offhook.push.providers.settings import FcmApp, FcmShape, ProviderSettings
from push.providers.google import Google, google
from push.providers.sending import APP, PAYLOAD, Sending, sending


@pytest.fixture
async def fcm(tmp_path: Path) -> AsyncIterator[Google]:
    async with google(tmp_path) as it:
        yield it


@pytest.fixture
async def sender(fcm: Google) -> AsyncIterator[Sending]:
    async with sending(fcm.settings()) as it:
        yield it


async def outcome_of(sender: Sending, lasts: float = 30.0) -> tuple[OutcomeKind, int]:
    outcome = await sender.sent(sender.push("token", provider=Provider.FCM, lasts=lasts))
    return outcome.kind, outcome.attempts


async def test_the_payload_arrives_byte_for_byte_in_a_message_that_wakes(
    fcm: Google, sender: Sending
) -> None:
    assert await outcome_of(sender) == (OutcomeKind.SENT, 1)
    (message,) = fcm.messages
    assert message["data"]["webhookTelephonyPush"].encode() == PAYLOAD
    assert message["token"] == "token"
    assert message["android"] == {"priority": "high", "ttl": "29s"}
    assert "notification" not in message
    assert fcm.requests[0].path == "/v1/projects/my-project/messages:send"


@pytest.mark.parametrize(
    ("shape", "data"),
    [
        ("webhookTelephonyPush", {"webhookTelephonyPush": PAYLOAD.decode()}),
        ("flat", {"name": "Zoë & Bob", "n": "1.0", "pushId": "p"}),
    ],
)
async def test_the_payload_is_placed_where_the_app_looks(
    fcm: Google, shape: FcmShape, data: dict[str, str]
) -> None:
    async with sending(fcm.settings(shape)) as sender:
        await outcome_of(sender)
    assert fcm.messages[0]["data"] == data


async def test_cisco_s_sample_app_finds_the_payload_in_its_json_text(fcm: Google) -> None:
    async with sending(fcm.settings("pinpoint")) as sender:
        await outcome_of(sender)
    (text,) = fcm.messages[0]["data"].values()
    assert json.loads(text)["webhookTelephonyPush"].encode() == PAYLOAD


async def test_a_token_that_is_gone_is_dropped(fcm: Google, sender: Sending) -> None:
    fcm.error(404, "NOT_FOUND", "UNREGISTERED")
    assert await outcome_of(sender) == (OutcomeKind.TOKEN_DEAD, 1)
    message = "The registration token is not a valid FCM registration token"
    fcm.error(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", message)
    assert await outcome_of(sender) == (OutcomeKind.TOKEN_DEAD, 1)


async def test_a_message_that_google_does_not_like_says_nothing_about_the_token(
    fcm: Google, sender: Sending
) -> None:
    fcm.error(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", "Message too big")
    assert await outcome_of(sender) == (OutcomeKind.REFUSED, 1)


async def test_a_token_of_another_project_stops_nobody_else(fcm: Google, sender: Sending) -> None:
    fcm.error(403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH")
    assert await outcome_of(sender) == (OutcomeKind.MISCONFIGURED, 1)
    assert await outcome_of(sender) == (OutcomeKind.SENT, 1)


async def test_a_service_account_without_the_right_stops_the_app(
    fcm: Google, sender: Sending
) -> None:
    fcm.error(403, "PERMISSION_DENIED")
    assert await outcome_of(sender) == (OutcomeKind.MISCONFIGURED, 1)
    assert await outcome_of(sender) == (OutcomeKind.MISCONFIGURED, 0)
    assert len(fcm.requests) == 1


async def test_googles_own_trouble_is_outlived_within_the_window(
    fcm: Google, sender: Sending
) -> None:
    fcm.error(503, "UNAVAILABLE", "UNAVAILABLE")
    assert await outcome_of(sender) == (OutcomeKind.SENT, 2)
    fcm.error(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", **{"retry-after": "60"})
    assert await outcome_of(sender) == (OutcomeKind.EXPIRED, 1)


async def test_an_access_token_that_is_refused_is_replaced_once(
    fcm: Google, sender: Sending
) -> None:
    assert await outcome_of(sender) == (OutcomeKind.SENT, 1)
    assert fcm.tokens == 1
    fcm.error(401, "UNAUTHENTICATED")
    assert await outcome_of(sender) == (OutcomeKind.SENT, 2)
    assert fcm.tokens == 2


async def test_a_sign_in_that_is_down_at_first_is_tried_again(fcm: Google) -> None:
    fcm.sign_in_status = 503
    async with sending(fcm.settings()) as sender:
        push = sender.send(sender.push("token", provider=Provider.FCM))
        with pytest.raises(TimeoutError):
            await sender.outcome(push, 0.2)
        fcm.sign_in_status = 200
        assert (await sender.outcome(push)).kind is OutcomeKind.SENT


async def test_credentials_that_are_none_are_refused_at_the_start(tmp_path: Path) -> None:
    file = tmp_path / "account.json"
    file.write_text("{}")
    app = FcmApp(app=APP, project="p", credentials=str(file))
    dispatcher = Dispatcher(ProviderSettings(fcm=[app]), lambda outcome: None)
    with pytest.raises(ProviderError, match="not the JSON file of a service account"):
        await dispatcher.start()
