"""Tokens over time: how long they last, and that what was revoked stays revoked."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from sqlalchemy import Executable
from sqlalchemy.engine import RowMapping

from offhook.service.directory import Directory, PersonEntry
from offhook.service.identity.tokens import InvalidTokenError, Tokens, new_grant
from offhook.service.store import MIGRATIONS
from offhook.store import Database, open_database

ORG = "00000000-0000-4000-8000-000000000001"
PERSON = "00000000-0000-4000-8000-000000000002"


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def database(database_url: str, clock: Clock) -> AsyncIterator[Database]:
    opened = await open_database(database_url, MIGRATIONS)
    directory = Directory(opened, clock, "US")
    await directory.add_organization(ORG, "Example")
    await directory.add_person(
        PersonEntry(PERSON, ORG, "a@example.org", "A", "A", "", False, False, 0.0), None
    )
    yield opened
    await opened.close()


@pytest.fixture
def tokens(database: Database, clock: Clock) -> Tokens:
    return Tokens(database, clock=clock, access_seconds=3600, refresh_seconds=7200)


async def test_an_access_token_ends_on_time_though_it_is_in_use(
    tokens: Tokens, clock: Clock
) -> None:
    access = (await tokens.issue(new_grant(PERSON, ORG, "spark:all"))).access_token
    clock.now += 3599
    assert (await tokens.check(access)).person_id == PERSON
    clock.now += 1
    with pytest.raises(InvalidTokenError, match="expired"):
        await tokens.check(access)


async def test_a_refresh_token_ends_on_time(tokens: Tokens, clock: Clock) -> None:
    response = await tokens.issue(new_grant(PERSON, ORG, "spark:all", "app"))
    clock.now += 7200
    assert response.refresh_token is not None
    with pytest.raises(InvalidTokenError):
        await tokens.refresh(response.refresh_token, "app")


async def test_a_refresh_token_is_of_one_app_only(tokens: Tokens) -> None:
    response = await tokens.issue(new_grant(PERSON, ORG, "spark:all", "app"))
    assert response.refresh_token is not None
    with pytest.raises(InvalidTokenError, match="another client"):
        await tokens.refresh(response.refresh_token, "other")
    assert await tokens.refresh(response.refresh_token, "app")


class SlowReads:
    """A database whose answers to queries arrive late, as over a network."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.found = asyncio.Event()
        self.arrive = asyncio.Event()

    async def read(self, statement: Executable) -> Sequence[RowMapping]:
        rows = await self._database.read(statement)
        self.found.set()
        await self.arrive.wait()
        return rows

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)


async def test_a_check_that_is_under_way_does_not_keep_a_revoked_token_alive(
    database: Database, clock: Clock
) -> None:
    slow = SlowReads(database)
    tokens = Tokens(slow, clock=clock, access_seconds=3600, refresh_seconds=7200)
    grant = new_grant(PERSON, ORG, "spark:all")
    access = (await tokens.issue(grant)).access_token
    under_way = asyncio.create_task(tokens.check(access))
    await slow.found.wait()
    await tokens.revoke_family(grant.family)
    slow.arrive.set()
    await under_way
    with pytest.raises(InvalidTokenError):
        await tokens.check(access)


async def test_what_another_node_revokes_ends_here_within_a_minute(
    tokens: Tokens, database: Database, clock: Clock
) -> None:
    other_node = Tokens(database, clock=clock, access_seconds=3600, refresh_seconds=7200)
    grant = new_grant(PERSON, ORG, "spark:all")
    access = (await tokens.issue(grant)).access_token
    assert await tokens.check(access)
    await other_node.revoke_family(grant.family)
    clock.now += 60
    with pytest.raises(InvalidTokenError):
        await tokens.check(access)
