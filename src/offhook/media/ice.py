"""ICE for a client: full, on aioice, against full and lite peers (RFC 8445, RFC 7675).

`IceAgent` is what a leg needs of either kind of agent; the service's own kind is in `ice_lite`.
Datagrams do not pass through aioice's queue: a `_Demultiplexer` takes its place on each socket.
"""

import asyncio
import ipaddress
import logging
import random
import secrets
import struct
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any, Protocol

import aioice
from aioice.ice import CandidatePair, StunProtocol, get_host_addresses

from offhook.media.errors import IceError
from offhook.media.scratch import Scratch
from offhook.wire.sdp.negotiation import RemoteTransport

logger = logging.getLogger(__name__)

Address = tuple[str, int]

# What damaged STUN makes aioice's parser raise: bad lengths, unknown methods, bad text.
STUN_PARSE_ERRORS = (ValueError, struct.error, KeyError)

_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class IceDescription:
    """Our half of ICE as SDP carries it. `candidates` are values of ``a=candidate:``."""

    ufrag: str
    password: str
    lite: bool
    candidates: tuple[str, ...]


class IceAgent(Protocol):
    """What a leg asks of ICE.

    Callbacks run inside the event loop and must not raise. `on_media` is told the address from
    which the packet of SRTP or SRTCP in the leg's scratch came, None for the chosen path; it is set
    before `open` and stays.
    `send` sends on the chosen path, or drops; it changes with the path and may raise OSError.
    `last_consent_at` is the `time.monotonic` of the last authenticated STUN.
    """

    on_connected: Callable[[], None]
    on_lost: Callable[[IceError], None]
    on_dtls: Callable[[bytes], None]
    on_media: Callable[[Address | None], None]
    send: Callable[[bytes | memoryview], object]
    last_consent_at: float
    remote_address: Address | None

    @property
    def local(self) -> IceDescription:
        """Our half. Valid after `open`."""
        ...

    async def open(self, *, loopback: bool = False) -> None:
        """Bind sockets and gather candidates; `loopback` adds 127.0.0.1. Raises IceError."""
        ...

    async def restart(self, *, keep_credentials: bool = False) -> None:
        """Begin anew with other credentials; the old path carries on until the new one stands."""
        ...

    def connect(self, remote: RemoteTransport, *, controlling: bool) -> None:
        """Look for a path to `remote`; `on_connected` or `on_lost` tells the outcome."""
        ...

    def heard_from(self, address: Address) -> None:
        """Authenticated media came from another address than `remote_address`."""
        ...

    async def close(self) -> None:
        """Release the sockets. Idempotent."""
        ...


@dataclass(frozen=True, slots=True)
class IceConfig:
    """Full ICE. No servers are asked unless named; `loopback` is for a service on this machine.

    The peer is asked every `consent_interval` seconds, on average, whether it is still there.
    """

    stun_server: Address | None = None
    turn_server: Address | None = None
    turn_username: str | None = None
    turn_password: str | None = None
    loopback: bool = False
    consent_interval: float = 5.0


class _Connection(aioice.Connection):
    """aioice with other addresses to bind, and without its queue: news go to the agent at once."""

    def __init__(self, agent: "FullIce", config: IceConfig, username: str, password: str) -> None:
        super().__init__(
            # Decided when the remote description is known.
            ice_controlling=True,
            stun_server=config.stun_server,
            turn_server=config.turn_server,
            turn_username=config.turn_username,
            turn_password=config.turn_password,
            local_username=username,
            local_password=password,
        )
        self._agent = agent
        self._consent_interval = config.consent_interval
        self.loopback = config.loopback

    async def get_component_candidates(
        self, component: int, addresses: list[str], timeout: int = 5
    ) -> list[aioice.Candidate]:
        if self.loopback or not addresses:
            addresses = [*addresses, _LOOPBACK]
        return await super().get_component_candidates(component, addresses, timeout)

    def check_complete(self, pair: CandidatePair) -> None:
        super().check_complete(pair)
        if pair.nominated and pair.state is CandidatePair.State.SUCCEEDED:
            self._agent.path_found(self, pair)

    async def query_consent(self) -> None:
        """Ask for ever (RFC 7675); how long silence may last is for the leg to decide."""
        while True:
            # Not in step with others, and never further apart than 1.2 intervals.
            await asyncio.sleep(self._consent_interval * random.uniform(0.8, 1.2))  # noqa: S311
            await self._agent.ask_consent(self)

    def data_received(self, data: bytes, component: int) -> None:  # noqa: ARG002
        # Only what a TURN server relays comes this way; sockets have a demultiplexer.
        self._agent.datagram_received(data, self._agent.remote_address or (_LOOPBACK, 0))

    @property
    def sockets(self) -> list[StunProtocol]:
        return self._protocols


