"""A backend for each test that asks for one, beside a cloud that knows its people."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from push.backend import Backend, People, config, people_of_cloud, started


@pytest.fixture
async def people() -> AsyncIterator[People]:
    async with people_of_cloud() as cloud:
        yield cloud


@pytest.fixture
async def backend(people: People, tmp_path: Path) -> AsyncIterator[Backend]:
    async with started(config(tmp_path / "data", people.url)) as running:
        yield running
