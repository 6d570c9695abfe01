"""URLs that a client is told lead back by the way it came."""

from pathlib import Path
from typing import Any

import pytest

from service.running import Cloud, config, started, trusting


async def catalog(cloud: Cloud, **headers: str) -> Any:
    answer = await cloud.get("/u2c/api/v1/limited/catalog", headers=headers)
    assert answer.status == 200
    return answer.json


def mobius_host(found: Any) -> str:
    [host] = [
        entry["host"]
        for entries in found["hostCatalog"].values()
        for entry in entries
        if entry["id"].endswith(":mobius")
    ]
    return str(host)


async def test_a_client_is_told_the_host_it_came_by(cloud: Cloud) -> None:
    port = cloud.service.http_url.rpartition(":")[2]
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}", "phone.test"):
        links = (await catalog(cloud, Host=host))["serviceLinks"]
        assert links["wdm"].startswith(f"http://{host}/")


async def test_mobius_is_always_at_the_https_host(tmp_path: Path) -> None:
    async with started(config(tmp_path, https="127.0.0.1:0")) as cloud:
        secure = cloud.service.https_url.removeprefix("https://")
        assert mobius_host(await catalog(cloud)) == secure
        port = secure.rpartition(":")[2]
        assert mobius_host(await catalog(cloud, Host="localhost:8008")) == f"localhost:{port}"
        assert mobius_host(await catalog(cloud, Host="[::1]:8008")) == f"[::1]:{port}"
        assert mobius_host(await catalog(cloud, Host="phone.test")) == f"phone.test:{port}"
        over_tls = await cloud.get(
            cloud.service.https_url + "/u2c/api/v1/limited/catalog",
            ssl=await trusting(cloud.service.ca_path),
        )
        assert mobius_host(over_tls.json) == secure
        assert over_tls.json["serviceLinks"]["wdm"].startswith(cloud.service.https_url + "/")


async def test_a_public_url_stands_above_all(tmp_path: Path) -> None:
    settings = config(tmp_path, public_url="https://phone.example.org/")
    async with started(settings) as cloud:
        found = await catalog(cloud)
        assert found["serviceLinks"]["wdm"] == "https://phone.example.org/wdm/api/v1"
        assert mobius_host(found) == "phone.example.org"


async def test_a_trusted_proxy_says_that_the_client_came_by_https(tmp_path: Path) -> None:
    for proxies, scheme in ((["127.0.0.0/8"], "https"), ([], "http")):
        data = tmp_path / scheme
        async with started(config(data, proxies=proxies)) as cloud:
            found = await catalog(cloud, Host="phone.test", **{"X-Forwarded-Proto": "https"})
            assert found["serviceLinks"]["wdm"].startswith(f"{scheme}://phone.test/")


@pytest.mark.parametrize("host", ["user@evil.test", "evil.test/path", "a b", "evil.test\\x"])
async def test_a_host_that_is_none_is_not_repeated(cloud: Cloud, host: str) -> None:
    answer = await cloud.get("/u2c/api/v1/limited/catalog", headers={"Host": host})
    assert host not in answer.body.decode()
