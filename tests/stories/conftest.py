"""A cloud, and people's phones in it, ready for calls."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from offhook import TokenAuthenticator, Webex
from offhook.service.config import ServiceConfig, Timing
from offhook.testing import LocalCloud, local_cloud

PhoneOf = Callable[[str], Awaitable[Webex]]


def settings(data: Path) -> ServiceConfig:
    return ServiceConfig(
        data=str(data), http="127.0.0.1:0", https="127.0.0.1:0", timing=Timing(ring=5)
    )


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data with the demo organisation, made once: hashing passwords takes its time."""
    data = tmp_path_factory.mktemp("founded")

    async def found() -> None:
        async with local_cloud(settings(data)):
            pass

    asyncio.run(found())
    return data


@pytest.fixture
async def cloud(founded: Path, tmp_path: Path) -> AsyncIterator[LocalCloud]:
    shutil.copytree(founded, tmp_path / "data")
    async with local_cloud(settings(tmp_path / "data")) as running:
        yield running


@pytest.fixture
async def phone(cloud: LocalCloud) -> AsyncIterator[PhoneOf]:
    """``await phone("alice")``: one more device of that person, ready for calls."""
    async with AsyncExitStack() as stack:

        async def make(name: str) -> Webex:
            token = TokenAuthenticator(cloud.person(name).token)
            webex = await stack.enter_async_context(Webex(token, cloud=cloud.http))
            await webex.phone.ready()
            return webex

        yield make
