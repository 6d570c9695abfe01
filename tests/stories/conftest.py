"""A cloud, and people's phones in it, ready for calls."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from offhook import TokenAuthenticator, Webex
from offhook.cli.pauses import keep_pauses_short
from offhook.service.config import ServiceConfig, Timing
from offhook.testing import LocalCloud, local_cloud
from offhook.testing.push import LocalPush, local_push
from sdk.three_parties import Party
from stories.sleeping import Sleeper, sleepers

PhoneOf = Callable[[str], Awaitable[Webex]]
Parties = Callable[..., Awaitable[list[Party]]]


def settings(data: Path, **more: Any) -> ServiceConfig:
    return ServiceConfig(
        data=str(data), http="127.0.0.1:0", https="127.0.0.1:0", timing=Timing(ring=5), **more
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


@pytest.fixture
def parties(cloud: LocalCloud, phone: PhoneOf) -> Parties:
    """``await parties("alice", "bob")``: people with a phone each."""
    # As a service does when it starts: what tests have left would make pauses in what is heard.
    keep_pauses_short()

    async def come(*names: str) -> list[Party]:
        phones = await asyncio.gather(*map(phone, names))
        return [
            Party(name, webex, cloud.person(name).extension)
            for name, webex in zip(names, phones, strict=True)
        ]

    return come


@pytest.fixture
async def push(cloud: LocalCloud) -> AsyncIterator[LocalPush]:
    async with local_push(cloud) as running:
        yield running


@pytest.fixture
async def sleeper(cloud: LocalCloud, push: LocalPush) -> AsyncIterator[Sleeper]:
    async with sleepers(cloud, push) as make:
        yield make