class _Demultiplexer(asyncio.DatagramProtocol):
    """Sorts datagrams by their first byte (RFC 7983): STUN to aioice, the rest to the leg."""

    def __init__(self, agent: "FullIce", stun: StunProtocol) -> None:
        self._agent = agent
        self._stun = stun

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        if not data:
            return
        if data[0] < 4:
            try:
                self._stun.datagram_received(data, addr)
            except STUN_PARSE_ERRORS:
                logger.debug("Damaged STUN was dropped")
        else:
            self._agent.datagram_received(data, (addr[0], addr[1]))

    def error_received(self, exc: Exception) -> None:
        self._stun.error_received(exc)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stun.connection_lost(exc)


class FullIce:
    """The client's ICE agent (see `IceAgent`)."""

    def __init__(self, config: IceConfig, scratch: Scratch) -> None:
        self._config = config
        self._scratch = scratch
        self.send: Callable[[bytes | memoryview], object] = self._send
        self.on_connected: Callable[[], None] = _nobody
        self.on_lost: Callable[[IceError], None] = _nobody
        self.on_dtls: Callable[[bytes], None] = _nobody
        self.on_media: Callable[[Address | None], None] = _nobody
        self.last_consent_at = 0.0
        self.remote_address: Address | None = None
        self._transport: asyncio.DatagramTransport | None = None
        self._connection: _Connection | None = None
        self._pair: CandidatePair | None = None
        self._task: asyncio.Task[None] | None = None
        self._retiring: list[tuple[_Connection, asyncio.Task[None] | None]] = []
        self._cleanup: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def local(self) -> IceDescription:
        connection = self._opened()
        return IceDescription(
            ufrag=connection.local_username,
            password=connection.local_password,
            lite=False,
            candidates=tuple(c.to_sdp() for c in connection.local_candidates),
        )

    async def open(self, *, loopback: bool = False) -> None:
        connection = _Connection(self, self._config, secrets.token_hex(4), secrets.token_hex(16))
        connection.loopback = self._config.loopback or loopback
        await self._gather(connection)

    async def restart(self, *, keep_credentials: bool = False) -> None:
        old = self._opened()
        connection = _Connection(
            self,
            self._config,
            old.local_username if keep_credentials else secrets.token_hex(4),
            old.local_password if keep_credentials else secrets.token_hex(16),
        )
        connection.loopback = old.loopback
        self._retiring.append((old, self._task))
        self._task = None
        await self._gather(connection)

    async def _gather(self, connection: _Connection) -> None:
        self._connection = connection
        await connection.gather_candidates()
        if self._closed:
            await connection.close()
            return
        if not connection.local_candidates:
            raise IceError("No network address could be bound for media; check the network.")
        for stun in connection.sockets:
            if stun.local_candidate.type == "host":
                stun.transport.set_protocol(_Demultiplexer(self, stun))

    def connect(self, remote: RemoteTransport, *, controlling: bool) -> None:
        if self._task is None:
            run = self._run(self._opened(), remote, controlling)
            self._task = asyncio.get_running_loop().create_task(run, name="ice")

    async def _run(
        self, connection: _Connection, remote: RemoteTransport, controlling: bool
    ) -> None:
        connection.ice_controlling = controlling
        connection.remote_is_lite = remote.ice_lite
        connection.remote_username = remote.ice_ufrag
        connection.remote_password = remote.ice_pwd
        usable = usable_candidates(remote.candidates)
        try:
            for candidate in usable:
                await connection.add_remote_candidate(candidate)
            if usable:
                # Without any, the peer's own checks may still show where it is.
                await connection.add_remote_candidate(None)
            await connection.connect()
            # The event is the end of consent, or our own close.
            await connection.get_event()
        except (ConnectionError, ValueError) as error:
            logger.debug("ICE ended: %s", error)
        if connection is self._connection and not self._closed:
            self.on_lost(
                IceError("No network path to the other side; check that UDP is not blocked.")
            )

    def path_found(self, connection: _Connection, pair: CandidatePair) -> None:
        """A check succeeded and was nominated: send there from now on."""
        if self._closed or connection is not self._connection:
            return
        self.remote_address = pair.remote_addr
        self._pair = pair
        self._transport = pair.protocol.transport
        self.last_consent_at = monotonic()
        if self._retiring:
            old, self._retiring = self._retiring, []
            self._cleanup = asyncio.get_running_loop().create_task(_end(old), name="ice-retire")
        self.on_connected()

    async def ask_consent(self, connection: _Connection) -> None:
        """One check on the chosen path; `last_consent_at` moves if it is answered."""
        pair, key = self._pair, connection.remote_password
        if pair is None or key is None:
            return
        request = connection.build_request(pair, nominate=False)
        try:
            await pair.protocol.request(
                request, pair.remote_addr, integrity_key=key.encode(), retransmissions=0
            )
        except aioice.stun.TransactionError:
            logger.debug("A consent check was not answered")
        else:
            self.last_consent_at = monotonic()

    def datagram_received(self, data: bytes, address: Address) -> None:
        """Sort what is not STUN by its first byte (RFC 7983)."""
        if 127 < data[0] < 192:
            self._scratch.load(data)
            self.on_media(address)
        elif 19 < data[0] < 64:
            self.on_dtls(data)

    def _send(self, data: bytes | memoryview) -> None:
        transport = self._transport
        if transport is not None:
            # A transport may keep what it cannot send at once.
            transport.sendto(bytes(data), self.remote_address)

    def heard_from(self, address: Address) -> None:
        """Moves nothing: a full agent chooses the path by its own checks."""

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._transport = None
        if self._cleanup is not None:
            await self._cleanup
        everything = [*self._retiring]
        self._retiring = []
        if self._connection is not None:
            everything.append((self._connection, self._task))
        await _end(everything)

    def _opened(self) -> _Connection:
        if self._connection is None:
            raise IceError("The ICE agent is not open yet; await open() first.")
        return self._connection


