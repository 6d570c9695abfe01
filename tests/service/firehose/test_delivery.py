"""Events reach those who want to know: signed, in order, again after a failure, never too late."""

import asyncio
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from offhook.service.config import Limits, WebhookSettings
from offhook.service.directory.demo import DEMO_ORG_ID
from offhook.service.firehose.event import FirehoseEvent
from offhook.wire.ids import ResourceKind, encode_id
from offhook.wire.webhook_signature import verify
from service.firehose.receiver import Receiver, receiving
from service.running import PEOPLE, Cloud, config, started
from service.signalling import PATIENCE

BOB = PEOPLE["bob"].entry().person_id
DATA = b'{"apnsPayload":{"a" : 1},"fcmPayload":{"b":[1.10]}}'


async def hook(cloud: Cloud, url: str, who: str = "ada", **members: Any) -> dict[str, Any]:
    body = {
        "name": "test",
        "targetUrl": url,
        "resource": "telephony_push",
        "event": "updated",
        "secret": "a secret",
        **members,
    }
    answer = await cloud.post("/v1/webhooks", token=await cloud.token(who), json=body)
    assert answer.status == 200, answer.body
    made: dict[str, Any] = answer.json
    return made


async def status_of(cloud: Cloud, webhook: dict[str, Any]) -> str:
    answer = await cloud.get(f"/v1/webhooks/{webhook['id']}", token=await cloud.token("ada"))
    status: str = answer.json["status"]
    return status


def push(subject: str = "call", data: bytes = DATA, lasts: float = 30.0) -> FirehoseEvent:
    return FirehoseEvent("telephony_push", "updated", BOB, data, time.time() + lasts, subject)


async def settled(cloud: Cloud) -> None:
    """Wait until nothing is on its way."""
    async with asyncio.timeout(8.0):
        while "offhook_webhook_events_waiting 0.0" not in await figures(cloud):
            await asyncio.sleep(0.01)


async def figures(cloud: Cloud) -> str:
    return (await cloud.get("/metrics", token=await cloud.token("carol"))).body.decode()


async def test_an_event_comes_in_the_documented_envelope_signed_and_byte_for_byte(
    cloud: Cloud, receiver: Receiver
) -> None:
    webhook = await hook(cloud, receiver.url)
    cloud.service.firehose.publish(push())
    (got,) = await receiver.count(1)
    assert got.json == {
        "id": webhook["id"],
        "name": "test",
        "targetUrl": receiver.url,
        "resource": "telephony_push",
        "event": "updated",
        "orgId": encode_id(ResourceKind.ORGANIZATION, DEMO_ORG_ID),
        "createdBy": encode_id(ResourceKind.PEOPLE, PEOPLE["ada"].entry().person_id),
        "appId": webhook["appId"],
        "ownedBy": "org",
        "status": "active",
        "created": webhook["created"],
        "actorId": encode_id(ResourceKind.PEOPLE, BOB),
        "data": msgspec.json.decode(DATA),
    }
    assert DATA in got.body
    assert got.headers["content-type"] == "application/json"
    assert verify(got.headers, got.body, ["a secret"], time.time()).event_id


async def test_without_a_secret_nothing_is_signed(cloud: Cloud, receiver: Receiver) -> None:
    await hook(cloud, receiver.url, secret=None)
    cloud.service.firehose.publish(push())
    (got,) = await receiver.count(1)
    assert not {"x-spark-signature", "webhook-signature"} & got.headers.keys()
    assert got.headers["webhook-id"]


async def test_a_failed_event_comes_again_under_the_same_id(
    cloud: Cloud, receiver: Receiver
) -> None:
    await hook(cloud, receiver.url)
    receiver.answers.extend([500, 404])
    cloud.service.firehose.publish(push())
    received = await receiver.count(3)
    await settled(cloud)
    assert len({got.headers["webhook-id"] for got in received}) == 1
    assert len({got.body for got in received}) == 1
    text = await figures(cloud)
    assert "offhook_webhook_events_failed_total 2.0" in text
    assert "offhook_webhook_events_delivered_total 1.0" in text


async def test_nothing_comes_after_the_ring_window(cloud: Cloud, receiver: Receiver) -> None:
    await hook(cloud, receiver.url)
    receiver.always = 500
    cloud.service.firehose.publish(push(lasts=1.5))
    cloud.service.firehose.publish(push("over", lasts=-1.0))
    await receiver.count(2)
    await settled(cloud)
    assert len(receiver.received) == 2
    assert "offhook_webhook_events_given_up_total 2.0" in await figures(cloud)


async def test_an_event_that_was_withdrawn_does_not_come_again(
    cloud: Cloud, receiver: Receiver
) -> None:
    await hook(cloud, receiver.url)
    receiver.always = 500
    cloud.service.firehose.publish(push("call"))
    await receiver.count(1)
    cloud.service.firehose.withdraw("call", "telephony_push")
    await settled(cloud)
    assert len(receiver.received) == 1


async def test_the_events_of_a_call_come_in_order_and_other_calls_do_not_wait(
    cloud: Cloud, receiver: Receiver
) -> None:
    await hook(cloud, receiver.url)
    receiver.answers.append(500)
    for number in range(3):
        cloud.service.firehose.publish(push("slow", b'{"number":%d}' % number))
    await receiver.count(1)
    cloud.service.firehose.publish(push("other", b'{"number":9}'))
    received = await receiver.count(5)
    assert [got.json["data"]["number"] for got in received] == [0, 9, 0, 1, 2]


