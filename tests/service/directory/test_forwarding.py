"""Where a number leads once people and groups have decided what becomes of their calls."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from offhook.engine.exchange.model import (
    Forward,
    GroupTarget,
    HuntPolicy,
    PersonTarget,
    Rules,
    ServiceTarget,
    Target,
    UnknownTarget,
)
from offhook.service.directory import (
    CallSettings,
    Directory,
    Forwarding,
    ForwardingRule,
    HuntGroup,
    NumberTakenError,
)
from offhook.service.directory.demo import DEMO_GROUP, DEMO_ORG_ID
from offhook.service.directory.resolving import MOST_FORWARDS
from offhook.service.store import MIGRATIONS
from offhook.store import open_database
from service.running import PEOPLE

ID = {name: person.entry().person_id for name, person in PEOPLE.items()}
EXTENSION = {name: person.extension for name, person in PEOPLE.items()}
#: In the order in which the stories forward to each other.
EVERYBODY = ["alice", "bob", "carol", "dave", "ada"]


@pytest.fixture
async def directory(demo_data: Path) -> AsyncIterator[Directory]:
    database = await open_database(f"sqlite:///{demo_data}/offhook.db", MIGRATIONS)
    yield Directory(database, lambda: 0.0, "US")
    await database.close()


def rule(to: str) -> ForwardingRule:
    return ForwardingRule(True, EXTENSION.get(to, to))


async def decide(
    directory: Directory, name: str, *, dnd: bool = False, seconds: float | None = None, **to: str
) -> None:
    """`decide(directory, "bob", always="carol")`"""
    rules = {when: rule(whom) for when, whom in to.items()}
    forwarding = Forwarding(**rules, no_answer_seconds=seconds)
    await directory.settings.set(ID[name], CallSettings(dnd, forwarding))


async def called(directory: Directory, name: str) -> PersonTarget:
    target = await directory.resolve(DEMO_ORG_ID, EXTENSION.get(name, name))
    assert isinstance(target, PersonTarget)
    return target


def name_of(target: Target) -> str:
    assert isinstance(target, PersonTarget)
    return target.party.name.split()[0].lower()


def chain(target: Target) -> list[str]:
    """Whom a call comes to that is always forwarded."""
    names = []
    while True:
        assert isinstance(target, PersonTarget)
        names.append(name_of(target))
        if target.rules.always is None:
            return names
        target = target.rules.always.target


async def test_who_decided_nothing_has_no_rules(directory: Directory) -> None:
    assert (await called(directory, "bob")).rules == Rules()


async def test_each_rule_leads_to_where_its_destination_leads(directory: Directory) -> None:
    await decide(directory, "bob", busy="carol", no_answer="8001", seconds=18)
    rules = (await called(directory, "bob")).rules
    assert rules.always is None
    assert rules.busy == Forward(EXTENSION["carol"], await called(directory, "carol"))
    assert rules.no_answer is not None
    assert isinstance(rules.no_answer.target, ServiceTarget)
    assert rules.no_answer_seconds == 18
    assert not rules.do_not_disturb


async def test_do_not_disturb_holds_with_and_without_forwarding(directory: Directory) -> None:
    await decide(directory, "bob", dnd=True)
    assert (await called(directory, "bob")).rules == Rules(do_not_disturb=True)
    await decide(directory, "bob", dnd=True, busy="carol")
    rules = (await called(directory, "bob")).rules
    assert rules.do_not_disturb
    assert rules.busy is not None
    assert name_of(rules.busy.target) == "carol"


async def test_a_rule_that_is_off_keeps_its_destination_and_does_nothing(
    directory: Directory,
) -> None:
    off = ForwardingRule(False, EXTENSION["carol"])
    await directory.settings.set(ID["bob"], CallSettings(forwarding=Forwarding(always=off)))
    assert (await called(directory, "bob")).rules == Rules()
    assert (await directory.settings.of(ID["bob"])).forwarding.always == off


async def test_a_call_goes_on_from_one_to_the_next(directory: Directory) -> None:
    await decide(directory, "alice", always="bob")
    await decide(directory, "bob", always="carol")
    assert chain(await called(directory, "alice")) == ["alice", "bob", "carol"]


async def test_a_call_in_a_circle_rings_at_the_last_who_was_not_yet_asked(
    directory: Directory,
) -> None:
    for name, to in zip(EVERYBODY[:3], ["bob", "carol", "alice"], strict=True):
        await decide(directory, name, always=to)
    assert chain(await called(directory, "alice")) == ["alice", "bob", "carol"]
    assert chain(await called(directory, "carol")) == ["carol", "alice", "bob"]


async def test_who_forwards_to_themselves_still_rings(directory: Directory) -> None:
    await decide(directory, "bob", always="bob", no_answer="carol")
    target = await called(directory, "bob")
    assert chain(target) == ["bob"]
    assert target.rules.no_answer is not None
    assert name_of(target.rules.no_answer.target) == "carol"


async def test_no_answer_does_not_lead_back_to_who_did_not_answer(directory: Directory) -> None:
    await decide(directory, "bob", no_answer="carol")
    await decide(directory, "carol", no_answer="bob", busy="dave")
    first = (await called(directory, "bob")).rules.no_answer
    assert first is not None
    assert isinstance(first.target, PersonTarget)
    second = first.target.rules
    assert second.no_answer is None
    assert second.busy is not None
    assert name_of(second.busy.target) == "dave"


async def test_a_call_is_not_forwarded_for_ever(directory: Directory) -> None:
    names = [f"g{number}" for number in range(MOST_FORWARDS + 3)]
    for number in range(len(names)):
        after = f"55{number + 1:02}"
        await directory.groups.add(
            HuntGroup(
                f"00000000-0000-4000-8000-0000000000{number:02}",
                DEMO_ORG_ID,
                names[number],
                HuntPolicy.REGULAR,
                (),
                extension=f"55{number:02}",
                forwarding=Forwarding(always=ForwardingRule(True, after)),
            )
        )
    reached = []
    target = await directory.resolve(DEMO_ORG_ID, "5500")
    while isinstance(target, GroupTarget):
        reached.append(target.party.name)
        if target.rules.always is None:
            break
        target = target.rules.always.target
    assert reached == names[: MOST_FORWARDS + 1]


@pytest.mark.parametrize("nowhere", ["1099", "+12025550199", "nobody@example.org"])
async def test_a_forward_to_nowhere_leads_nowhere(directory: Directory, nowhere: str) -> None:
    await decide(directory, "bob", always=nowhere)
    assert (await called(directory, "bob")).rules.always == Forward(nowhere, UnknownTarget(nowhere))


async def test_a_group_has_its_members_in_order_with_what_they_decided(
    directory: Directory,
) -> None:
    await decide(directory, "carol", dnd=True, always="alice")
    for dialled in ("1010", "+12025550110", "(202) 555-0110"):
        target = await directory.resolve(DEMO_ORG_ID, dialled)
        assert isinstance(target, GroupTarget)
        assert (target.group_id, target.party) == (DEMO_GROUP.group_id, DEMO_GROUP.party)
        assert target.policy is HuntPolicy.SIMULTANEOUS
        assert [name_of(each) for each in target.members] == ["bob", "carol", "dave"]
        assert [each.rules for each in target.members] == [Rules(), Rules(True), Rules()]


async def test_a_person_may_forward_to_a_group_and_a_group_to_a_person(
    directory: Directory,
) -> None:
    await decide(directory, "ada", no_answer="1010")
    await directory.groups.change(
        HuntGroup(
            DEMO_GROUP.group_id,
            DEMO_ORG_ID,
            "Support",
            HuntPolicy.CIRCULAR,
            (ID["dave"], ID["bob"]),
            extension="1010",
            member_seconds=None,
            forwarding=Forwarding(
                busy=rule("alice"), no_answer=rule("ada"), no_answer_seconds=30.0
            ),
        )
    )
    forward = (await called(directory, "ada")).rules.no_answer
    assert forward is not None
    group = forward.target
    assert isinstance(group, GroupTarget)
    assert [name_of(each) for each in group.members] == ["dave", "bob"]
    assert group.rules.busy is not None
    assert name_of(group.rules.busy.target) == "alice"
    assert group.rules.no_answer is None, "the call came from there"
    assert group.rules.no_answer_seconds == 30.0
    assert group.member_seconds > 600, "they do not take turns"
    assert await directory.resolve(DEMO_ORG_ID, "+12025550110") == UnknownTarget("+12025550110")


async def test_a_group_that_is_off_or_gone_leads_nowhere(directory: Directory) -> None:
    off = HuntGroup(
        DEMO_GROUP.group_id, DEMO_ORG_ID, "Support", HuntPolicy.REGULAR, (), "", "1010", False
    )
    await directory.groups.change(off)
    assert await directory.resolve(DEMO_ORG_ID, "1010") == UnknownTarget("1010")
    await directory.groups.remove(DEMO_GROUP.group_id)
    assert await directory.resolve(DEMO_ORG_ID, "1010") == UnknownTarget("1010")
    assert await directory.groups.of_org(DEMO_ORG_ID) == []


async def test_a_group_cannot_have_somebody_elses_number_or_name(directory: Directory) -> None:
    for taken in ({"extension": EXTENSION["bob"]}, {"extension": "1099", "name": "Support"}):
        values = {"name": "Sales", **taken}
        group = HuntGroup(
            "00000000-0000-4000-8000-000000000001",
            DEMO_ORG_ID,
            values["name"],
            HuntPolicy.REGULAR,
            (ID["bob"],),
            extension=values["extension"],
        )
        with pytest.raises(NumberTakenError):
            await directory.groups.add(group)
    assert [each.name for each in await directory.groups.of_org(DEMO_ORG_ID)] == ["Support"]
    assert name_of(await called(directory, "bob")) == "bob"


async def test_what_is_changed_holds_for_the_next_call(directory: Directory) -> None:
    """Also when somebody was called a moment before, by way of somebody else."""
    await decide(directory, "alice", always="bob")
    assert chain(await called(directory, "alice")) == ["alice", "bob"]
    await decide(directory, "bob", always="carol")
    assert chain(await called(directory, "alice")) == ["alice", "bob", "carol"]
    await decide(directory, "alice")
    assert chain(await called(directory, "alice")) == ["alice"]
