"""The service starts or says why not, stops in time, and remembers."""

import asyncio
import socket
import time
from pathlib import Path

import aiohttp
import pytest

from offhook.serving.address import ConfigError
from offhook.serving.listener import ListenError
from offhook.store import StoreError
from service.running import PEOPLE, App, Cloud, config, found_demo, started


async def test_people_sign_ins_and_tokens_survive_a_restart(demo_data: Path) -> None:
    async with started(config(demo_data)) as cloud:
        tokens = await App(cloud).sign_in()
        personal = await cloud.token("bob")
        before = (await cloud.get("/v1/people", token=personal)).json
    await found_demo(demo_data)
    async with started(config(demo_data)) as cloud:
        fresh = await cloud.token("bob")
        for token in (personal, fresh):
            assert (await cloud.get("/v1/people", token=token)).json == before
        assert (await cloud.get("/v1/people/me", token=tokens["access_token"])).status == 200
        assert (await App(cloud).refresh(tokens["refresh_token"])).status == 200
        answer = await App(cloud).submit(await App(cloud).open_page(), PEOPLE["alice"])
        assert answer.status == 302


@pytest.mark.parametrize("which", ["http", "https"])
async def test_a_port_in_use_is_one_sentence_before_anything_is_made(
    tmp_path: Path, which: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        values = {"https": "127.0.0.1:0"} | {which: f"127.0.0.1:{port}"}
        with pytest.raises(ListenError, match=rf"^127\.0\.0\.1:{port} is in use by .*\.$"):
            async with started(config(tmp_path / "data", **values)):
                pytest.fail("it started")
    assert not (tmp_path / "data" / "offhook.db").exists()


async def test_after_a_failed_start_nothing_is_left_bound(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (tmp_path / "offhook.db").write_bytes(b"no database " * 1000)
    with pytest.raises(StoreError):
        async with started(config(tmp_path, http=f"127.0.0.1:{port}")):
            pytest.fail("it started")
    (tmp_path / "offhook.db").unlink()
    async with started(config(tmp_path, http=f"127.0.0.1:{port}")) as cloud:
        assert (await cloud.get("/healthz")).status == 200


@pytest.mark.parametrize("address", ["192.0.2.1:0", "no.such.host.invalid:0"])
async def test_an_address_of_elsewhere_is_said(tmp_path: Path, address: str) -> None:
    with pytest.raises(ListenError, match="cannot be bound"):
        async with started(config(tmp_path, http=address, insecure_bind=True)):
            pytest.fail("it started")


async def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be written"):
        async with started(config(tmp_path / "file" / "data")):
            pytest.fail("it started")


async def test_it_stops_in_time_though_clients_keep_their_connections(cloud: Cloud) -> None:
    host, _, port = cloud.service.http_url.removeprefix("http://").rpartition(":")
    silent = [await asyncio.open_connection(host, int(port)) for _ in range(5)]
    half = await asyncio.open_connection(host, int(port))
    half[1].write(b"POST /v1/access_token HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhal")
    await half[1].drain()
    assert (await cloud.get("/healthz")).status == 200
    begun = time.monotonic()
    await cloud.service.stop()
    assert time.monotonic() - begun < 5
    for reader, writer in [*silent, half]:
        async with asyncio.timeout(1):
            await reader.read()
        writer.close()
    with pytest.raises(aiohttp.ClientError):
        await cloud.get("/healthz")


async def test_stopping_twice_or_before_the_start_is_no_error(tmp_path: Path) -> None:
    async with started(config(tmp_path)) as cloud:
        await cloud.service.stop()
        await cloud.service.stop()


async def test_two_services_in_one_process_know_nothing_of_each_other(tmp_path: Path) -> None:
    await found_demo(tmp_path / "one")
    async with started(config(tmp_path / "one")) as one, started(config(tmp_path / "two")) as two:
        token = await one.token("alice")
        assert (await one.get("/metrics", token=token)).status == 200
        assert (await two.get("/metrics", token=token)).status == 401
