"""What holds for every test: the event loop is kept clean, and CI accepts no skip."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from databases import KINDS, fresh_database

pytest_plugins = ["loop_hygiene", "no_skips", "pytester"]

# How fast an example runs says something of the machine and what else it does, nothing of us.
settings.register_profile(
    "offhook", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("offhook")


@pytest.fixture(params=KINDS)
async def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The URL of an empty database, of each kind that there is here."""
    async with fresh_database(request.param, tmp_path) as url:
        yield url
