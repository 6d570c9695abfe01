"""The service catalog: the first thing that every client asks for."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from service.running import Cloud, config, started, trusting

SERVICES = {
    "clientLogs",
    "contactsService",
    "conversation",
    "encryption",
    "hydra",
    "identity",
    "identityLookup",
    "idbroker",
    "janus",
    "mercuryApi",
    "metrics",
    "mobius",
    "u2c",
    "ucmgmt-gateway",
    "unifiedTelemetry",
    "wdm",
}
LIMITED = "/u2c/api/v1/limited/catalog?orgId=any&format=hostmap"
FULL = "/u2c/api/v1/catalog?format=hostmap"


async def test_every_service_is_named_under_the_address_the_client_came_by(cloud: Cloud) -> None:
    found = (await cloud.get(LIMITED)).json
    assert found["serviceLinks"].keys() >= SERVICES
    assert all(link.startswith(cloud.service.http_url) for link in found["serviceLinks"].values())
    assert found["format"] == "hostmap"
    elsewhere = (await cloud.get(LIMITED, headers={"Host": "phone.example.org:8008"})).json
    assert elsewhere["serviceLinks"]["wdm"] == "http://phone.example.org:8008/wdm/api/v1"


async def test_the_whole_catalog_is_the_same_and_needs_a_token(cloud: Cloud) -> None:
    assert (await cloud.get(FULL)).status == 401
    full = (await cloud.get(FULL, token=await cloud.token("alice"))).json
    limited = (await cloud.get(LIMITED)).json
    assert full["serviceLinks"] == limited["serviceLinks"]
    assert full["hostCatalog"] == limited["hostCatalog"]


async def test_mobius_is_found_by_its_https_host_whichever_way_the_client_came(
    demo_data: Path,
) -> None:
    async with started(config(demo_data, https="127.0.0.1:0")) as cloud:
        assert cloud.service.ca_path is not None
        secure = urlsplit(cloud.service.https_url).netloc
        tls = await trusting(cloud.service.ca_path)
        for answer in (
            await cloud.get(LIMITED),
            await cloud.get(cloud.service.https_url + LIMITED, ssl=tls),
        ):
            hosts = answer.json["hostCatalog"]
            mobius = [e for each in hosts.values() for e in each if e["id"].endswith(":mobius")]
            assert [entry["host"] for entry in mobius] == [secure]
            # With a positive priority, clients would put the port into the URL twice.
            assert all(entry["priority"] <= 0 for each in hosts.values() for entry in each)
            assert all(len(e["id"].split(":")) == 4 for each in hosts.values() for e in each)


async def test_hosts_that_clients_have_built_in_lead_here(demo_data: Path) -> None:
    async with started(config(demo_data, https="127.0.0.1:0")) as cloud:
        hosts = (await cloud.get(LIMITED)).json["hostCatalog"]
        secure = urlsplit(cloud.service.https_url).netloc
        assert hosts["ds.ciscospark.com"][0]["host"] == secure
        assert hosts["webexapis.com"][0]["host"] == secure


async def test_the_region_is_told_without_a_token(cloud: Cloud) -> None:
    answer = await cloud.get("/v1/region")
    assert (answer.json["clientRegion"], answer.json["countryCode"]) == ("US-EAST", "US")


@pytest.mark.parametrize("path", [LIMITED, FULL])
async def test_behind_a_proxy_the_public_address_is_named(demo_data: Path, path: str) -> None:
    public = "https://phone.example.org"
    async with started(config(demo_data, public_url=public)) as cloud:
        found = (await cloud.get(path, token=await cloud.token("alice"))).json
        assert found["serviceLinks"]["mobius"] == f"{public}/api/v1"
        assert found["hostCatalog"]["phone.example.org"][0]["id"].endswith(":mobius")
