"""The official client, and our service for it to talk to. All tests of a file have one loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from interop.browser import BrowserPhone, Chromium, missing
from interop.cloud import Cloud
from interop.office import Office

#: Seconds for which a phone rings in the office. Some story waits for all of them.
OFFICE_RINGS = 6.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium() -> AsyncIterator[Chromium]:
    reason = missing()
    if reason:
        pytest.skip(reason)
    async with Chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def cloud(tmp_path: Path) -> AsyncIterator[Cloud]:
    async with Cloud(tmp_path / "cloud") as service:
        yield service


@pytest.fixture
def phone(chromium: Chromium, cloud: Cloud) -> Callable[..., BrowserPhone]:
    """Makes one person's official client, not registered yet: ``phone("alice", tone=1040.0)``."""

    def make(person: str, tone: float = 1040.0) -> BrowserPhone:
        return BrowserPhone(chromium, cloud.https_url, cloud.people[person].token, tone)

    return make


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def open_office(
    chromium: Chromium, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Office]:
    data = tmp_path_factory.mktemp("office") / "cloud"
    async with (
        Cloud(data, ring_seconds=OFFICE_RINGS) as cloud,
        Office(chromium, cloud) as office,
    ):
        yield office


@pytest_asyncio.fixture(loop_scope="module")
async def office(open_office: Office) -> AsyncIterator[Office]:
    """Four people with their phones, one office for all tests of a file; nobody is on a call.

    Fails if something went wrong in a page that nobody caught.
    """
    yield open_office
    uncaught = {name: phone.uncaught for name, phone in open_office.phones.items()}
    await open_office.clear_up()
    assert not any(uncaught.values()), uncaught
