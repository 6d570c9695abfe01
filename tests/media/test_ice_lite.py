"""The service's ICE agent, asked by raw STUN as a client or a stranger would."""

import asyncio
import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aioice import stun

from media.legs import (
    WAIT,
    Ear,
    client_config,
    connect,
    legs,
    poller,
    reached,
    rtp,
    scratch,
    service_config,
)
from offhook.media.errors import IceError
from offhook.media.ice import IceConfig
from offhook.media.ice_lite import IceLite, IceLiteConfig
from offhook.media.leg import LegState
from offhook.media.ports import PortRange


class Client(asyncio.DatagramProtocol):
    """A bare UDP socket with one client's knowledge of the agent's credentials."""

    def __init__(self, agent: IceLite) -> None:
        self.local = agent.local
        fields = self.local.candidates[0].split()
        self.agent_address = (fields[4], int(fields[5]))
        self.answers: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.answers.put_nowait(data)

    async def __aenter__(self) -> "Client":
        loop = asyncio.get_running_loop()
        self.transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=("127.0.0.1", 0)
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        self.transport.close()

    @property
    def address(self) -> tuple[str, int]:
        return self.transport.get_extra_info("sockname")

    def request(self, *, username: str | None = None, **attributes: object) -> stun.Message:
        message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        message.attributes["USERNAME"] = username or f"{self.local.ufrag}:client"
        message.attributes["PRIORITY"] = 1
        for name, value in attributes.items():
            message.attributes[name.replace("_", "-")] = value
        return message

    def send(self, message: stun.Message | bytes, password: str | None = None) -> None:
        if isinstance(message, stun.Message):
            message.add_message_integrity((password or self.local.password).encode())
        self.transport.sendto(bytes(message), self.agent_address)

    async def answer(self) -> stun.Message:
        async with asyncio.timeout(WAIT):
            message = stun.parse_message(await self.answers.get())
        assert message.check_message_integrity(self.local.password.encode())
        return message

    async def nothing_but_an_answer(self) -> None:
        """What came before got no answer; a good check still does."""
        await asyncio.sleep(0.02)
        assert self.answers.empty()
        good = self.request(ICE_CONTROLLING=1)
        self.send(good)
        assert (await self.answer()).transaction_id == good.transaction_id


@asynccontextmanager
async def agent_and_client(
    config: IceLiteConfig | None = None,
) -> AsyncIterator[tuple[IceLite, Client]]:
    agent = IceLite(config or IceLiteConfig(), scratch(), poller())
    await agent.open()
    try:
        async with Client(agent) as client:
            yield agent, client
    finally:
        await agent.close()


async def test_a_check_is_answered_with_the_address_it_came_from() -> None:
    async with agent_and_client() as (agent, client):
        request = client.request(ICE_CONTROLLING=1, USE_CANDIDATE=None)
        client.send(request)
        answer = await client.answer()
        assert answer.message_class is stun.Class.RESPONSE
        assert answer.transaction_id == request.transaction_id
        assert answer.attributes["XOR-MAPPED-ADDRESS"] == client.address
        assert agent.remote_address == client.address
        agent.send(b"\x80media")
        assert await client.answers.get() == b"\x80media"


async def test_a_check_with_a_wrong_password_is_ignored() -> None:
    async with agent_and_client() as (agent, client):
        client.send(client.request(ICE_CONTROLLING=1, USE_CANDIDATE=None), "not the password")
        client.send(client.request(username="stranger:client", USE_CANDIDATE=None))
        client.send(bytes(client.request(USE_CANDIDATE=None)))
        await asyncio.sleep(0.02)
        assert agent.remote_address is None
        assert agent.last_consent_at == 0
        await client.nothing_but_an_answer()


async def test_other_stun_is_ignored() -> None:
    async with agent_and_client() as (_, client):
        for kind in (stun.Class.INDICATION, stun.Class.RESPONSE, stun.Class.ERROR):
            message = client.request()
            message.message_class = kind
            client.send(message)
        allocate = client.request()
        allocate.message_method = stun.Method.ALLOCATE
        client.send(allocate)
        await client.nothing_but_an_answer()


async def test_a_client_that_does_not_lead_is_told_to() -> None:
    async with agent_and_client() as (agent, client):
        client.send(client.request(ICE_CONTROLLED=1))
        assert (await client.answer()).error_code == 487
        assert agent.remote_address is None