async def test_one_bad_receiver_never_slows_another(cloud: Cloud, receiver: Receiver) -> None:
    async with receiving() as stuck:
        stuck.gate = asyncio.Event()
        await hook(cloud, stuck.url, filter=f"personId={encode_id(ResourceKind.PEOPLE, BOB)}")
        await hook(cloud, receiver.url)
        for number in range(200):
            cloud.service.firehose.publish(push(f"call{number}"))
        await receiver.count(200)
        assert len(stuck.received) <= 64


async def test_who_is_not_concerned_hears_nothing(cloud: Cloud, receiver: Receiver) -> None:
    alice = encode_id(ResourceKind.PEOPLE, PEOPLE["alice"].entry().person_id)
    await hook(cloud, receiver.url + "/filtered", filter=f"personId={alice}")
    await hook(cloud, receiver.url + "/carol", who="carol")
    await hook(cloud, receiver.url + "/calls", resource="telephony_calls", event="all")
    await hook(cloud, receiver.url + "/bob", who="bob")
    cloud.service.firehose.publish(push())
    await receiver.count(1)
    await settled(cloud)
    assert [got.path for got in receiver.received] == ["/hook/bob"]


async def test_a_hundred_failures_disable_a_webhook_until_it_is_set_active(
    cloud: Cloud, receiver: Receiver
) -> None:
    webhook = await hook(cloud, receiver.url)
    receiver.always = 503
    for number in range(100):
        cloud.service.firehose.publish(push(f"call{number}"))
    await receiver.count(100)
    async with asyncio.timeout(8.0):
        while await status_of(cloud, webhook) != "inactive":
            await asyncio.sleep(0.01)
    before = len(receiver.received)
    cloud.service.firehose.publish(push("unheard"))
    change = {"name": "test", "targetUrl": receiver.url, "status": "active"}
    token = await cloud.token("ada")
    path = f"/v1/webhooks/{webhook['id']}"
    again = await cloud.request("PUT", path, token=token, json=change)
    assert again.json["status"] == "active"
    # One more failure, soon after: that is enough.
    cloud.service.firehose.publish(push("heard"))
    await receiver.count(before + 1)
    async with asyncio.timeout(8.0):
        while await status_of(cloud, webhook) != "inactive":
            await asyncio.sleep(0.01)
    assert "offhook_webhooks_disabled_total 2.0" in await figures(cloud)


async def test_a_webhook_that_is_deleted_gets_nothing_more(
    cloud: Cloud, receiver: Receiver
) -> None:
    webhook = await hook(cloud, receiver.url)
    receiver.always = 500
    cloud.service.firehose.publish(push())
    await receiver.count(1)
    token = await cloud.token("ada")
    gone = await cloud.request("DELETE", f"/v1/webhooks/{webhook['id']}", token=token)
    assert gone.status == 204
    cloud.service.firehose.publish(push("later"))
    await settled(cloud)
    assert len(receiver.received) == 1


async def test_what_a_service_left_is_delivered_by_the_next_one(
    demo_data: Path, receiver: Receiver
) -> None:
    settings = config(demo_data, webhooks=WebhookSettings(allow_private_targets=True))
    async with started(settings) as cloud:
        await hook(cloud, receiver.url)
        receiver.gate = asyncio.Event()
        cloud.service.firehose.publish(push("call"))
        cloud.service.firehose.publish(push("short", lasts=0.3))
        await receiver.count(2)
    receiver.gate.set()
    async with started(settings) as cloud:
        received = await receiver.count(3)
        assert received[2].headers["webhook-id"] in {
            got.headers["webhook-id"] for got in received[:2]
        }
        await settled(cloud)
        assert "offhook_webhook_events_resumed_total 1.0" in await figures(cloud)
    async with started(settings) as cloud:
        assert "offhook_webhook_events_resumed_total 0.0" in await figures(cloud)


@pytest.mark.parametrize(
    "target",
    ["http://localhost:{port}/hook", "http://127.1:{port}/hook", "http://2130706433:{port}/hook"],
)
async def test_a_name_that_leads_into_our_own_network_is_not_followed(
    demo_data: Path, receiver: Receiver, target: str
) -> None:
    port = receiver.url.split(":")[2].split("/")[0]
    async with started(config(demo_data, limits=Limits(sign_ins=1000))) as cloud:
        await hook(cloud, target.format(port=port))
        cloud.service.firehose.publish(push(lasts=1.5))
        async with asyncio.timeout(PATIENCE):
            while "offhook_webhook_events_failed_total 1.0" not in await figures(cloud):
                await asyncio.sleep(0.01)
    assert receiver.received == []


async def test_a_redirect_is_followed_with_the_body_and_not_for_ever(
    cloud: Cloud, receiver: Receiver
) -> None:
    await hook(cloud, receiver.url)
    receiver.answers.append("/moved")
    cloud.service.firehose.publish(push())
    first, second = await receiver.count(2)
    assert (second.path, second.body) == ("/moved", first.body)
    await settled(cloud)
    receiver.answers.extend(["/round"] * 4)
    cloud.service.firehose.publish(push("round", lasts=0.5))
    await settled(cloud)
    assert len(receiver.received) == 6
