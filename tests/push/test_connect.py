"""An administrator connects the cloud to the backend, over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from offhook.engine.firehose_link import Wanted
from offhook.errors import (
    NetworkError,
    NotAuthorizedError,
    ServiceError,
    TooManyRequestsError,
)
from offhook.push.cloud_errors import NotAllowedError, WebhookRefusedError, WebhookTakenError
from offhook.push.cloud_http import OneToken
from offhook.push.connect import Connection, Step, connect
from offhook.push.webhook_client import WebhookClient
from push.webhook_cloud import WebhookCloud, webhook_cloud

TARGET = "https://push.example.org/webhook"


@pytest.fixture
async def cloud() -> AsyncIterator[WebhookCloud]:
    async with webhook_cloud() as running:
        yield running


class Admin:
    """Somebody who connects, and what they were told."""

    def __init__(self, cloud: WebhookCloud, name: str = "ada") -> None:
        self.cloud = cloud
        self.token = f"token of {name}"
        self.told: list[Step] = []

    async def connect(self, *, check: bool = False, **values: Any) -> Connection:
        self.told.clear()
        client = WebhookClient(self.cloud.url, OneToken(self.token), patience=5.0)
        async with client:
            return await connect(
                client,
                Wanted(**{"target": TARGET, **values}),
                check=check,
                tell=self.told.append,
                new_secret=lambda: "a new secret",
            )

    @property
    def kinds(self) -> list[str]:
        return [step.kind for step in self.told]

    @property
    def text(self) -> str:
        return "\n".join(step.text for step in self.told)


@pytest.fixture
def ada(cloud: WebhookCloud) -> Admin:
    return Admin(cloud)


def the_one(cloud: WebhookCloud) -> dict[str, Any]:
    (webhook,) = cloud.webhooks.values()
    return webhook


async def test_the_first_time_it_makes_a_signed_webhook_of_the_organisation(
    cloud: WebhookCloud, ada: Admin
) -> None:
    connection = await ada.connect()
    made = the_one(cloud)
    assert connection.is_connected
    assert (made["resource"], made["event"], made["ownedBy"]) == (
        "telephony_push",
        "updated",
        "org",
    )
    assert (made["targetUrl"], made["secret"]) == (TARGET, "a new secret")
    assert ada.kinds == ["found", "create"]
    assert "secret" not in ada.text


async def test_the_second_time_there_is_nothing_to_do(cloud: WebhookCloud, ada: Admin) -> None:
    await ada.connect(secret="the secret")
    before = dict(the_one(cloud))
    assert (await ada.connect(secret="the secret")).is_connected
    assert the_one(cloud) == before
    assert ada.kinds == ["found", "unchanged"]
    assert not [each for each in cloud.asked if each.startswith("PUT")]


async def test_where_the_organisation_cannot_own_it_it_is_made_as_the_guide_does(
    cloud: WebhookCloud, ada: Admin
) -> None:
    cloud.takes_org = False
    assert (await ada.connect()).is_connected
    assert the_one(cloud)["ownedBy"] == "creator"
    assert ada.kinds == ["found", "create", "warning-personal"]
    assert "belongs to its creator" in ada.text
    assert (await ada.connect()).is_connected
    assert len(cloud.webhooks) == 1


async def test_a_webhook_that_the_cloud_disabled_works_again_with_its_old_secret(
    cloud: WebhookCloud, ada: Admin
) -> None:
    cloud.add(status="inactive", secret="kept")
    assert (await ada.connect()).is_connected
    assert (the_one(cloud)["status"], the_one(cloud)["secret"]) == ("active", "kept")
    assert "the cloud had disabled it" in ada.text


async def test_the_webhook_follows_a_backend_that_moves(cloud: WebhookCloud, ada: Admin) -> None:
    cloud.add(targetUrl="https://old.example.org/webhook", secret="old")
    await ada.connect(secret="new")
    assert (the_one(cloud)["targetUrl"], the_one(cloud)["secret"]) == (TARGET, "new")
    assert "it led to https://old.example.org/webhook" in ada.text


async def test_it_is_found_on_a_later_page_among_webhooks_of_other_kinds(
    cloud: WebhookCloud, ada: Admin
) -> None:
    for number in range(5):
        cloud.add(resource="meetings", name=f"other {number}", status="some new state", event="x")
    cloud.add(ownedBy="org", secret="kept")
    assert (await ada.connect()).is_connected
    assert ada.kinds == ["found", "unchanged"]


async def test_another_administrators_webhook_is_found_and_mentioned(
    cloud: WebhookCloud, ada: Admin
) -> None:
    cloud.add(creator="bob", secret="kept")
    assert (await ada.connect()).is_connected
    assert ada.kinds == ["found", "unchanged", "warning-somebody-elses"]


async def test_what_only_another_administrator_can_repair_is_said(
    cloud: WebhookCloud, ada: Admin
) -> None:
    cloud.add(creator="bob", status="inactive")
    with pytest.raises(NotAllowedError, match="Somebody else made it"):
        await ada.connect()


async def test_another_backend_is_not_cut_off_unless_asked(cloud: WebhookCloud, ada: Admin) -> None:
    elsewhere = "https://user:word@theirs.example.org/webhook?key=word"
    cloud.add(name="Theirs", targetUrl=elsewhere)
    assert not (await ada.connect()).is_connected
    assert the_one(cloud)["targetUrl"] == elsewhere
    assert ada.kinds[-1] == "refused"
    assert "https://theirs.example.org/webhook" in ada.text
    assert "word" not in ada.text
    assert (await ada.connect(replace=True)).is_connected
    assert the_one(cloud)["targetUrl"] == TARGET


async def test_replacing_leaves_one(cloud: WebhookCloud, ada: Admin) -> None:
    cloud.add(ownedBy="creator", name="mine")
    cloud.add(ownedBy="creator", targetUrl="https://old.example.org/webhook", name="old")
    cloud.add(secret="kept")
    await ada.connect(replace=True)
    assert the_one(cloud)["secret"] == "kept"
    assert sorted(ada.kinds) == ["delete", "delete", "found", "found", "found", "unchanged"]


async def test_checking_changes_nothing(cloud: WebhookCloud, ada: Admin) -> None:
    assert not (await ada.connect(check=True)).is_connected
    assert ada.kinds == ["found", "check-create"]
    cloud.add(status="inactive", secret="kept")
    assert not (await ada.connect(check=True)).is_connected
    assert "has to be repaired" in ada.text
    await ada.connect()
    assert (await ada.connect(check=True)).is_connected
    changing = [each for each in cloud.asked if each.split()[0] != "GET"]
    assert len(changing) == 1


async def test_one_that_cannot_be_seen_but_is_in_the_way_is_explained(
    cloud: WebhookCloud, ada: Admin
) -> None:
    cloud.add(creator="bob", ownedBy="org", event="created")
    with pytest.raises(WebhookTakenError, match="another administrator made it"):
        await ada.connect()


async def test_somebody_who_is_no_administrator_is_told_so(cloud: WebhookCloud) -> None:
    cloud.tokens["token of carol"] = "carol"
    carol = Admin(cloud, "carol")
    with pytest.raises(NotAllowedError, match="full administrator's token") as caught:
        await carol.connect()
    assert "ROUTER_1" in str(caught.value)
    assert "does not see the organisation's webhooks" in carol.text


async def test_a_cloud_without_such_webhooks_is_quoted(cloud: WebhookCloud, ada: Admin) -> None:
    cloud.resources = ("messages",)
    with pytest.raises(WebhookRefusedError, match="invalid field: resource"):
        await ada.connect()


async def test_an_expired_token_is_told_and_not_repeated(cloud: WebhookCloud, ada: Admin) -> None:
    ada.token = "secret of ada"
    with pytest.raises(NotAuthorizedError) as caught:
        await ada.connect()
    assert "secret" not in str(caught.value)


async def test_a_busy_cloud_is_waited_for_if_it_is_soon_enough(
    cloud: WebhookCloud, ada: Admin
) -> None:
    cloud.fail(429, times=2, Retry_After="0")
    assert (await ada.connect()).is_connected
    cloud.fail(429, Retry_After="3600")
    with pytest.raises(TooManyRequestsError, match="3600 s") as caught:
        await ada.connect()
    assert caught.value.retry_after == 3600


async def test_a_cloud_that_never_ends_to_be_busy_is_given_up(
    cloud: WebhookCloud, ada: Admin
) -> None:
    cloud.fail(429, times=50, Retry_After="0")
    with pytest.raises(TooManyRequestsError):
        await ada.connect()


async def test_a_token_that_may_not_ask_whose_it_is_does_all_the_same(
    cloud: WebhookCloud, ada: Admin
) -> None:
    cloud.fail(403)
    assert (await ada.connect()).is_connected


async def test_a_cloud_with_a_fault_is_told(cloud: WebhookCloud, ada: Admin) -> None:
    cloud.fail(503)
    with pytest.raises(ServiceError, match="has a fault"):
        await ada.connect()


async def test_something_else_at_the_address_is_told(cloud: WebhookCloud, ada: Admin) -> None:
    cloud.faults.append(web.Response(text="<html>hello</html>", content_type="text/html"))
    with pytest.raises(ServiceError, match="check its address"):
        await ada.connect()


async def test_a_redirect_is_not_followed_with_the_token(cloud: WebhookCloud, ada: Admin) -> None:
    cloud.faults.append(web.Response(status=307, headers={"Location": f"{cloud.url}/trap"}))
    with pytest.raises(ServiceError, match="status 307"):
        await ada.connect()
    assert "GET /trap" not in cloud.asked


async def test_pages_are_only_asked_of_the_cloud_itself(cloud: WebhookCloud, ada: Admin) -> None:
    async with webhook_cloud() as stranger:
        link = f'<{stranger.url}/v1/webhooks?before=0>; rel="next"'
        cloud.faults.append(web.json_response({"id": "x", "emails": []}))
        cloud.faults.append(web.json_response({"items": []}, headers={"Link": link}))
        await ada.connect()
        assert stranger.asked == []
    assert "GET /v1/webhooks?before=0" in cloud.asked


async def test_a_list_without_end_is_given_up(cloud: WebhookCloud, ada: Admin) -> None:
    link = f'<{cloud.url}/v1/webhooks>; rel="next"'
    cloud.faults.append(web.json_response({"id": "x", "emails": []}))
    for _ in range(302):
        cloud.faults.append(web.json_response({"items": []}, headers={"Link": link}))
    with pytest.raises(ServiceError, match="does not end"):
        await ada.connect()


async def test_a_change_that_the_cloud_only_pretends_to_make_is_told(
    cloud: WebhookCloud, ada: Admin
) -> None:
    there = cloud.add(status="inactive")
    cloud.forgets_status = True
    with pytest.raises(ServiceError, match="did not make it"):
        await ada.connect()
    assert there["status"] == "inactive"


async def test_a_cloud_that_is_not_there_is_told() -> None:
    async with webhook_cloud() as cloud:
        pass
    with pytest.raises(NetworkError, match="cannot be reached"):
        await Admin(cloud).connect()
