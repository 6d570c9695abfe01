"""Hostile datagrams at a leg's open UDP port: STUN, DTLS, SRTP and what is none of them.

A real leg of the service's kind listens on loopback. Half of the STUN requests are signed with the
leg's own password after they were damaged, so that they get past the authentication.
"""

import asyncio
import os
import socket
import struct

from aioice import stun
from targets import Target, rtp

from offhook.media.certificate import Certificate
from offhook.media.ice_lite import IceLiteConfig
from offhook.media.leg import LegConfig, WebRtcLeg
from offhook.wire.sdp import Fingerprint, parse, render
from offhook.wire.sdp.negotiation import LocalSide, build_answer

_CLIENT = LocalSide(
    1, 1, "fuzz", "f" * 22, (), (Fingerprint("sha-256", "AB:" * 31 + "AB"),), 1, "f"
)
_SOCKET_WAIT = 5.0


class MediaPort:
    """The target's check: `check` sends one datagram to a leg and sees whether it still works."""

    def __init__(self) -> None:
        self._certificate = Certificate.generate()
        self._lost: list[BaseException] = []

    def check(self, data: bytes) -> None:
        """Raises what the leg's loop lost, or TimeoutError if the leg answers no more."""
        asyncio.run(self._story(data))

    async def _story(self, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        self._lost.clear()
        loop.set_exception_handler(self._note)
        leg = WebRtcLeg(LegConfig(self._certificate, IceLiteConfig()))
        wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        wire.setblocking(False)
        try:
            offer = parse(await leg.create_offer())
            answer, agreement = build_answer(offer, _CLIENT)
            await leg.accept_answer(render(answer))
            password = agreement.remote.ice_pwd.encode()
            user = f"{agreement.remote.ice_ufrag}:{_CLIENT.ice_ufrag}"
            _, _, _, _, host, port, *_ = agreement.remote.candidates[0].split()
            await loop.sock_connect(wire, (host, int(port)))
            await self._ping(wire, user, password)
            for datagram in (data, _signed(data, user, password)):
                if datagram is not None and len(datagram) <= 60000:
                    await loop.sock_sendall(wire, datagram)
            await self._ping(wire, user, password)
        finally:
            wire.close()
            await leg.close()
        if self._lost:
            raise self._lost[0]

    def _note(self, _: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        error = context.get("exception")
        lost = error if isinstance(error, BaseException) else RuntimeError(str(context["message"]))
        self._lost.append(lost)

    async def _ping(self, wire: socket.socket, user: str, password: bytes) -> None:
        """An ICE check of a well-behaved client is answered."""
        loop = asyncio.get_running_loop()
        request = _request(user)
        request.add_message_integrity(password)
        async with asyncio.timeout(_SOCKET_WAIT):
            await loop.sock_sendall(wire, bytes(request))
            while True:
                reply = await loop.sock_recv(wire, 65536)
                if reply[8:20] == request.transaction_id and reply[0] < 4:
                    return


def _request(user: str) -> stun.Message:
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, os.urandom(12))
    request.attributes["USERNAME"] = user
    request.attributes["PRIORITY"] = 1
    request.attributes["ICE-CONTROLLING"] = 1
    return request


def _signed(data: bytes, user: str, password: bytes) -> bytes | None:
    """`data` as a request with the right name and integrity, if it is STUN at all."""
    try:
        message = stun.parse_message(data)
    except (ValueError, struct.error, IndexError, OSError):
        return None
    message.attributes["USERNAME"] = user
    message.attributes.pop("MESSAGE-INTEGRITY", None)
    message.attributes.pop("FINGERPRINT", None)
    try:
        message.add_message_integrity(password)
    except (ValueError, struct.error, OSError):
        return None
    return bytes(message)


def _seeds() -> list[bytes]:
    request = _request("abcd:fuzz")
    request.attributes["USE-CANDIDATE"] = None
    request.add_message_integrity(b"f" * 22)
    controlled = _request("abcd:fuzz")
    del controlled.attributes["ICE-CONTROLLING"]
    controlled.attributes["ICE-CONTROLLED"] = 1
    hello = struct.pack("!BHHIHH", 22, 0xFEFF, 0, 0, 0, 24) + b"\x01\x00\x00\x0c" + b"\x00" * 20
    alert = struct.pack("!BHHIHH", 21, 0xFEFD, 0, 0, 1, 2) + b"\x02\x28"
    media = rtp(111, 1, 960, 7, b"\xf8\xff\xfe" + b"\x00" * 16)
    report = struct.pack("!BBHI", 0x81, 201, 7, 7) + b"\x00" * 40
    return [bytes(request), bytes(controlled), hello, alert, media, report, b"\x40channel", b"\xff"]


def media_port() -> Target:
    """The target; it needs the network, if only the loopback interface."""
    return Target("media_port", _seeds(), MediaPort().check)
