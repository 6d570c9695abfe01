"""The service's ICE agent: lite (RFC 8445 section 2.5), as a server with a reachable address is.

It sends no checks. It answers those of the client, which proves by MESSAGE-INTEGRITY that it knows
the password in our SDP, and sends media where the client last nominated a path.
"""

import asyncio
import ipaddress
import logging
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any

from aioice import stun

from offhook.media.connected import ConnectedSocket, connect_beside
from offhook.media.errors import IceError
from offhook.media.ice import STUN_PARSE_ERRORS, Address, IceDescription, machine_addresses
from offhook.media.poller import Poller
from offhook.media.ports import PortRange, bind_media_socket
from offhook.media.scratch import Scratch
from offhook.wire.sdp.negotiation import RemoteTransport

logger = logging.getLogger(__name__)

# A client checks its path at least every 6 s (RFC 7675); a path silent for longer has moved.
_PATH_STALE = 7.0
_MAX_PATHS = 16


@dataclass(frozen=True, slots=True)
class IceLiteConfig:
    """Where the service's media lives.

    `addresses` are bound (``0.0.0.0``: all of this machine's). `public_address` is told to clients
    in place of the first address of its family, for a server behind NAT whose UDP ports are
    forwarded one to one. `ports` limits the UDP ports.
    """

    addresses: tuple[str, ...] = ("127.0.0.1",)
    public_address: str | None = None
    ports: PortRange | None = None

    def __post_init__(self) -> None:
        if not self.addresses:
            raise ValueError("Media needs at least one address to bind.")
        for address in (*self.addresses, *((self.public_address,) if self.public_address else ())):
            ipaddress.ip_address(address)

    def bound_addresses(self) -> list[str]:
        """The addresses to bind, with ``0.0.0.0`` spelled out."""
        spelled = [
            each
            for address in self.addresses
            for each in (machine_addresses() if address == "0.0.0.0" else [address])  # noqa: S104
        ]
        return list(dict.fromkeys(spelled))


@dataclass(slots=True)
class _Path:
    """A socket of ours and an address of the client that an authenticated check joined."""

    socket: "_Socket"
    address: Address
    checked_at: float
    nominated: bool = False


class _Socket(asyncio.DatagramProtocol):
    """One bound address."""

    def __init__(self, agent: "IceLite", sock: socket.socket) -> None:
        self._agent = agent
        self.raw = sock
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        if data:
            self._agent.sort(data, addr if len(addr) == 2 else (addr[0], addr[1]), self)

    def error_received(self, exc: Exception) -> None:
        # The client's port is closed at the moment; its silence will tell.
        logger.debug("Media socket: %s", type(exc).__name__)


