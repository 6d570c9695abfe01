"""Where what somebody dials leads."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from offhook.engine.exchange.model import (
    PersonTarget,
    ServiceNumber,
    ServiceTarget,
    UnknownTarget,
)
from offhook.service.directory import Directory, PersonEntry
from offhook.service.directory.demo import (
    DEMO_ORG_ID,
    DEMO_PEOPLE,
    TEST_NUMBERS,
    found_demo_organization,
)
from offhook.service.store import MIGRATIONS
from offhook.store import open_database
from offhook.wire.phone_number import normalise_e164

BOB = DEMO_PEOPLE[1]


@pytest.fixture
async def directory(demo_data: Path) -> AsyncIterator[Directory]:
    database = await open_database(f"sqlite:///{demo_data}/offhook.db", MIGRATIONS)
    yield Directory(database, lambda: 0.0, "US")
    await database.close()


def test_demo_numbers_are_numbers_and_all_different() -> None:
    numbers = [person.number for person in DEMO_PEOPLE]
    assert [normalise_e164(number, None) for number in numbers] == numbers
    extensions = [person.extension for person in DEMO_PEOPLE]
    everything = {*numbers, *extensions, *TEST_NUMBERS.values()}
    assert len(everything) == 2 * len(DEMO_PEOPLE) + len(ServiceNumber)
    assert all(len(extension) == 4 for extension in extensions)


@pytest.mark.parametrize(
    "dialled",
    [
        "1002",
        " 10 02 ",
        "tel:1002",
        "+12025550102",
        "12025550102",
        "+1 (202) 555-0102",
        "1.202.555.0102",
        "(202) 555-0102",
        "2025550102",
        "tel:+1-202-555-0102",
        "+12025550102;ext=9",
        "bob@demo.offhook.example",
        "BOB@Demo.Offhook.Example",
        "sip:bob@demo.offhook.example",
        "SIP:bob@demo.offhook.example:5061;transport=tls",
        "sips:1002@phone.example.org;user=phone",
        "sip:+12025550102@phone.example.org",
        "sip:%2B12025550102@phone.example.org",
        "sip:1002",
    ],
)
async def test_whatever_names_bob_leads_to_bob(directory: Directory, dialled: str) -> None:
    target = await directory.resolve(DEMO_ORG_ID, dialled)
    assert isinstance(target, PersonTarget)
    assert target.party.name == "Bob Brown"
    assert target.party.number == BOB.number
    assert target.party.person_id == BOB.entry().person_id


@pytest.mark.parametrize("service", list(ServiceNumber))
async def test_the_test_numbers_lead_to_the_service(
    directory: Directory, service: ServiceNumber
) -> None:
    target = await directory.resolve(DEMO_ORG_ID, TEST_NUMBERS[service])
    assert isinstance(target, ServiceTarget)
    assert target.service is service
    assert target.party.number == TEST_NUMBERS[service]


@pytest.mark.parametrize(
    "dialled",
    [
        "",
        "   ",
        "1099",
        "+12025550199",
        "+1002",
        "bob",
        "@",
        "sip:",
        "bob@elsewhere.example",
        "'; DROP TABLE people; --",
        "%",
        "_002",
        "\0",
        "1" * 1000,
        "*67",
    ],
)
async def test_everything_else_leads_nowhere(directory: Directory, dialled: str) -> None:
    assert await directory.resolve(DEMO_ORG_ID, dialled) == UnknownTarget(dialled)


async def test_an_extension_is_of_ones_own_organisation(directory: Directory) -> None:
    other = "00000000-0000-4000-8000-000000000001"
    await directory.add_organization(other, "Other")
    assert await directory.resolve(other, "1002") == UnknownTarget("1002")
    assert isinstance(await directory.resolve(other, BOB.email), UnknownTarget)
    entry = PersonEntry(
        "00000000-0000-4000-8000-000000000002",
        other,
        "eve@other.example",
        "Eve Else",
        "Eve",
        "Else",
        is_admin=False,
        is_guest=False,
        created=0.0,
        extension="1002",
    )
    await directory.add_person(entry, None)
    here = await directory.resolve(DEMO_ORG_ID, "1002")
    there = await directory.resolve(other, "1002")
    assert isinstance(here, PersonTarget)
    assert isinstance(there, PersonTarget)
    assert (here.party.name, there.party.name) == ("Bob Brown", "Eve Else")


async def test_the_demo_may_be_founded_again_and_stays_the_same(directory: Directory) -> None:
    before = await directory.people(DEMO_ORG_ID)
    await found_demo_organization(directory)
    assert await directory.people(DEMO_ORG_ID) == before
    assert len(before) == 5


async def test_a_number_that_is_given_to_somebody_leads_to_them_at_once(
    directory: Directory,
) -> None:
    assert isinstance(await directory.resolve(DEMO_ORG_ID, "7777"), UnknownTarget)
    erin = PersonEntry(
        "00000000-0000-4000-8000-00000000e717",
        DEMO_ORG_ID,
        "erin@demo.offhook.example",
        "Erin East",
        "Erin",
        "East",
        is_admin=False,
        is_guest=False,
        created=0.0,
        extension="7777",
    )
    await directory.add_person(erin, None)
    for _ in range(2):
        target = await directory.resolve(DEMO_ORG_ID, "7777")
        assert isinstance(target, PersonTarget)
        assert target.party.name == "Erin East"
