"""A running service for each test that asks for one, from a copy of data that was made once."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from databases import KINDS, fresh_database
from service.running import Cloud, config, found_demo, started


@pytest.fixture(scope="session")
def demo_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data with the demo organisation: hashing passwords takes its time."""
    data = tmp_path_factory.mktemp("demo")
    asyncio.run(found_demo(data))
    return data


@pytest.fixture
def demo_data(demo_template: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    shutil.copytree(demo_template, tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
async def cloud(demo_data: Path) -> AsyncIterator[Cloud]:
    async with started(config(demo_data)) as running:
        yield running


@pytest.fixture(params=KINDS)
async def any_cloud(
    request: pytest.FixtureRequest, demo_data: Path, tmp_path: Path
) -> AsyncIterator[Cloud]:
    """A running service on each kind of database."""
    if request.param == "sqlite":
        async with started(config(demo_data)) as running:
            yield running
        return
    async with fresh_database(request.param, tmp_path) as url:
        await found_demo(demo_data, database=url)
        async with started(config(demo_data, database=url)) as running:
            yield running
