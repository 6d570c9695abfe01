"""The service is restarted under its clients, and they come back as official clients do."""

from pathlib import Path
from urllib.parse import urlsplit

from service.running import config, started
from service.signalling import Wire, leg


async def test_clients_come_back_to_a_service_that_has_forgotten_them(demo_data: Path) -> None:
    async with started(config(demo_data)) as cloud:
        address = urlsplit(cloud.service.http_url).netloc
        tokens = [await cloud.token(name) for name in ("alice", "bob")]
        before = [Wire(cloud.http, cloud.service.http_url, token) for token in tokens]
        for client in before:
            await client.register()
        async with leg() as made:
            offer = await made.create_offer()
        await before[0].dial("1002", offer)
        ringing = (await before[1].told("call"))["callId"]
        await before[1].update(ringing, "sig_alerting")
        await cloud.service.stop()
        await before[1].told("calldisconnected", ringing)
        for client in before:
            assert client.closed is not None
            assert await client.closed == 1001

    async with started(config(demo_data, http=address)) as cloud:
        after = [Wire(cloud.http, cloud.service.http_url, token) for token in tokens]
        for client, old in zip(after, before, strict=True):
            # The old address of the socket, the old line: nothing else is known to the client.
            client.device, client.registration = old.device, old.registration
            await client.connect()
            status, answer = await client.send("POST", f"devices/{client.line}/status")
            assert (status, answer["errorCode"]) == (404, 112)
            await client.register_line()
        alice, bob = after
        call_id = await alice.dial("1002", offer)
        ringing = (await bob.told("call"))["callId"]
        await bob.update(ringing, "sig_connected")
        await alice.told("callconnected", call_id)
        for client in after:
            await client.close()
