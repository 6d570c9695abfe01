"""The backend looks after its webhook, over real HTTP, on a clock that the tests move."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from offhook.engine.dispatch.model import Push
from offhook.push.app import PushBackend
from offhook.push.cloud_address import WEBEX
from offhook.push.config import PushConfig
from offhook.push.history_client import history_base
from offhook.push.last_seen import LastSeen
from offhook.push.watcher import WatchSettings, WebhookWatcher
from offhook.serving.address import ConfigError
from offhook.serving.metrics import FigureCollector
from push.webhook_cloud import WebhookCloud, webhook_cloud

TARGET = "https://push.example.org/webhook"
MIDNIGHT = 1_767_225_600.0
REFRESHING = {"refresh_token": "refresh 0", "client_id": "app", "client_secret": "app secret"}


class Clock:
    """Time that passes only when the test says so, and only while the watcher sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self._asleep = asyncio.Event()
        self._wake = asyncio.Event()
        self._until = 0.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self._until = self.now + seconds
        if seconds > 0:
            self._wake.clear()
            self._asleep.set()
            await self._wake.wait()

    async def next_look(self) -> float:
        """Let the watcher sleep to its end and look; the seconds that it slept."""
        async with asyncio.timeout(5):
            await self._asleep.wait()
            slept = self._until - self.now
            self.now = self._until
            self._asleep.clear()
            self._wake.set()
            await self._asleep.wait()
        return slept

    async def first_look(self) -> None:
        """The watcher has looked and sleeps."""
        async with asyncio.timeout(5):
            await self._asleep.wait()


@pytest.fixture
async def cloud() -> AsyncIterator[WebhookCloud]:
    async with webhook_cloud() as running:
        yield running


@pytest.fixture
def clock() -> Clock:
    return Clock()


@asynccontextmanager
async def watching(
    cloud: WebhookCloud,
    clock: Clock,
    secret: str | None = None,
    last_seen: LastSeen | None = None,
    **values: Any,
) -> AsyncIterator[WebhookWatcher]:
    """A watcher that has looked once."""
    settings = WatchSettings(**{"target": TARGET, "token": "token of ada", **values})
    watcher = WebhookWatcher(
        cloud.url,
        settings,
        secret=secret,
        last_seen=last_seen,
        clock=clock,
        wall_clock=lambda: MIDNIGHT + clock.now,
        sleep=clock.sleep,
    )
    await watcher.start()
    try:
        await clock.first_look()
        yield watcher
    finally:
        await watcher.stop()


def figures(watcher: WebhookWatcher) -> dict[str, float]:
    """What `/metrics` shows of it."""
    registry = CollectorRegistry()
    registry.register(FigureCollector(watcher.figures))
    families = text_string_to_metric_families(generate_latest(registry).decode())
    samples = [sample for family in families for sample in family.samples]
    return {
        each.name.removeprefix("offhook_").removesuffix("_total"): each.value for each in samples
    }


async def test_a_webhook_that_is_active_is_left_alone(cloud: WebhookCloud, clock: Clock) -> None:
    cloud.add()
    async with watching(cloud, clock) as watcher:
        assert await clock.next_look() == 60
        assert watcher.condition == "active"
        assert figures(watcher)["push_webhook_active"] == 1
        assert figures(watcher)["push_webhook_looks"] == 2
    assert {each.split()[0] for each in cloud.asked} == {"GET"}


