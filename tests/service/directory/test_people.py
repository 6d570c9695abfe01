"""People over REST, read by two clients that were written for Webex, and by hand."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import quote

import pytest
from webexpythonsdk import ApiError as SdkError
from webexpythonsdk import WebexAPI
from wxc_sdk import WebexSimpleApi

from offhook.service.directory.demo import DEMO_ORG_ID
from offhook.wire.ids import ResourceKind, encode_id
from service.running import PEOPLE, Cloud, is_webex_error
from service.wxc import with_wxc_sdk

T = TypeVar("T")

ALICE, BOB = PEOPLE["alice"], PEOPLE["bob"]
EVERYBODY = ["Ada Admin", "Alice Adams", "Bob Brown", "Carol Clark", "Dave Davis"]


def rest_id(name: str) -> str:
    return encode_id(ResourceKind.PEOPLE, PEOPLE[name].entry().person_id)


async def with_webexpythonsdk(cloud: Cloud, token: str, story: Callable[[WebexAPI], T]) -> T:
    """Run `story`, which blocks, with a webexpythonsdk."""

    def run() -> T:
        api = WebexAPI(token, base_url=f"{cloud.service.http_url}/v1/", wait_on_rate_limit=False)
        try:
            return story(api)
        finally:
            api._session._req_session.close()

    return await asyncio.to_thread(run)


async def test_wxc_sdk_reads_whose_token_it_has(cloud: Cloud) -> None:
    me = await with_wxc_sdk(
        cloud, await cloud.token("alice"), lambda api: api.people.me(calling_data=True)
    )
    assert me.display_name == "Alice Adams"
    assert (me.first_name, me.last_name, me.emails) == ("Alice", "Adams", [ALICE.email])
    assert me.tn is not None
    assert (me.tn.value, me.extension) == (ALICE.number, ALICE.extension)
    assert me.person_id_uuid == ALICE.entry().person_id
    assert me.org_id == encode_id(ResourceKind.ORGANIZATION, DEMO_ORG_ID)
    assert me.location_id == encode_id(ResourceKind.LOCATION, DEMO_ORG_ID)
    assert me.created is not None
    assert me.errors is None


async def test_wxc_sdk_turns_the_pages_of_the_list(cloud: Cloud) -> None:
    def story(api: WebexSimpleApi) -> list[str]:
        return [person.display_name or "" for person in api.people.list(max=2)]

    assert await with_wxc_sdk(cloud, await cloud.token("bob"), story) == EVERYBODY


async def test_wxc_sdk_finds_people_by_mail_name_and_id(cloud: Cloud) -> None:
    def story(api: WebexSimpleApi) -> list[list[str]]:
        found = (
            api.people.list(email=BOB.email.upper()),
            api.people.list(display_name="a"),
            api.people.list(id_list=[rest_id("dave"), rest_id("carol")]),
            api.people.list(email="nobody@example.org"),
            [api.people.details(rest_id("carol"))],
        )
        return [[person.display_name or "" for person in people] for people in found]

    assert await with_wxc_sdk(cloud, await cloud.token("bob"), story) == [
        ["Bob Brown"],
        ["Ada Admin", "Alice Adams"],
        ["Carol Clark", "Dave Davis"],
        [],
        ["Carol Clark"],
    ]


async def test_webexpythonsdk_reads_people_and_turns_the_pages(cloud: Cloud) -> None:
    def story(api: WebexAPI) -> tuple[Any, ...]:
        me = api.people.me()
        return (
            me.id,
            me.displayName,
            me.emails,
            me.type,
            me.created.year,
            api.people.get(rest_id("bob")).displayName,
            [person.displayName for person in api.people.list(max=3)],
        )

    id_, name, emails, kind, year, other, everybody = await with_webexpythonsdk(
        cloud, await cloud.token("alice"), story
    )
    assert (id_, name, emails) == (rest_id("alice"), "Alice Adams", [ALICE.email])
    assert (kind, other, everybody) == ("person", "Bob Brown", EVERYBODY)
    assert year >= 2024


async def test_webexpythonsdk_understands_our_errors(cloud: Cloud) -> None:
    def story(api: WebexAPI) -> tuple[int, str, str]:
        with pytest.raises(SdkError) as refused:
            api.people.get(encode_id(ResourceKind.PEOPLE, DEMO_ORG_ID))
        error = refused.value
        return error.status_code, error.message, error.response.headers["trackingid"]

    status, message, tracking = await with_webexpythonsdk(cloud, await cloud.token("alice"), story)
    assert (status, message) == (404, "There is no such person.")
    assert tracking


async def test_a_page_link_keeps_what_was_asked_and_ends_with_the_last_page(cloud: Cloud) -> None:
    token = await cloud.token("alice")
    first = await cloud.get("/v1/people?displayName=A&max=1", token=token)
    assert [each["displayName"] for each in first.json["items"]] == ["Ada Admin"]
    link = first.headers["Link"]
    assert link.endswith('; rel="next"')
    second = await cloud.get(link.partition(";")[0].strip("<>"), token=token)
    assert [each["displayName"] for each in second.json["items"]] == ["Alice Adams"]
    assert "Link" not in second.headers


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("max=0", "max"),
        ("max=1001", "max"),
        ("max=ten", "max"),
        ("cursor=-1", "cursor"),
        ("cursor=99999999999999999999", "cursor"),
        ("id=nonsense!", "id"),
    ],
)
async def test_a_wrong_parameter_is_named_and_the_service_lives_on(
    cloud: Cloud, query: str, said: str
) -> None:
    token = await cloud.token("alice")
    refused = await cloud.get(f"/v1/people?{query}", token=token)
    assert is_webex_error(refused, 400)
    assert said in refused.json["message"]
    assert (await cloud.get("/v1/people", token=token)).status == 200


@pytest.mark.parametrize("person_id", ["nonsense", "%00", "a" * 5000, "..%2f..", "%ff"])
async def test_an_id_of_nobody_is_not_found(cloud: Cloud, person_id: str) -> None:
    refused = await cloud.get(f"/v1/people/{person_id}", token=await cloud.token("alice"))
    assert is_webex_error(refused, 404)


async def test_people_of_another_organisation_are_as_if_they_were_not_there(
    cloud: Cloud,
) -> None:
    other = "00000000-0000-4000-8000-000000000001"
    directory = cloud.service.directory
    await directory.add_organization(other, "Other")
    stranger = ALICE.entry().__class__(
        "00000000-0000-4000-8000-000000000002",
        other,
        "eve@other.example",
        "Eve Else",
        "Eve",
        "Else",
        is_admin=True,
        is_guest=False,
        created=0.0,
        number="+12025550999",
        extension="1001",
    )
    await directory.add_person(stranger, None)
    token = await cloud.token("alice")
    assert is_webex_error(await cloud.get(f"/v1/people/{stranger.person_id}", token=token), 404)
    for query in ("", "?email=eve@other.example", f"?id={stranger.person_id}"):
        items = (await cloud.get(f"/v1/people{query}", token=token)).json["items"]
        assert "Eve Else" not in [each["displayName"] for each in items]
    users = f"/identity/scim/{other}/v2/Users?filter=" + quote(f'id eq "{stranger.person_id}"')
    assert is_webex_error(await cloud.get(users, token=token), 403)


async def test_an_official_client_finds_a_callers_name_by_id(cloud: Cloud) -> None:
    bob = BOB.entry().person_id
    users = f"/identity/scim/{DEMO_ORG_ID}/v2/Users?filter=" + quote(f'id eq "{bob}"')
    answer = (await cloud.get(users, token=await cloud.token("alice"))).json
    assert answer["totalResults"] == 1
    [found] = answer["Resources"]
    assert (found["id"], found["displayName"]) == (bob, "Bob Brown")
    assert {"type": "work", "value": BOB.number, "primary": True} in found["phoneNumbers"]
