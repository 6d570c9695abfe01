"""A service whose webhooks may lead to this machine, and a receiver."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from offhook.service.config import Limits, WebhookSettings
from service.firehose.receiver import Receiver, receiving
from service.running import Cloud, config, started


@pytest.fixture
async def cloud(demo_data: Path) -> AsyncIterator[Cloud]:
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
