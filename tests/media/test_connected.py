"""The second socket of a media port takes the client's datagrams and leaves everybody else's."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack

import pytest

from media.legs import WAIT
from offhook.media.connected import ConnectedSocket, connect_beside
from offhook.media.poller import Poller
from offhook.media.ports import bind_media_socket
from offhook.media.scratch import Scratch


def udp() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    sock.setblocking(False)
    return sock


class Port:
    """A media port with its two sockets, a client and a stranger."""

    def __init__(self, stack: ExitStack) -> None:
        self.first = stack.enter_context(bind_media_socket("127.0.0.1", None))
        self.client = stack.enter_context(udp())
        self.stranger = stack.enter_context(udp())
        self.scratch = Scratch()
        self.poller = Poller()
        self.media: list[bytes] = []
        self.other: list[bytes] = []
        self.news = asyncio.Event()
        stack.callback(self.close)
        self.second: ConnectedSocket | None = None

    def connect(self) -> ConnectedSocket:
        self.second = connect_beside(
            self.first,
            self.client.getsockname(),
            self.scratch,
            self.poller,
            on_media=self.hear_media,
            on_other=self.hear_other,
        )
        assert self.second is not None
        return self.second

    def hear_media(self, _: None) -> None:
        self.media.append(self.scratch.packet())
        self.news.set()

    def hear_other(self, data: bytes) -> None:
        self.other.append(data)
        self.news.set()

    async def until(self, media: int, other: int) -> None:
        async with asyncio.timeout(WAIT):
            while len(self.media) < media or len(self.other) < other:
                self.news.clear()
                await self.news.wait()

    def send(self, sender: socket.socket, data: bytes) -> None:
        sender.sendto(data, self.first.getsockname())

    def close(self) -> None:
        if self.second is not None:
            self.second.close()
            self.second = None


@pytest.fixture
async def stack() -> AsyncIterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


async def test_each_socket_gets_its_own(stack: ExitStack) -> None:
    port = Port(stack)
    port.connect()
    for _ in range(20):
        port.send(port.client, b"\x80media")
        port.send(port.stranger, b"\x80forged")
        port.send(port.client, b"\x00check")
    port.send(port.client, b"")
    await port.until(20, 20)
    assert port.media == [b"\x80media"] * 20
    assert port.other == [b"\x00check"] * 20
    for _ in range(20):
        assert port.first.recv(100) == b"\x80forged"
    with pytest.raises(BlockingIOError):
        port.first.recv(100)


async def test_what_it_sends_comes_from_the_same_port(stack: ExitStack) -> None:
    port = Port(stack)
    port.connect().send(b"hello")
    loop = asyncio.get_running_loop()
    data, address = await asyncio.wait_for(loop.sock_recvfrom(port.client, 100), WAIT)
    assert (data, address) == (b"hello", port.first.getsockname())


async def test_after_closing_everything_is_the_first_ones_again(stack: ExitStack) -> None:
    port = Port(stack)
    port.connect()
    port.close()
    port.send(port.client, b"\x80media")
    loop = asyncio.get_running_loop()
    assert await asyncio.wait_for(loop.sock_recv(port.first, 100), WAIT) == b"\x80media"


async def test_a_client_whose_port_is_closed_does_no_harm(stack: ExitStack) -> None:
    port = Port(stack)
    second = port.connect()
    address = port.client.getsockname()
    port.client.close()
    for _ in range(5):
        # The kernel tells of the closed port at the next use of the socket.
        try:
            second.send(b"anybody?")
        except ConnectionRefusedError:
            continue
        await asyncio.sleep(0.01)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
        again.bind(address)
        port.send(again, b"\x80back")
        await port.until(1, 0)


async def test_no_other_leg_can_have_the_port(stack: ExitStack) -> None:
    port = Port(stack)
    port.connect()
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as thief,
        pytest.raises(OSError, match="in use"),
    ):
        thief.bind(port.first.getsockname())


async def test_a_handler_may_end_another_one_that_is_ready(stack: ExitStack) -> None:
    poller = Poller()
    senders, receivers = [], []
    for _ in range(2):
        one, two = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        senders.append(stack.enter_context(one))
        receivers.append(stack.enter_context(two))
    done = asyncio.Event()
    called = []

    def handler(index: int) -> None:
        called.append(index)
        poller.remove(receivers[1 - index].fileno())
        poller.remove(receivers[index].fileno())
        done.set()

    for index, receiver in enumerate(receivers):
        poller.add(receiver.fileno(), lambda index=index: handler(index))
    for sender in senders:
        sender.send(b"x")
    async with asyncio.timeout(WAIT):
        await done.wait()
    await asyncio.sleep(0.01)
    assert len(called) == 1
    poller.remove(receivers[0].fileno())