async def test_the_nominated_path_wins_over_the_first() -> None:
    async with agent_and_client() as (agent, first), Client(agent) as second:
        first.send(first.request(ICE_CONTROLLING=1))
        await first.answer()
        assert agent.remote_address == first.address
        second.send(second.request(ICE_CONTROLLING=1, USE_CANDIDATE=None))
        await second.answer()
        first.send(first.request(ICE_CONTROLLING=1))
        await first.answer()
        assert agent.remote_address == second.address


async def test_after_a_restart_the_old_password_counts_until_the_client_has_moved() -> None:
    async with agent_and_client() as (agent, client):
        connected: list[object] = []
        agent.on_connected = lambda: connected.append(agent.remote_address)
        client.send(client.request(ICE_CONTROLLING=1, USE_CANDIDATE=None))
        await client.answer()
        await agent.restart()
        client.send(client.request(ICE_CONTROLLING=1))
        await client.answer()
        client.local, old = agent.local, client.local
        assert (client.local.ufrag, client.local.password) != (old.ufrag, old.password)
        client.send(client.request(ICE_CONTROLLING=1, USE_CANDIDATE=None))
        await client.answer()
        assert connected == [client.address] * 2, "the same address is a new path after a restart"
        client.send(client.request(username=f"{old.ufrag}:client"), old.password)
        await client.nothing_but_an_answer()


async def test_a_stranger_cannot_fill_the_memory_with_paths() -> None:
    async with agent_and_client() as (agent, client):
        client.send(client.request(ICE_CONTROLLING=1, USE_CANDIDATE=None))
        await client.answer()
        for _ in range(40):
            async with Client(agent) as other:
                other.send(other.request(ICE_CONTROLLING=1))
                await other.answer()
        assert agent.is_known(client.address)
        assert len(agent._paths) <= 16


async def test_garbage_of_every_kind_is_survived() -> None:
    """Nothing may come out of the socket's callback; the test's loop watch would notice."""
    dice = random.Random(5)
    async with legs(client_config(), service_config()) as (client_leg, service_leg):
        await connect(client_leg, service_leg)
        agent = service_leg._ice
        assert isinstance(agent, IceLite)
        async with Client(agent) as client:
            client.send(client.request(ICE_CONTROLLING=1))
            await client.answer()
            valid = bytes(client.request(ICE_CONTROLLING=1, USE_CANDIDATE=None))
            for first in range(256):
                client.send(bytes([first]))
                client.send(bytes([first]) + dice.randbytes(dice.randrange(1, 200)))
                damaged = bytearray(valid)
                damaged[dice.randrange(len(damaged))] = first
                client.send(bytes(damaged))
                client.send(bytes(damaged[: dice.randrange(len(damaged))]))
                # As fast as the agent reads them, so that none is lost in the socket's buffer.
                for _ in range(4):
                    await asyncio.sleep(0)
            client.send(b"")
            client.send(client.request(ICE_CONTROLLING=1))
            await client.answer()
            ear = Ear(service_leg)
            client_leg.send_rtp(rtp(b"still fine"))
            await ear.packets(1)


async def test_garbage_does_not_disturb_a_client_either() -> None:
    dice = random.Random(6)
    async with legs(client_config(), service_config()) as (client, service):
        await connect(client, service)
        fields = next(c for c in client._ice.local.candidates if " 127.0.0.1 " in c).split()
        valid = bytes(
            stun.Message(stun.Method.BINDING, stun.Class.REQUEST, attributes={"PRIORITY": 1})
        )
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            for first in range(256):
                for data in (b"", bytes([first]), bytes([first]) + dice.randbytes(60)):
                    stranger.sendto(data, (fields[4], int(fields[5])))
                damaged = bytearray(valid)
                damaged[dice.randrange(len(damaged))] = first
                stranger.sendto(damaged, (fields[4], int(fields[5])))
                for _ in range(4):
                    await asyncio.sleep(0)
        ear = Ear(client)
        service.send_rtp(rtp(b"still fine"))
        await ear.packets(1)


# --- a client whose address changes ---------------------------------------------------------------


