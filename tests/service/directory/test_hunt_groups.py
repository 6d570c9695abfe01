"""Administrators keep hunt groups, with wxc-sdk."""

from typing import Any

import pytest
from wxc_sdk import WebexSimpleApi
from wxc_sdk.rest import RestError
from wxc_sdk.telephony.hg_and_cq import Agent, Policy
from wxc_sdk.telephony.huntgroup import BusinessContinuity, HGCallPolicies, HuntGroup, NoAnswer

from offhook.engine.exchange.model import GroupTarget, HuntPolicy, PersonTarget, UnknownTarget
from offhook.service.directory.demo import DEMO_GROUP, DEMO_ORG_ID
from offhook.wire.ids import ResourceKind, encode_id
from service.running import PEOPLE, Cloud, is_webex_error
from service.wxc import with_wxc_sdk

LOCATION = encode_id(ResourceKind.LOCATION, DEMO_ORG_ID)
GROUPS = f"/v1/telephony/config/locations/{LOCATION}/huntGroups"
SUPPORT = f"{GROUPS}/{encode_id(ResourceKind.HUNT_GROUP, DEMO_GROUP.group_id)}"


def agent(name: str) -> Agent:
    person = encode_id(ResourceKind.PEOPLE, PEOPLE[name].entry().person_id)
    return Agent(agent_id=person)


def names(group: GroupTarget) -> list[str]:
    return [member.party.name.split()[0].lower() for member in group.members]


async def called(cloud: Cloud, dialled: str) -> GroupTarget:
    target = await cloud.service.directory.resolve(DEMO_ORG_ID, dialled)
    assert isinstance(target, GroupTarget)
    return target


async def test_wxc_sdk_makes_reads_changes_and_removes_a_group(cloud: Cloud) -> None:
    token = await cloud.token("ada")

    def make(api: WebexSimpleApi) -> tuple[str, HuntGroup]:
        (location,) = api.locations.list()
        assert location.location_id is not None
        assert api.locations.details(location.location_id).name == "Offhook Demo"
        settings = HuntGroup.create(name="Sales", extension="1020", phone_number="2025550120")
        settings.agents = [agent("dave"), agent("alice")]
        group_id = api.telephony.huntgroup.create(location.location_id, settings)
        return group_id, api.telephony.huntgroup.details(location.location_id, group_id)

    group_id, made = await with_wxc_sdk(cloud, token, make)
    assert (made.name, made.extension, made.phone_number) == ("Sales", "1020", "+12025550120")
    assert [(each.first_name, each.extension) for each in made.agents or ()] == [
        ("Dave", "1004"),
        ("Alice", "1001"),
    ]
    for dialled in ("1020", "+12025550120"):
        group = await called(cloud, dialled)
        assert (group.party.name, group.policy) == ("Sales", HuntPolicy.CIRCULAR)
        assert names(group) == ["dave", "alice"]
        assert group.rules.no_answer_seconds == 90

    def change(api: WebexSimpleApi) -> HuntGroup:
        groups = api.telephony.huntgroup
        group = groups.details(LOCATION, group_id)
        group.name = "Sales team"
        group.agents = [agent("carol"), *(group.agents or ())]
        group.call_policies = HGCallPolicies(
            policy=Policy.uniform,
            no_answer=NoAnswer(
                next_agent_enabled=True,
                next_agent_rings=2,
                forward_enabled=True,
                destination="1002",
                number_of_rings=7,
            ),
            busy_redirect=BusinessContinuity(enabled=True, destination="bob@demo.offhook.example"),
        )
        groups.update(LOCATION, group_id, group)
        return groups.details(LOCATION, group_id)

    changed = await with_wxc_sdk(cloud, token, change)
    assert changed.call_policies is not None
    assert changed.call_policies.policy == "UNIFORM"
    assert changed.call_policies.no_answer is not None
    assert changed.call_policies.no_answer.next_agent_rings == 2
    group = await called(cloud, "1020")
    assert (group.party.name, group.policy) == ("Sales team", HuntPolicy.LONGEST_IDLE)
    assert names(group) == ["carol", "dave", "alice"]
    assert group.member_seconds == 12
    assert group.rules.no_answer_seconds == 42
    for forward in (group.rules.busy, group.rules.no_answer):
        assert forward is not None
        assert isinstance(forward.target, PersonTarget)
        assert forward.target.party.name == "Bob Brown"

    def remove(api: WebexSimpleApi) -> list[str | None]:
        api.telephony.huntgroup.delete_huntgroup(LOCATION, group_id)
        with pytest.raises(RestError, match="no such hunt group"):
            api.telephony.huntgroup.details(LOCATION, group_id)
        return [each.name for each in api.telephony.huntgroup.list()]

    assert await with_wxc_sdk(cloud, token, remove) == ["Support"]
    gone = await cloud.service.directory.resolve(DEMO_ORG_ID, "1020")
    assert gone == UnknownTarget("1020")


