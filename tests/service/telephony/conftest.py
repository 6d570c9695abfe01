"""People with a phone on their desk, which wxc-sdk has answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from offhook.service.config import Limits, WebhookSettings
from service.firehose.receiver import Receiver, receiving
from service.running import Cloud, config, started
from service.telephony.desk import Desk


@pytest.fixture
async def cloud(demo_data: Path) -> AsyncIterator[Cloud]:
    """Whose webhooks may lead to this machine."""
    settings = config(
        demo_data,
        webhooks=WebhookSettings(allow_private_targets=True),
        limits=Limits(sign_ins=1000, calls=1000),
    )
    async with started(settings) as running:
        yield running


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as running:
        yield running


@pytest.fixture
async def desk(cloud: Cloud) -> AsyncIterator[Callable[[str], Awaitable[Desk]]]:
    """``await desk("alice")``: a phone of that person, and that person's wxc-sdk."""
    desks: list[Desk] = []

    async def make(name: str) -> Desk:
        made = Desk(cloud, name, await cloud.token(name))
        await made.plug_in()
        desks.append(made)
        return made

    yield make
    await asyncio.gather(*(each.unplug() for each in desks))
