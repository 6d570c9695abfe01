"""``/v1/webhooks``: what Webex's own clients and an administrator see."""

from typing import Any

import pytest
from webexpythonsdk import WebexAPI
from wxc_sdk import WebexSimpleApi
from wxc_sdk.webhook import WebhookEventType, WebhookResource

from offhook.service.firehose.targets import TargetRefusedError, Targets
from service.directory.test_people import with_webexpythonsdk, with_wxc_sdk
from service.running import Answer, Cloud, config, is_webex_error, started

GUIDE = {
    "name": "Webex Calling XYZ Firehose",
    "targetUrl": "https://example.com/message-events",
    "resource": "telephony_push",
    "event": "updated",
}


async def create(cloud: Cloud, who: str = "ada", /, **members: Any) -> Answer:
    body = {name: value for name, value in {**GUIDE, **members}.items() if value is not None}
    return await cloud.post("/v1/webhooks", token=await cloud.token(who), json=body)


async def test_the_guides_own_webhook_is_that_of_the_organisation(cloud: Cloud) -> None:
    answer = await create(cloud)
    assert answer.status == 200
    made = answer.json
    assert {name: made[name] for name in GUIDE} == GUIDE
    assert (made["ownedBy"], made["status"]) == ("org", "active")
    assert made["created"].endswith("Z")


async def test_webexpythonsdk_works_with_webhooks(cloud: Cloud) -> None:
    def story(api: WebexAPI) -> list[Any]:
        made = api.webhooks.create(
            "calls", "https://example.com/a", "telephony_calls", "all", secret="hush"
        )
        same = api.webhooks.get(made.id)
        listed = [each.id for each in api.webhooks.list()]
        changed = api.webhooks.update(made.id, name="new", targetUrl="https://example.com/b")
        api.webhooks.delete(made.id)
        left = list(api.webhooks.list())
        return [same.name, same.secret, listed == [made.id], changed.name, changed.targetUrl, left]

    told = await with_webexpythonsdk(cloud, await cloud.token("bob"), story)
    assert told == ["calls", "hush", True, "new", "https://example.com/b", []]


async def test_wxc_sdk_works_with_webhooks(cloud: Cloud) -> None:
    def story(api: WebexSimpleApi) -> list[Any]:
        made = api.webhook.create(
            name="calls",
            target_url="https://example.com/a",
            resource=WebhookResource.telephony_calls,
            event=WebhookEventType.created,
            secret="hush",
            owned_by="creator",
        )
        assert made.webhook_id is not None
        same = api.webhook.details(webhook_id=made.webhook_id)
        listed = [each.webhook_id for each in api.webhook.list()]
        same.name = "new"
        changed = api.webhook.update(webhook_id=made.webhook_id, update=same)
        api.webhook.webhook_delete(webhook_id=made.webhook_id)
        left = list(api.webhook.list())
        return [same.resource, same.status, listed == [made.webhook_id], changed.name, left]

    told = await with_wxc_sdk(cloud, await cloud.token("ada"), story)
    assert told == [WebhookResource.telephony_calls, "active", True, "new", []]


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"resource": "telephony_fax"}, "invalid field: resource"),
        ({"resource": None}, "invalid field: resource"),
        ({"event": "started"}, "invalid field: event"),
        ({"event": "created"}, "invalid field: event"),
        ({"name": " "}, "name"),
        ({"name": "x" * 257}, "name"),
        ({"targetUrl": None}, "targetUrl"),
        ({"targetUrl": "ftp://example.com"}, "targetUrl"),
        ({"targetUrl": "https://user:pass@example.com/"}, "credentials"),
        ({"targetUrl": "https://exa mple.com/"}, "targetUrl"),
        ({"ownedBy": "everybody"}, "ownedBy"),
        ({"filter": "roomId=1"}, "roomId"),
        ({"filter": "personId"}, "filter"),
        ({"filter": "personId=bob"}, "personId"),
        ({"secret": "x" * 257}, "secret"),
    ],
)
async def test_what_cannot_be_is_refused_with_a_sentence(
    cloud: Cloud, members: dict[str, Any], said: str
) -> None:
    answer = await create(cloud, **members)
    assert answer.status == 400
    assert is_webex_error(answer, 400)
    assert said in answer.json["message"]
    listed = await cloud.get("/v1/webhooks", token=await cloud.token("ada"))
    assert listed.json["items"] == []


