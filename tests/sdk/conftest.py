"""A running service and people's phones for each test that asks for them."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from offhook import Call, Webex
from sdk.clouds import PATIENCE, Phones, RunningCloud
from service.running import found_demo


@pytest.fixture(scope="session")
def demo_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data with the demo organisation: hashing passwords takes its time."""
    data = tmp_path_factory.mktemp("demo")
    asyncio.run(found_demo(data))
    return data


@pytest.fixture
def demo_data(demo_template: Path, tmp_path: Path) -> Path:
    shutil.copytree(demo_template, tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
async def cloud(demo_data: Path) -> AsyncIterator[RunningCloud]:
    async with RunningCloud(demo_data) as running:
        yield running


@pytest.fixture
async def phones(cloud: RunningCloud) -> AsyncIterator[Phones]:
    async with Phones(cloud) as people:
        yield people


@pytest.fixture
async def alice(phones: Phones) -> Webex:
    return await phones.of("alice")


@pytest.fixture
async def bob(phones: Phones) -> Webex:
    return await phones.of("bob")


async def next_call(webex: Webex) -> Call:
    """The call that rings, or the next one."""
    async with asyncio.timeout(PATIENCE), aclosing(webex.phone.incoming_calls()) as calls:
        return await anext(calls)
