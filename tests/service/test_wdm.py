"""Registration of running clients, as official clients do it."""

from pathlib import Path
from typing import Any

import pytest

from offhook.service.config import Limits
from offhook.service.identity import Principal
from offhook.service.wdm import RunningClients
from offhook.serving.errors import ApiError
from offhook.wire.wdm import DeviceRequest
from service.running import PEOPLE, Cloud, config, is_webex_error, started, trusting
from service.signalling import WDM_BODY

DEVICES = "/wdm/api/v1/devices"
ALICE = Principal("alice", "org", frozenset(), "family", 0.0)


async def registered(cloud: Cloud, token: str, **more: Any) -> dict[str, Any]:
    answer = await cloud.post(DEVICES, token=token, json=WDM_BODY | more)
    assert answer.status == 200, answer.body
    device: dict[str, Any] = answer.json
    return device


async def test_a_registration_holds_what_official_clients_read(cloud: Cloud) -> None:
    device = await registered(cloud, await cloud.token("alice"))
    assert device.items() >= WDM_BODY.items()
    assert device["url"].startswith(f"{cloud.service.http_url}{DEVICES}/")
    assert device["userId"] == PEOPLE["alice"].entry().person_id
    assert device["orgId"] == PEOPLE["alice"].entry().org_id
    assert device["callingBehavior"] == "NATIVE_WEBEX_TEAMS_CALLING"
    assert [each["key"] for each in device["features"]["entitlement"]] == ["bc-sp-standard"]
    # These two would have the client use what is not there.
    developer = {each["key"] for each in device["features"]["developer"]}
    assert not developer & {"web-high-availability", "web-shared-mercury"}


async def test_the_socket_is_as_secure_as_the_way_the_client_came(demo_data: Path) -> None:
    async with started(config(demo_data, https="127.0.0.1:0")) as cloud:
        assert cloud.service.ca_path is not None
        token = await cloud.token("alice")
        assert (await registered(cloud, token))["webSocketUrl"].startswith("ws://127.0.0.1:")
        tls = await trusting(cloud.service.ca_path)
        url = cloud.service.https_url + DEVICES
        answer = await cloud.post(url, token=token, json=WDM_BODY, ssl=tls)
        assert answer.json["webSocketUrl"].startswith("wss://127.0.0.1:")


async def test_a_device_is_refreshed_and_removed(cloud: Cloud) -> None:
    token = await cloud.token("alice")
    device = await registered(cloud, token)
    headers = {"If-None-Match": "anything"}
    kept = await cloud.request("PUT", device["url"], token=token, json=WDM_BODY, headers=headers)
    assert kept.status == 200
    assert kept.json["url"] == device["url"]
    assert kept.headers["etag"]
    assert (await cloud.request("DELETE", device["url"], token=token)).status == 204
    gone = await cloud.request("PUT", device["url"], token=token, json=WDM_BODY)
    assert is_webex_error(gone, 404), "upon which clients register again"
    assert (await cloud.request("DELETE", device["url"], token=token)).status == 204


async def test_too_many_devices_are_refused_in_the_words_that_clients_look_for(
    demo_data: Path,
) -> None:
    limits = Limits(sign_ins=1000, clients_per_person=3)
    async with started(config(demo_data, limits=limits)) as cloud:
        token = await cloud.token("alice")
        devices = [await registered(cloud, token) for _ in range(3)]
        refused = await cloud.post(DEVICES, token=token, json=WDM_BODY)
        assert refused.json["message"] == "User has excessive device registrations"
        listed = (await cloud.get(DEVICES, token=token)).json["devices"]
        assert [each["url"] for each in listed] == [each["url"] for each in devices]
        assert all(each["modificationTime"] for each in listed)
        await cloud.request("DELETE", listed[0]["url"], token=token)
        await registered(cloud, token)
        await registered(cloud, await cloud.token("bob"))


async def test_devices_of_others_are_out_of_reach(cloud: Cloud) -> None:
    alice, bob = await cloud.token("alice"), await cloud.token("bob")
    device = await registered(cloud, alice)
    assert (await cloud.get(DEVICES, token=bob)).json == {"devices": []}
    assert (await cloud.request("PUT", device["url"], token=bob, json=WDM_BODY)).status == 404
    await cloud.request("DELETE", device["url"], token=bob)
    assert len((await cloud.get(DEVICES, token=alice)).json["devices"]) == 1


@pytest.mark.parametrize(
    "change", [{"name": "n" * 257}, {"name": 7}, {"ttl": -1}, {"ttl": "long"}, {"model": None}]
)
async def test_a_device_that_makes_no_sense_is_refused(
    cloud: Cloud, change: dict[str, object]
) -> None:
    answer = await cloud.post(DEVICES, token=await cloud.token("alice"), json=WDM_BODY | change)
    assert is_webex_error(answer, 400)


def test_a_device_that_is_not_refreshed_in_time_is_forgotten() -> None:
    now = 1_000.0
    clients = RunningClients(lambda: now, most_per_person=2)
    asked = DeviceRequest(*WDM_BODY.values(), ttl=1800)
    short = clients.register(ALICE, asked)
    without = clients.register(ALICE, DeviceRequest(*WDM_BODY.values()))
    now += 1799
    clients.refresh(ALICE, short.device_id, asked)
    now += 1799
    assert [each.device_id for each in clients.of_person("alice")] == [
        short.device_id,
        without.device_id,
    ]
    now += 1
    assert [each.device_id for each in clients.of_person("alice")] == [without.device_id]
    with pytest.raises(ApiError, match="register it again"):
        clients.refresh(ALICE, short.device_id, asked)
    clients.register(ALICE, asked)
    now += 8 * 86_400
    assert clients.of_person("alice") == []