async def test_only_an_administrator_owns_one_as_the_organisation(cloud: Cloud) -> None:
    assert (await create(cloud, "bob", ownedBy="org")).status == 403
    own = await create(cloud, "bob")
    assert own.json["ownedBy"] == "creator"


async def test_there_is_one_for_the_organisation_and_any_number_of_ones_own(cloud: Cloud) -> None:
    assert (await create(cloud)).status == 200
    assert (await create(cloud, targetUrl="https://example.com/other")).status == 409
    assert (await create(cloud, filter=None, resource="telephony_calls", event="all")).status == 200
    for path, status in (("a", 200), ("b", 200), ("a", 409)):
        answer = await create(cloud, "bob", targetUrl=f"https://example.com/{path}")
        assert answer.status == status


async def test_nobody_sees_or_changes_those_of_others(cloud: Cloud) -> None:
    firehose, bobs = (await create(cloud)).json, (await create(cloud, "bob")).json
    for who, seen in (("ada", [firehose]), ("bob", [bobs]), ("carol", [])):
        token = await cloud.token(who)
        assert (await cloud.get("/v1/webhooks", token=token)).json["items"] == seen
    token = await cloud.token("carol")
    for webhook in (firehose, bobs):
        path = f"/v1/webhooks/{webhook['id']}"
        assert (await cloud.get(path, token=token)).status == 404
        body = {"name": "x", "targetUrl": "https://evil.test/"}
        assert (await cloud.request("PUT", path, token=token, json=body)).status == 404
        assert (await cloud.request("DELETE", path, token=token)).status == 404


@pytest.mark.parametrize(
    "change",
    [{"status": "inactive"}, {"ownedBy": "creator"}, {"name": ""}, {"targetUrl": "nowhere"}],
)
async def test_only_some_things_can_be_changed(cloud: Cloud, change: dict[str, str]) -> None:
    made = (await create(cloud)).json
    body = {"name": "new", "targetUrl": "https://example.com/new", **change}
    path, token = f"/v1/webhooks/{made['id']}", await cloud.token("ada")
    answer = await cloud.request("PUT", path, token=token, json=body)
    assert answer.status == 400
    assert (await cloud.get(path, token=token)).json == made


async def test_the_list_has_pages(cloud: Cloud) -> None:
    for number in range(3):
        await create(cloud, "bob", targetUrl=f"https://example.com/{number}")
    token = await cloud.token("bob")
    first = await cloud.get("/v1/webhooks?max=2", token=token)
    assert len(first.json["items"]) == 2
    link = first.headers["Link"]
    second = await cloud.get(link.partition(";")[0].strip("<>"), token=token)
    assert len(second.json["items"]) == 1
    assert "Link" not in second.headers
    assert (await cloud.get("/v1/webhooks?max=0", token=token)).status == 400


async def test_private_targets_are_refused_unless_the_operator_allows_them(
    demo_data: Any,
) -> None:
    async with started(config(demo_data)) as cloud:
        for host in ("127.0.0.1", "10.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254"):
            answer = await create(cloud, targetUrl=f"http://{host}/hook")
            assert answer.status == 400, host
            assert "allow_private_targets" in answer.json["message"]


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "127.0.0.1",
        "10.1.2.3",
        "100.64.0.1",
        "169.254.169.254",
        "192.168.1.1",
        "224.0.0.1",
        "[::]",
        "[::1]",
        "[fd00::1]",
        "[fe80::1]",
        "[::ffff:10.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::1]",
    ],
)
def test_no_way_of_writing_a_private_address_gets_through(address: str) -> None:
    with pytest.raises(TargetRefusedError):
        Targets(allow_private=False).check(f"https://{address}/")


@pytest.mark.parametrize("address", ["8.8.8.8", "[2606:4700::1111]", "[::ffff:8.8.8.8]"])
def test_public_addresses_do(address: str) -> None:
    Targets(allow_private=False).check(f"https://{address}/")
