"""The official client, and our service for it to talk to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from interop.browser import BrowserPhone, Chromium, missing
from interop.cloud import Cloud


@pytest.fixture
async def chromium() -> AsyncIterator[Chromium]:
    reason = missing()
    if reason:
        pytest.skip(reason)
    async with Chromium() as browser:
        yield browser


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[Cloud]:
    async with Cloud(tmp_path / "cloud") as service:
        yield service


@pytest.fixture
def phone(chromium: Chromium, cloud: Cloud) -> Callable[..., BrowserPhone]:
    """Makes one person's official client, not registered yet: ``phone("alice", tone=1040.0)``."""

    def make(person: str, tone: float = 1040.0) -> BrowserPhone:
        return BrowserPhone(chromium, cloud.https_url, cloud.people[person].token, tone)

    return make