async def test_a_disabled_webhook_is_back_within_a_minute_and_the_gap_is_counted(
    cloud: WebhookCloud, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    webhook = cloud.add(secret="the secret")
    async with watching(cloud, clock) as watcher:
        webhook["status"] = "inactive"
        await clock.next_look()
        assert (webhook["status"], webhook["secret"]) == ("active", "the secret")
        assert watcher.condition == "active"
        counted = figures(watcher)
        assert counted["push_webhook_disabled"] == counted["push_webhook_reactivated"] == 1
        assert counted["push_webhook_down_seconds_most"] == 60
        assert "active again" in caplog.text
        assert "the secret" not in caplog.text
        assert await clock.next_look() == 15


async def test_a_cloud_that_hides_the_secret_is_given_it_again(
    cloud: WebhookCloud, clock: Clock
) -> None:
    webhook = cloud.add(status="inactive")
    async with watching(cloud, clock, secret="the backend's"):
        assert webhook["secret"] == "the backend's"


async def test_a_webhook_that_somebody_removed_is_an_alarm(
    cloud: WebhookCloud, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    cloud.add()
    async with watching(cloud, clock) as watcher:
        cloud.webhooks.clear()
        await clock.next_look()
        await clock.next_look()
        assert watcher.condition == "missing"
        assert figures(watcher)["push_webhook_active"] == 0
        assert figures(watcher)["push_webhook_down_seconds_least"] == 60
        assert figures(watcher)["push_webhook_down_seconds_most"] == 120
    assert [each.levelno for each in caplog.records].count(logging.ERROR) == 1
    assert "offhook push connect" in caplog.text
    assert cloud.webhooks == {}


async def test_a_cloud_in_trouble_is_asked_less_and_less_often(
    cloud: WebhookCloud, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    cloud.add()
    cloud.fail(503, times=4)
    async with watching(cloud, clock) as watcher:
        assert figures(watcher)["push_webhook_active"] == -1
        assert [await clock.next_look() for _ in range(4)] == [5, 10, 20, 40]
        assert (watcher.condition, watcher.problem) == ("active", "")
        assert figures(watcher)["push_webhook_failures"] == 4
    assert caplog.text.count("cannot be looked after") == 1


async def test_a_cloud_that_asks_to_wait_is_obeyed(cloud: WebhookCloud, clock: Clock) -> None:
    cloud.fail(429, Retry_After="120")
    async with watching(cloud, clock):
        assert await clock.next_look() == 120


async def test_an_activation_that_fails_is_tried_again(cloud: WebhookCloud, clock: Clock) -> None:
    webhook = cloud.add(status="inactive")
    cloud.forgets_status = True
    async with watching(cloud, clock) as watcher:
        assert watcher.condition == "inactive"
        cloud.forgets_status = False
        assert await clock.next_look() == 5
        assert webhook["status"] == "active"
        assert figures(watcher)["push_webhook_disabled"] == 1


async def test_a_token_that_has_expired_is_an_alarm_at_once_and_shows_no_token(
    cloud: WebhookCloud, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    async with watching(cloud, clock, token="hidden word") as watcher:
        assert "does not accept the token" in watcher.problem
    assert "does not accept the token" in caplog.text
    assert "hidden" not in caplog.text


async def test_an_expired_token_is_renewed_with_the_refresh_token(
    cloud: WebhookCloud, clock: Clock
) -> None:
    cloud.add()
    async with watching(cloud, clock, token="expired", **REFRESHING) as watcher:
        assert watcher.condition == "active"
        assert cloud.refreshed == 1
        await clock.next_look()
        assert cloud.refreshed == 1


async def test_a_renewed_token_survives_a_restart_though_the_cloud_forgot_the_first(
    cloud: WebhookCloud, clock: Clock, tmp_path: Path
) -> None:
    cloud.add()
    kept = tmp_path / "state" / "admin-token.json"
    for refreshed in (1, 1, 2):
        if refreshed == 2:
            cloud.tokens.clear()  # the one in the file has expired, too
        restarted = Clock()
        async with watching(cloud, restarted, token="", kept_in=str(kept), **REFRESHING) as watcher:
            assert (watcher.condition, cloud.refreshed) == ("active", refreshed)
    assert kept.stat().st_mode & 0o777 == 0o600
    assert list(kept.parent.iterdir()) == [kept]


async def test_a_new_refresh_token_in_the_configuration_counts_more_than_the_file(
    cloud: WebhookCloud, clock: Clock, tmp_path: Path
) -> None:
    cloud.add()
    kept = tmp_path / "admin-token.json"
    async with watching(cloud, clock, token="", kept_in=str(kept), **REFRESHING):
        pass
    cloud.tokens.clear()
    cloud.refresh_token = "given by the administrator"
    given = {**REFRESHING, "refresh_token": cloud.refresh_token}
    async with watching(cloud, Clock(), token="", kept_in=str(kept), **given) as watcher:
        assert watcher.condition == "active"


async def test_a_refresh_token_that_is_refused_is_told(cloud: WebhookCloud, clock: Clock) -> None:
    given = {**REFRESHING, "refresh_token": "used elsewhere"}
    async with watching(cloud, clock, token="", **given) as watcher:
        assert "invalid_grant" in watcher.problem
        assert await clock.next_look() == 300


async def test_a_cloud_that_refuses_what_it_just_gave_is_not_asked_forever(
    cloud: WebhookCloud, clock: Clock
) -> None:
    cloud.gives_useless_tokens = True
    async with watching(cloud, clock, token="", **REFRESHING) as watcher:
        assert "does not accept the token" in watcher.problem
    assert cloud.refreshed == 2


async def test_a_file_that_cannot_be_written_is_told_and_does_not_stop_the_watch(
    cloud: WebhookCloud, clock: Clock, tmp_path: Path
) -> None:
    cloud.add()
    (tmp_path / "file").write_text("in the way")
    kept = str(tmp_path / "file" / "admin-token.json")
    async with watching(cloud, clock, token="", kept_in=kept, **REFRESHING) as watcher:
        assert "cannot be read" in watcher.problem
        await clock.next_look()
        assert "cannot be kept" in watcher.problem
        await clock.next_look()
        assert (watcher.condition, cloud.refreshed) == ("active", 1)


def call(began: float, **values: str) -> dict[str, str]:
    """A side of a call, as the history has it, that ended half a minute after it began."""
    return {
        "Start time": iso(MIDNIGHT + began),
        "Report time": iso(MIDNIGHT + began + 30),
        "Answered": "false",
        "Direction": "TERMINATING",
        "User UUID": "bob",
        "User type": "User",
        "Correlation ID": str(began),
        **values,
    }


def iso(seconds: float) -> str:
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


async def let_pass(clock: Clock, seconds: float) -> None:
    """Let the watcher do all that it does in so long."""
    end = clock.now + seconds
    while clock.now < end:
        await clock.next_look()


async def test_the_calls_that_were_missed_meanwhile_are_counted(
    cloud: WebhookCloud, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    webhook = cloud.add()
    cloud.history = [
        *(call(each) for each in (-5, 10, 20, 59.5, 61)),
        call(30, Answered="true"),
        call(35, Direction="ORIGINATING"),
    ]
    async with watching(cloud, clock) as watcher:
        webhook["status"] = "inactive"
        await let_pass(clock, 60)
        await let_pass(clock, 600)
        assert figures(watcher)["push_calls_missed"] == 3
        assert figures(watcher)["push_calls_uncounted_seconds"] == 0
        assert "3 calls were missed" in caplog.text
    asked = [each for each in cloud.asked if "cdr_feed" in each]
    assert len([each for each in asked if "ForNextFetch" not in each]) == 1


async def test_who_looks_seldom_counts_no_later(cloud: WebhookCloud, clock: Clock) -> None:
    webhook = cloud.add()
    cloud.history = [call(10)]
    async with watching(cloud, clock, seconds=3600) as watcher:
        webhook["status"] = "inactive"
        await let_pass(clock, 3600)
        while not figures(watcher)["push_calls_missed"]:
            await clock.next_look()
        assert clock.now < 3600 + 600


async def test_after_a_restart_the_time_counts_in_which_the_backend_was_down(
    cloud: WebhookCloud, clock: Clock, tmp_path: Path
) -> None:
    webhook = cloud.add()
    path = tmp_path / "seen"
    async with watching(cloud, clock, last_seen=LastSeen(path)):
        assert path.exists()
    os.utime(path, (MIDNIGHT - 900, MIDNIGHT - 900))
    webhook["status"] = "inactive"
    cloud.history = [call(-800), call(-1000)]
    async with watching(cloud, restarted := Clock(), last_seen=LastSeen(path)) as watcher:
        assert figures(watcher)["push_webhook_down_seconds_most"] == 900
        await let_pass(restarted, 600)
        assert figures(watcher)["push_calls_missed"] == 1


@pytest.mark.parametrize("status", [451, 403, 400, 404])
async def test_a_history_that_cannot_be_had_is_told_and_the_watch_goes_on(
    cloud: WebhookCloud, clock: Clock, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    webhook = cloud.add()
    cloud.history_status = status
    async with watching(cloud, clock) as watcher:
        webhook["status"] = "inactive"
        await let_pass(clock, 660)
        assert figures(watcher)["push_calls_uncounted_seconds"] == 60
        assert watcher.condition == "active"
    assert "cannot be counted" in caplog.text


def test_the_call_history_of_webex_has_a_host_of_its_own() -> None:
    assert history_base(WEBEX, "") == "https://analytics-calling.webexapis.com"
    assert history_base(WEBEX, "https://eu.example.org") == "https://eu.example.org"
    assert history_base("https://phone.example.org", "") == "https://phone.example.org"


async def test_a_history_in_trouble_is_asked_again(cloud: WebhookCloud, clock: Clock) -> None:
    webhook = cloud.add()
    cloud.history_status = 503
    async with watching(cloud, clock) as watcher:
        webhook["status"] = "inactive"
        await let_pass(clock, 600)
        cloud.history_status, cloud.history = 0, [call(10)]
        await let_pass(clock, 300)
        assert figures(watcher)["push_calls_missed"] == 1


class NoSender:
    """The backend has no app to push to."""

    async def start(self) -> None:
        """Nothing to do."""

    async def stop(self) -> None:
        """Nothing to do."""

    def send(self, push: Push) -> None:
        raise AssertionError("there is nobody to push")


async def test_a_backend_that_starts_brings_its_webhook_back_and_shows_it(
    cloud: WebhookCloud, tmp_path: Path
) -> None:
    webhook = cloud.add(status="inactive")
    config = PushConfig(
        data=str(tmp_path),
        http="127.0.0.1:0",
        cloud=cloud.url,
        secrets=["the backend's secret"],
        watch=WatchSettings(target=TARGET, **REFRESHING),
    )
    backend = PushBackend(config, lambda _: NoSender())
    await backend.start()
    try:
        async with asyncio.timeout(10):
            await cloud.updated.wait()
            async with aiohttp.ClientSession() as http:
                while "offhook_push_webhook_active 1.0" not in await metrics(http, backend.url):
                    await asyncio.sleep(0.01)
    finally:
        await backend.stop()
    assert (webhook["status"], webhook["secret"]) == ("active", "the backend's secret")
    assert (tmp_path / "admin-token.json").stat().st_mode & 0o777 == 0o600


async def metrics(http: aiohttp.ClientSession, url: str) -> str:
    async with http.get(f"{url}/metrics") as response:
        return await response.text()


@pytest.mark.parametrize(
    ("wrong", "key"),
    [
        ({"seconds": 0.0}, "watch.seconds"),
        ({"seconds": float("nan")}, "watch.seconds"),
        ({"target": "push.example.org"}, "watch.target"),
        ({"refresh_token": "r", "client_id": ""}, "watch.client_id"),
    ],
)
def test_what_cannot_work_is_told_before_anything_starts(wrong: dict[str, Any], key: str) -> None:
    settings = WatchSettings(**{"target": TARGET, "token": "t", **wrong})
    with pytest.raises(ConfigError, match=key):
        settings.check()
