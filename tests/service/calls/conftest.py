"""Registered clients of people, and one session description to call with."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from service.running import Cloud
from service.signalling import Wire, leg


@pytest.fixture
async def wire(cloud: Cloud) -> AsyncIterator[Callable[[str], Awaitable[Wire]]]:
    """``await wire("alice")``: one more registered client of that person."""
    clients: list[Wire] = []
    tokens: dict[str, str] = {}

    async def make(name: str) -> Wire:
        if name not in tokens:
            tokens[name] = await cloud.token(name)
        client = Wire(cloud.http, cloud.service.http_url, tokens[name])
        clients.append(client)
        await client.register()
        return client

    yield make
    for client in clients:
        await client.close()


@pytest.fixture
async def offer() -> str:
    """A client's offer, of a real leg that is closed again: enough for signalling."""
    async with leg() as made:
        return await made.create_offer()