class IceLite:
    """The service's ICE agent (see `IceAgent`)."""

    def __init__(self, config: IceLiteConfig, scratch: Scratch, poller: Poller) -> None:
        self._config = config
        self._poller = poller
        self._scratch = scratch
        self.send: Callable[[bytes | memoryview], object] = self._send_from_first
        self.on_connected: Callable[[], None] = _nobody
        self.on_lost: Callable[[IceError], None] = _nobody
        self.on_dtls: Callable[[bytes], None] = _nobody
        self.on_media: Callable[[Address | None], None] = _nobody
        self.last_consent_at = 0.0
        self.remote_address: Address | None = None
        self._transport: asyncio.DatagramTransport | None = None
        self._sockets: list[_Socket] = []
        self._candidates: tuple[str, ...] = ()
        self._ufrag = secrets.token_hex(4)
        self._password = secrets.token_hex(16)
        self._passwords = {self._ufrag: self._password.encode()}
        self._paths: dict[Address, _Path] = {}
        self._selected: _Path | None = None
        self._fast: ConnectedSocket | None = None
        self._restarted = False
        self._closed = False

    @property
    def local(self) -> IceDescription:
        if not self._sockets:
            raise IceError("The ICE agent is not open yet; await open() first.")
        return IceDescription(self._ufrag, self._password, True, self._candidates)

    async def open(self, *, loopback: bool = False) -> None:  # noqa: ARG002
        # What is bound is the operator's decision alone, so `loopback` adds nothing.
        loop = asyncio.get_running_loop()
        bound: list[tuple[str, int]] = []
        for address in self._config.bound_addresses():
            sock = bind_media_socket(address, self._config.ports)
            bound.append((address, sock.getsockname()[1]))
            self._sockets.append(await _endpoint(loop, self, sock))
        self._candidates = _candidate_lines(bound, self._config.public_address)
        if self._closed:
            self._close_sockets()

    async def restart(self, *, keep_credentials: bool = False) -> None:
        if keep_credentials:
            return
        # The sockets stay; checks with the old password still count until the client has moved.
        previous = self._ufrag
        self._ufrag = secrets.token_hex(4)
        self._password = secrets.token_hex(16)
        self._passwords = {
            previous: self._passwords[previous],
            self._ufrag: self._password.encode(),
        }
        self._restarted = True

    def connect(self, remote: RemoteTransport, *, controlling: bool) -> None:
        """Nothing to do: a lite agent waits for the client's checks."""

    def sort(self, data: bytes, address: Address, sock: _Socket) -> None:
        """Sort a datagram by its first byte (RFC 7983)."""
        first = data[0]
        if 127 < first < 192:
            self._scratch.load(data)
            self.on_media(address)
        elif first < 4:
            self.stun_received(data, address, sock)
        elif 19 < first < 64 and self.is_known(address):
            self.on_dtls(data)

    def is_known(self, address: Address) -> bool:
        """Whether an authenticated check came from there."""
        return address in self._paths

    def stun_received(self, data: bytes, address: Address, sock: _Socket) -> None:
        """Answer a check. Anything else, and anything not authenticated, is dropped unanswered."""
        try:
            message = stun.parse_message(data)
        except STUN_PARSE_ERRORS:
            return
        if (
            message.message_class is not stun.Class.REQUEST
            or message.message_method is not stun.Method.BINDING
        ):
            return
        ufrag = message.attributes.get("USERNAME", "").partition(":")[0]
        password = self._passwords.get(ufrag)
        if password is None or not message.check_message_integrity(password):
            return
        if "ICE-CONTROLLED" in message.attributes:
            # A lite agent never leads (RFC 8445 section 7.3.1.1): the client has to.
            _respond(message, address, sock, password, error=(487, "Role Conflict"))
            return
        _respond(message, address, sock, password)
        nominated = "USE-CANDIDATE" in message.attributes
        if self._restarted and nominated and ufrag == self._ufrag:
            # The client stands on a path of the new session: the old one is history.
            self._restarted = False
            self._passwords = {ufrag: password}
            self._paths.clear()
            self._selected = None
        self._checked(address, sock, nominated=nominated)

    def _checked(self, address: Address, sock: _Socket, *, nominated: bool) -> None:
        now = monotonic()
        self.last_consent_at = now
        path = self._paths.get(address)
        if path is None or path.socket is not sock:
            if len(self._paths) >= _MAX_PATHS:
                self._forget_oldest()
            path = self._paths[address] = _Path(sock, address, now)
        path.checked_at = now
        selected = self._selected
        if nominated:
            path.nominated = True
            if selected is not path:
                self._select(path)
        elif selected is None:
            self._select(path)
        elif selected is not path and now - selected.checked_at > _PATH_STALE:
            # A silent client's address changed under way, as NAT does.
            self._select(path)

    def _forget_oldest(self) -> None:
        others = [path for path in self._paths.values() if path is not self._selected]
        oldest = min(others, key=lambda path: path.checked_at)
        del self._paths[oldest.address]

    def _select(self, path: _Path) -> None:
        self._selected = path
        self.remote_address = path.address
        self._transport = path.socket.transport
        self._release_fast()
        self._fast = connect_beside(
            path.socket.raw,
            path.address,
            self._scratch,
            self._poller,
            on_media=self.on_media,
            on_other=partial(self.sort, address=path.address, sock=path.socket),
        )
        if self._fast is not None:
            self.send = self._fast.send
        self.on_connected()

    def _release_fast(self) -> None:
        self.send = self._send_from_first
        if self._fast is not None:
            self._fast.close()
            self._fast = None

    def _send_from_first(self, data: bytes | memoryview) -> None:
        if self._transport is not None:
            # A transport may keep what it cannot send at once.
            self._transport.sendto(bytes(data), self.remote_address)

    def heard_from(self, address: Address) -> None:
        # Followed only where a check has proved that the client wants to be sent to, and not back
        # to a path just left, whose media may come late but whose checks have ended.
        path = self._paths.get(address)
        if path is not None and (
            self._selected is None or path.checked_at > self._selected.checked_at
        ):
            self._select(path)

    async def close(self) -> None:
        self._closed = True
        self._transport = None
        self._release_fast()
        self._close_sockets()

    def _close_sockets(self) -> None:
        for sock in self._sockets:
            if sock.transport is not None:
                sock.transport.close()


async def _endpoint(
    loop: asyncio.AbstractEventLoop, agent: IceLite, sock: socket.socket
) -> _Socket:
    try:
        _, protocol = await loop.create_datagram_endpoint(lambda: _Socket(agent, sock), sock=sock)
    except BaseException:
        sock.close()
        raise
    return protocol


def _candidate_lines(bound: list[tuple[str, int]], public: str | None) -> tuple[str, ...]:
    lines = []
    for index, (address, port) in enumerate(bound):
        shown = address
        if public is not None and _same_family(public, address):
            shown, public = public, None
        # Host candidates, component 1, in the order of the configuration (RFC 8445 5.1.2.1).
        priority = (126 << 24) + ((65535 - index) << 8) + 255
        lines.append(f"{index + 1} 1 udp {priority} {shown} {port} typ host")
    return tuple(lines)


def _same_family(one: str, other: str) -> bool:
    return ipaddress.ip_address(one).version == ipaddress.ip_address(other).version


def _respond(
    request: stun.Message,
    address: Address,
    sock: _Socket,
    password: bytes,
    error: tuple[int, str] | None = None,
) -> None:
    response = stun.Message(
        message_method=stun.Method.BINDING,
        message_class=stun.Class.RESPONSE if error is None else stun.Class.ERROR,
        transaction_id=request.transaction_id,
    )
    if error is None:
        response.attributes["XOR-MAPPED-ADDRESS"] = address
    else:
        response.attributes["ERROR-CODE"] = error
    response.add_message_integrity(password)
    if sock.transport is not None:
        sock.transport.sendto(bytes(response), address)


def _nobody(*_: object) -> None:
    """Stands in until a leg sets its callback."""
