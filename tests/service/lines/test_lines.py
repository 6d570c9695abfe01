"""Registration with Mobius, as a client sees it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from offhook.service.config import Limits, Timing
from service.running import Cloud, config, started
from service.signalling import Wire


@pytest.fixture
async def alice(cloud: Cloud) -> AsyncIterator[Wire]:
    client = Wire(cloud.http, cloud.service.http_url, await cloud.token("alice"))
    await client.register()
    yield client
    await client.close()


async def test_a_registration_holds_what_official_clients_cannot_do_without(alice: Wire) -> None:
    device = alice.registration["device"]
    assert device["uri"] == f"{alice.base}/devices/{device['deviceId']}"
    assert device["clientDeviceUri"] == alice.device["url"]
    assert alice.registration["keepaliveInterval"] == 30
    assert alice.registration["userId"] == alice.device["userId"]


async def test_discovery_names_primary_and_backup(alice: Wire) -> None:
    found = await alice.do("GET", "?regionCode=US-EAST&countryCode=US")
    assert found["primary"]["uris"] == found["backup"]["uris"] == [f"{alice.url}/api/v1"]


async def test_the_line_stays_as_long_as_it_is_kept_alive(demo_data: Path) -> None:
    async with started(config(demo_data, timing=Timing(keepalive=1))) as cloud:
        alice = Wire(cloud.http, cloud.service.http_url, await cloud.token("alice"))
        await alice.register()
        status = f"devices/{alice.line}/status"
        assert (await alice.send("POST", status))[0] == 200
        async with asyncio.timeout(10):
            while len(cloud.service.lines):
                await asyncio.sleep(0.05)
        answer, body = await alice.send("POST", status)
        assert (answer, body["errorCode"]) == (404, 112)
        await alice.register_line()
        assert (await alice.send("POST", f"devices/{alice.line}/status"))[0] == 200
        await alice.close()


async def test_a_client_that_registers_again_takes_its_own_line_over(alice: Wire) -> None:
    first = alice.line
    await alice.register_line()
    listed = await alice.do("GET", f"devices?userid={alice.device['userId']}")
    assert [device["deviceId"] for device in listed["devices"]] == [alice.line]
    assert alice.line != first


async def test_too_many_lines_and_the_client_takes_one_over(demo_data: Path) -> None:
    limits = Limits(sign_ins=1000, lines_per_person=2)
    async with started(config(demo_data, limits=limits)) as cloud:
        token = await cloud.token("alice")
        clients = [Wire(cloud.http, cloud.service.http_url, token) for _ in range(3)]
        await clients[0].register()
        await clients[1].register()
        third = clients[2]
        third.device = await third.do(
            "POST",
            f"{third.url}/wdm/api/v1/devices",
            {
                "name": "a",
                "deviceType": "WEB",
                "model": "a",
                "localizedModel": "a",
                "systemName": "a",
                "systemVersion": "1",
            },
        )
        body = {"userId": third.device["userId"], "clientDeviceUri": third.device["url"]}
        status, refusal = await third.send("POST", "device", body)
        assert (status, refusal["errorCode"]) == (403, 101)
        assert [each["deviceId"] for each in refusal["devices"]] == [
            clients[0].line,
            clients[1].line,
        ]
        await third.do("DELETE", f"devices/{refusal['devices'][0]['deviceId']}")
        await third.register_line()
        for client in clients:
            await client.close()


async def test_a_line_of_somebody_else_is_out_of_reach(alice: Wire, cloud: Cloud) -> None:
    bob = Wire(cloud.http, cloud.service.http_url, await cloud.token("bob"))
    await bob.register()
    assert (await bob.send("POST", f"devices/{alice.line}/status"))[0] == 404
    await bob.send("DELETE", f"devices/{alice.line}")
    assert (await alice.send("POST", f"devices/{alice.line}/status"))[0] == 200
    body = {"userId": alice.device["userId"], "clientDeviceUri": bob.device["url"]}
    assert (await bob.send("POST", "device", body))[0] == 400
    await bob.close()


async def test_a_flood_of_keep_alives_is_told_when_to_come_back(alice: Wire, cloud: Cloud) -> None:
    path = f"/api/v1/calling/web/devices/{alice.line}/status"
    for _ in range(40):
        answer = await cloud.post(path, token=alice.token)
        if answer.status == 429:
            assert int(answer.headers["Retry-After"]) > 0
            return
    pytest.fail("40 keep-alives at once were all taken")


async def test_the_ping_for_the_way_home_is_answered(alice: Wire) -> None:
    assert (await alice.send("GET", f"{alice.url}/api/v1/ping"))[0] == 200


async def test_unregistering_twice_is_no_error(alice: Wire) -> None:
    assert await alice.do("DELETE", f"devices/{alice.line}") == {}
    assert await alice.do("DELETE", f"devices/{alice.line}") == {}