async def test_wxc_sdk_finds_groups_and_turns_the_pages(cloud: Cloud) -> None:
    def story(api: WebexSimpleApi) -> tuple[Any, ...]:
        groups = api.telephony.huntgroup
        for number in range(3):
            groups.create(LOCATION, HuntGroup.create(f"Team {number}", extension=f"103{number}"))
        found = groups.by_name("Team 1", location_id=LOCATION)
        assert found is not None
        assert found.location_name == "Offhook Demo"
        return (
            [each.name for each in groups.list(max=2)],
            [each.extension for each in groups.list(phone_number="1032")],
            found.extension,
        )

    every, one, found = await with_wxc_sdk(cloud, await cloud.token("ada"), story)
    assert every == ["Support", "Team 0", "Team 1", "Team 2"]
    assert (one, found) == (["1032"], "1031")


async def test_wxc_sdk_forwards_all_calls_to_a_group(cloud: Cloud) -> None:
    def story(api: WebexSimpleApi) -> tuple[Any, ...]:
        forwarding = api.telephony.huntgroup.forwarding
        group_id = SUPPORT.rsplit("/", 1)[1]
        before = forwarding.settings(LOCATION, group_id)
        assert before.always is not None
        before.always.enabled = True
        before.always.destination = "1001"
        forwarding.update(LOCATION, group_id, before)
        after = forwarding.settings(LOCATION, group_id).always
        assert after is not None
        return after.enabled, after.destination

    assert await with_wxc_sdk(cloud, await cloud.token("ada"), story) == (True, "1001")
    group = await called(cloud, "1010")
    assert group.rules.always is not None
    assert isinstance(group.rules.always.target, PersonTarget)
    assert group.rules.always.target.party.name == "Alice Adams"


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"name": ""}, 400, "name"),
        ({"extension": "", "phoneNumber": ""}, 400, "phoneNumber, an extension"),
        ({"extension": "1002"}, 409, "belongs to somebody else"),
        ({"extension": "ten"}, 400, "extension"),
        ({"phoneNumber": "ten"}, 400, "phoneNumber"),
        ({"agents": [{"id": "nobody"}]}, 400, "agents"),
        ({"agents": [{"id": DEMO_ORG_ID}]}, 400, "agents"),
        ({"agents": [agent("bob").model_dump(by_alias=True)] * 2}, 400, "named twice"),
        ({"callPolicies": {"policy": "WEIGHTED"}}, 400, "SIMULTANEOUS"),
        ({"callPolicies": {"waitingEnabled": True}}, 400, "waitingEnabled"),
        ({"callPolicies": {"noAnswer": {"nextAgentRings": 21}}}, 400, "nextAgentRings"),
        ({"callPolicies": {"noAnswer": {"forwardEnabled": True}}}, 400, "noAnswer"),
        ({"callPolicies": {"busyRedirect": {"enabled": True}}}, 400, "busyRedirect"),
        ({"alternateNumbers": [{"phoneNumber": "+12025550199"}]}, 400, "alternateNumbers"),
        ({"agents": "everybody"}, 400, "agents"),
    ],
)
async def test_what_cannot_be_is_refused_and_the_group_stays(
    cloud: Cloud, body: object, status: int, said: str
) -> None:
    token = await cloud.token("ada")
    refused = await cloud.request("PUT", SUPPORT, token=token, json=body)
    assert is_webex_error(refused, status)
    assert said in refused.json["message"]
    assert await cloud.service.directory.groups.get(DEMO_GROUP.group_id) == DEMO_GROUP


async def test_groups_are_an_administrators_affair_and_of_the_own_organisation(
    cloud: Cloud,
) -> None:
    token = await cloud.token("alice")
    for method, path in (
        ("GET", "/v1/telephony/config/huntGroups"),
        ("GET", "/v1/locations"),
        ("POST", GROUPS),
        ("GET", SUPPORT),
        ("PUT", SUPPORT),
        ("DELETE", SUPPORT),
    ):
        assert is_webex_error(await cloud.request(method, path, token=token, json={}), 403), path
    admin = await cloud.token("ada")
    elsewhere = SUPPORT.replace(LOCATION, encode_id(ResourceKind.LOCATION, "elsewhere"))
    for path in (elsewhere, f"{GROUPS}/nothing", "/v1/locations/nowhere"):
        assert is_webex_error(await cloud.get(path, token=admin), 404), path
    other = "00000000-0000-4000-8000-000000000001"
    await cloud.service.directory.add_organization(other, "Other")
    stranger = DEMO_GROUP.__class__(
        "00000000-0000-4000-8000-000000000002", other, "Theirs", DEMO_GROUP.policy, ()
    )
    await cloud.service.directory.groups.add(stranger)
    path = f"{GROUPS}/{encode_id(ResourceKind.HUNT_GROUP, stranger.group_id)}"
    assert is_webex_error(await cloud.get(path, token=admin), 404)
    listed = await cloud.get("/v1/telephony/config/huntGroups", token=admin)
    assert [each["name"] for each in listed.json["huntGroups"]] == ["Support"]
