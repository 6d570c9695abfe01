"""Fixtures for pytest: stand-ins for Apple and Google, new ones for each test.

In ``conftest.py``::

    pytest_plugins = ["offhook.testing.plugin"]

Needs pytest-asyncio. A test that wants other apps or another project starts a server of its own.
"""

from collections.abc import AsyncIterator

import pytest_asyncio

from offhook.testing.apns import ApnsServer
from offhook.testing.fcm import FcmServer


@pytest_asyncio.fixture
async def apns_server() -> AsyncIterator[ApnsServer]:
    """A stand-in for Apple that knows the app ``org.example.phone``."""
    async with ApnsServer() as server:
        yield server


@pytest_asyncio.fixture
async def fcm_server() -> AsyncIterator[FcmServer]:
    """A stand-in for Google with the project ``offhook-phone``."""
    async with FcmServer() as server:
        yield server
