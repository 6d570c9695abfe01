"""Registration with Mobius, as a client sees it."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from offhook.service.config import Limits, Timing
from service.running import PEOPLE, Cloud, config, started
from service.signalling import Wire, leg


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
    async with started(config(demo_data, timing=Timing(keepalive=1, keepalive_grace=0.1))) as cloud:
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


@pytest.mark.parametrize(
    "change",
    [
        {"userId": "somebody-else"},
        {"clientDeviceUri": ""},
        {"clientDeviceUri": "not a url"},
        {"clientDeviceUri": "https://host/" + "x" * 1000},
        {"serviceData": {"indicator": "a new idea"}},
        {"serviceData": 7},
    ],
)
async def test_a_registration_that_makes_no_sense_is_refused(
    alice: Wire, change: dict[str, object]
) -> None:
    body = {"userId": alice.device["userId"], "clientDeviceUri": alice.device["url"]}
    status, answer = await alice.send("POST", "device", body | change)
    assert status == 400
    assert answer["message"]
    listed = await alice.do("GET", "devices")
    assert [device["deviceId"] for device in listed["devices"]] == [alice.line]


@pytest.mark.parametrize("indicator", ["calling", "contactcenter", "guestcalling"])
async def test_every_flavour_of_calling_gets_a_line(alice: Wire, indicator: str) -> None:
    body = {"userId": alice.device["userId"], "clientDeviceUri": alice.device["url"]}
    data = {"indicator": indicator, "domain": "example.org", "guestName": "Gus"}
    assert (await alice.send("POST", "device", body | {"serviceData": data}))[0] == 200


async def test_nobody_sees_the_lines_of_others(alice: Wire, cloud: Cloud) -> None:
    bob = PEOPLE["bob"].entry().person_id
    assert (await alice.send("GET", f"devices?userid={bob}"))[0] == 403
    assert (await cloud.get("/api/v1/calling/web/devices")).status == 401


async def test_a_flood_of_registrations_is_told_when_to_come_back(demo_data: Path) -> None:
    limits = Limits(sign_ins=1000, registrations=2, registration_seconds=600)
    async with started(config(demo_data, limits=limits)) as cloud:
        alice = Wire(cloud.http, cloud.service.http_url, await cloud.token("alice"))
        await alice.register()
        await alice.register_line()
        answer = await cloud.post("/api/v1/calling/web/device", token=alice.token, json={})
        assert answer.status == 429
        assert 200 <= int(answer.headers["Retry-After"]) <= 300
        bob = Wire(cloud.http, cloud.service.http_url, await cloud.token("bob"))
        await bob.register()
        for client in (alice, bob):
            await client.close()


async def test_a_server_without_room_sends_clients_to_another(demo_data: Path) -> None:
    async with started(config(demo_data, limits=Limits(sign_ins=1000, lines=1))) as cloud:
        alice = Wire(cloud.http, cloud.service.http_url, await cloud.token("alice"))
        bob = Wire(cloud.http, cloud.service.http_url, await cloud.token("bob"))
        await alice.register()
        await alice.register_line()
        with pytest.raises(AssertionError, match="103"):
            await bob.register()
        await alice.do("DELETE", f"devices/{alice.line}")
        await bob.register_line()
        for client in (alice, bob):
            await client.close()


async def test_the_other_side_is_told_when_a_client_vanishes_in_a_call(demo_data: Path) -> None:
    timing = Timing(keepalive=1, keepalive_grace=0.1)
    async with started(config(demo_data, timing=timing)) as cloud:
        alice = Wire(cloud.http, cloud.service.http_url, await cloud.token("alice"))
        await alice.register()
        bob = Wire(cloud.http, cloud.service.http_url, await cloud.token("bob"))
        await bob.register()
        async with leg() as made:
            call_id = await bob.dial("1001", await made.create_offer())
        incoming = (await alice.told("call"))["callId"]
        await alice.update(incoming, "sig_alerting")
        await alice.update(incoming, "sig_connected")

        async def kept_alive() -> None:
            while True:
                await bob.do("POST", f"devices/{bob.line}/status")
                await asyncio.sleep(0.5)

        keeping = asyncio.create_task(kept_alive())
        event = await bob.told("calldisconnected", call_id)
        keeping.cancel()
        await asyncio.wait([keeping])
        assert event["causecode"] == 120
        assert len(cloud.service.lines) == 1
        for client in (alice, bob):
            await client.close()


async def test_who_was_removed_gets_no_line(alice: Wire, demo_data: Path) -> None:
    with closing(sqlite3.connect(demo_data / "offhook.db")) as database, database:
        for table, column in (("tokens", "person_id"), ("numbers", "person_id"), ("people", "id")):
            database.execute(f"DELETE FROM {table} WHERE {column} = ?", [alice.device["userId"]])
    body = {"userId": alice.device["userId"], "clientDeviceUri": alice.device["url"]}
    status, answer = await alice.send("POST", "device", body)
    assert (status, answer["errorCode"]) == (403, 102)