async def _end(connections: list[tuple[_Connection, asyncio.Task[None] | None]]) -> None:
    for connection, task in connections:
        if task is not None:
            # First of all: a connect() that is under way would start consent checks after close().
            task.cancel()
            await asyncio.wait([task])
        await connection.close()


def usable_candidates(candidates: tuple[str, ...]) -> list[aioice.Candidate]:
    """The UDP candidates of the first component with an address in numbers.

    Names ending in ``.local`` hide an address from other networks and cannot be resolved there.
    """
    usable = []
    for line in candidates:
        try:
            candidate = aioice.Candidate.from_sdp(line)
            ipaddress.ip_address(candidate.host)
        except (ValueError, IndexError):
            continue
        if candidate.transport.lower() == "udp" and candidate.component == 1:
            usable.append(candidate)
    return usable


def on_loopback(candidates: tuple[str, ...]) -> bool:
    """Whether one of these candidates is on this machine's loopback interface."""
    return any(ipaddress.ip_address(c.host).is_loopback for c in usable_candidates(candidates))


def machine_addresses() -> list[str]:
    """This machine's IPv4 addresses, the loopback address if there is no other."""
    return get_host_addresses(use_ipv4=True, use_ipv6=False) or [_LOOPBACK]


def _nobody(*_: object) -> None:
    """Stands in until a leg sets its callback."""
