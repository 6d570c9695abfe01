"""A backend for the tests of a module, beside a cloud that knows its people."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from push.backend import Backend, People, config, people_of_cloud, started


@pytest.fixture
async def people() -> AsyncIterator[People]:
    """A cloud of one's own."""
    async with people_of_cloud() as cloud:
        yield cloud


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_backend(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Backend]:
    """Starting and stopping takes a third of a second."""
    data = tmp_path_factory.mktemp("push")
    async with people_of_cloud() as cloud, started(config(data, cloud.url)) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def backend(shared_backend: Backend) -> Backend:
    """It, without what the test before has left. For tests in the module's loop."""
    return await shared_backend.as_new()
