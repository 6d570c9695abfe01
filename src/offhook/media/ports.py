"""UDP sockets for media: bound in a range, marked as voice, with room for a burst."""

import errno
import ipaddress
import random
import socket
from dataclasses import dataclass

from offhook.media.errors import IceError

# Expedited Forwarding (RFC 8837), as voice is marked.
_DSCP_EF = 46 << 2
_BUFFER = 256 * 1024


@dataclass(frozen=True, slots=True)
class PortRange:
    """UDP ports for media, both ends included. One port is used by a leg on each address."""

    first: int
    last: int

    def __post_init__(self) -> None:
        if not 1024 <= self.first <= self.last <= 65535:
            raise ValueError(
                f"The media port range {self.first}-{self.last} is not usable; "
                "give two ports between 1024 and 65535, the smaller first."
            )


def bind_media_socket(address: str, ports: PortRange | None) -> socket.socket:
    """A non-blocking UDP socket on `address`, on any free port or on one of `ports`.

    Raises IceError if the address is not this machine's, or every port of the range is taken.
    """
    family = socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        if family == socket.AF_INET:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, _DSCP_EF)
        else:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, _DSCP_EF)
        _bind(sock, address, ports)
    except BaseException:
        sock.close()
        raise
    return sock


def _bind(sock: socket.socket, address: str, ports: PortRange | None) -> None:
    for port in _candidates(ports):
        try:
            sock.bind((address, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                continue
            raise IceError(
                f"Media cannot be bound to {address}: {error.strerror}; "
                "set the media address to one of this machine's addresses."
            ) from error
        return
    raise IceError(
        f"All media ports on {address} are in use; widen the media port range or end calls."
    )


def _candidates(ports: PortRange | None) -> list[int]:
    if ports is None:
        return [0]
    # A random start spreads calls over the range, so a port rests before it is used again.
    count = ports.last - ports.first + 1
    start = random.randrange(count)  # noqa: S311 - spreads load, guards nothing
    return [ports.first + (start + step) % count for step in range(count)]