class Nat:
    """Between a client and the service: forwards datagrams, and may change its outer port."""

    def __init__(self, server: tuple[str, int]) -> None:
        self._server = server
        self._client: tuple[str, int] | None = None

    async def __aenter__(self) -> "Nat":
        loop = asyncio.get_running_loop()
        nat = self

        class Inner(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
                nat._client = addr
                nat._outer.sendto(data, nat._server)

        self._inner, _ = await loop.create_datagram_endpoint(Inner, local_addr=("127.0.0.1", 0))
        await self.rebind()
        return self

    async def rebind(self) -> None:
        loop = asyncio.get_running_loop()
        nat = self

        class Outer(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
                assert nat._client is not None
                nat._inner.sendto(data, nat._client)

        old = getattr(self, "_outer", None)
        self._outer, _ = await loop.create_datagram_endpoint(Outer, local_addr=("127.0.0.1", 0))
        if old is not None:
            old.close()

    @property
    def inner_port(self) -> int:
        return self._inner.get_extra_info("sockname")[1]

    @property
    def outer_address(self) -> tuple[str, int]:
        return self._outer.get_extra_info("sockname")

    async def __aexit__(self, *_: object) -> None:
        self._inner.close()
        self._outer.close()


@pytest.mark.parametrize("talking", [True, False])
async def test_a_call_survives_that_its_nat_forgets_it(talking: bool) -> None:
    ice = IceConfig(loopback=True, consent_interval=0.05)
    async with legs(client_config(ice=ice), service_config()) as (client, service):
        answer = await service.accept_offer(await client.create_offer())
        fields = service._ice.local.candidates[0].split()
        async with Nat((fields[4], int(fields[5]))) as nat:
            await client.accept_answer(
                answer.replace(f" {fields[5]} typ", f" {nat.inner_port} typ")
            )
            await reached(service, LegState.CONNECTED)
            await reached(client, LegState.CONNECTED)
            assert service._ice.remote_address == nat.outer_address
            await nat.rebind()
            if not talking:
                # A silent client has moved when its old path has not been checked for a while.
                agent = service._ice
                assert isinstance(agent, IceLite)
                assert agent._selected is not None
                agent._selected.checked_at -= 10
            ear = Ear(client)
            async with asyncio.timeout(WAIT):
                for sequence in range(200):
                    if talking:
                        client.send_rtp(rtp(b"hello", sequence=sequence))
                    service.send_rtp(rtp(b"hello", sequence=sequence))
                    await asyncio.sleep(0.01)
                    if ear.rtp:
                        break
            assert ear.rtp, "found again within two seconds"
            assert service._ice.remote_address == nat.outer_address


# --- where it binds -------------------------------------------------------------------------------


async def test_the_public_address_is_told_in_place_of_the_bound_one() -> None:
    config = IceLiteConfig(("127.0.0.1", "127.0.0.2"), public_address="203.0.113.9")
    async with agent_and_client(config) as (agent, _):
        assert [line.split()[4] for line in agent.local.candidates] == ["203.0.113.9", "127.0.0.2"]


async def test_a_client_may_use_any_of_several_addresses() -> None:
    config = IceLiteConfig(("127.0.0.1", "127.0.0.2"))
    async with legs(client_config(), service_config(ice=config)) as (client, service):
        offer = await client.create_offer()
        answer = await service.accept_offer(offer)
        await client.accept_answer(answer.replace(" 127.0.0.1 ", " 192.0.2.77 "))
        await reached(client, LegState.CONNECTED)
        ear = Ear(client)
        await reached(service, LegState.CONNECTED)
        service.send_rtp(rtp(b"hello"))
        await ear.packets(1)


async def test_ports_stay_in_their_range_and_an_exhausted_range_says_so() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        config = IceLiteConfig(ports=PortRange(port, port))
        with pytest.raises(IceError, match="widen the media port range"):
            await IceLite(config, scratch(), poller()).open()
    async with agent_and_client(config) as (agent, _):
        assert agent.local.candidates[0].split()[5] == str(port)


async def test_an_address_of_another_machine_cannot_be_bound() -> None:
    with pytest.raises(IceError, match="one of this machine's addresses"):
        await IceLite(IceLiteConfig(("192.0.2.200",)), scratch(), poller()).open()


def test_a_useless_configuration_is_refused() -> None:
    for wrong in (
        lambda: PortRange(5000, 4000),
        lambda: PortRange(80, 90),
        lambda: IceLiteConfig(()),
        lambda: IceLiteConfig(("localhost",)),
        lambda: IceLiteConfig(public_address="example.org"),
    ):
        with pytest.raises(ValueError, match=r".+"):
            wrong()


def test_all_addresses_of_the_machine_are_spelled_out() -> None:
    spelled = IceLiteConfig(("0.0.0.0", "127.0.0.1")).bound_addresses()
    assert "0.0.0.0" not in spelled
    assert "127.0.0.1" in spelled
    assert len(spelled) == len(set(spelled))
