"""DTLS handshakes over a wire that loses, delays and damages datagrams."""

import asyncio
import itertools
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.media.certificate import Certificate, fingerprint_of, is_announced
from offhook.media.dtls import MTU, DtlsHandshake, DtlsRole, datagrams_of
from offhook.media.errors import DtlsError
from offhook.media.secure import SecureTransport
from offhook.media.srtp import SrtpKeys
from offhook.wire.sdp import Fingerprint

WAIT = 10.0
OURS = Certificate.generate()
THEIRS = Certificate.generate()

Wire = Callable[[bytes], list[bytes]]


def faultless(datagram: bytes) -> list[bytes]:
    return [datagram]


class Side:
    """One end of a handshake and what became of it."""

    def __init__(
        self,
        role: DtlsRole,
        wire: Wire = faultless,
        *,
        announced: tuple[Fingerprint, ...] | None = None,
        timeout: float = WAIT,
    ) -> None:
        self.peer: Side | None = None
        self.wire = wire
        self.done = asyncio.Event()
        self.keys: SrtpKeys | None = None
        self.error: DtlsError | None = None
        self.left = asyncio.Event()
        mine, other = (OURS, THEIRS) if role is DtlsRole.CLIENT else (THEIRS, OURS)
        self.handshake = DtlsHandshake(
            certificate=mine,
            role=role,
            announced=announced if announced is not None else (other.fingerprint,),
            send=self.send,
            on_keys=self.keyed,
            on_error=self.failed,
            on_close=self.left.set,
            timeout=timeout,
        )

    def send(self, datagram: bytes) -> None:
        assert len(datagram) <= MTU
        loop = asyncio.get_running_loop()
        for arriving in self.wire(datagram):
            if self.peer is not None:
                loop.call_soon(self.peer.handshake.datagram_received, arriving)

    def keyed(self, keys: SrtpKeys) -> None:
        assert self.keys is None
        self.keys = keys
        self.done.set()

    def failed(self, error: DtlsError) -> None:
        assert self.error is None
        self.error = error
        self.done.set()


async def shake(client: Side, server: Side) -> None:
    client.peer, server.peer = server, client
    server.handshake.start()
    client.handshake.start()
    async with asyncio.timeout(WAIT):
        await client.done.wait()
        await server.done.wait()


def close(*sides: Side) -> None:
    for side in sides:
        side.handshake.close()


async def test_both_sides_end_with_the_same_keys_crosswise() -> None:
    client, server = Side(DtlsRole.CLIENT), Side(DtlsRole.SERVER)
    await shake(client, server)
    assert client.keys is not None
    assert server.keys is not None
    assert client.keys.send == server.keys.receive != client.keys.receive == server.keys.send
    assert client.keys.profile == server.keys.profile
    close(client, server)


def losing(number: int) -> Wire:
    """A wire that swallows the datagram with this number."""
    numbers = itertools.count()
    return lambda datagram: [] if next(numbers) == number else [datagram]


async def test_any_lost_datagram_is_sent_again() -> None:
    """The last one too: the server's end of the handshake, after which it thinks all is well."""
    wires = [(losing(0), faultless), (losing(1), faultless), (faultless, losing(1))]
    pairs = [(Side(DtlsRole.CLIENT, one), Side(DtlsRole.SERVER, two)) for one, two in wires]
    await asyncio.gather(*(shake(client, server) for client, server in pairs))
    for client, server in pairs:
        assert client.keys is not None
        assert server.keys is not None
        close(client, server)


async def test_noise_between_the_datagrams_does_no_harm() -> None:
    dice = random.Random(3)

    def noisy(datagram: bytes) -> list[bytes]:
        return [bytes([22]) + dice.randbytes(30), datagram[:20], datagram, datagram, datagram[:5]]

    client, server = Side(DtlsRole.CLIENT, noisy), Side(DtlsRole.SERVER, noisy)
    await shake(client, server)
    assert client.keys is not None
    assert server.keys is not None
    close(client, server)


@pytest.mark.parametrize("role", list(DtlsRole))
async def test_a_peer_with_another_certificate_gives_no_keys(role: DtlsRole) -> None:
    wrong = (Certificate.generate().fingerprint,)
    sides = {
        each: Side(each, announced=wrong if each is role else None, timeout=0.5)
        for each in DtlsRole
    }
    await shake(sides[DtlsRole.CLIENT], sides[DtlsRole.SERVER])
    assert sides[role].keys is None
    assert "certificate" in str(sides[role].error)
    close(*sides.values())


async def test_silence_ends_in_a_typed_error_in_time() -> None:
    alone = Side(DtlsRole.CLIENT, timeout=0.1)
    alone.handshake.start()
    async with asyncio.timeout(WAIT):
        await alone.done.wait()
    assert "0.1 s" in str(alone.error)
    close(alone)


async def test_a_goodbye_is_heard() -> None:
    client, server = Side(DtlsRole.CLIENT), Side(DtlsRole.SERVER)
    await shake(client, server)
    client.handshake.close()
    async with asyncio.timeout(WAIT):
        await server.left.wait()
    close(server)


async def test_a_peer_that_starts_before_we_know_it_is_not_kept_waiting() -> None:
    """Its first message comes before its answer; else it would be repeated only after 1 s."""
    keyed = asyncio.Event()
    loop = asyncio.get_running_loop()
    client = Side(DtlsRole.CLIENT)
    late = SecureTransport(
        certificate=THEIRS,
        send=lambda data: loop.call_soon(client.handshake.datagram_received, data) and None,
        on_keyed=lambda _: keyed.set(),
        on_error=pytest.fail,
        timeout=WAIT,
    )
    client.wire = lambda datagram: late.datagram_received(datagram) or []
    client.handshake.start()
    await asyncio.sleep(0)
    late.start(DtlsRole.SERVER, (OURS.fingerprint,))
    async with asyncio.timeout(0.5):
        await keyed.wait()
    late.close()
    close(client)


def test_a_certificate_is_recognised_by_each_hash_and_by_all_that_are_given() -> None:
    certificate = OURS.certificate
    good = [fingerprint_of(certificate, name) for name in ("sha-256", "sha-384", "sha-512")]
    assert all(is_announced(certificate, (each,)) for each in good)
    lower = Fingerprint("SHA-256", good[0].digest.lower())
    assert is_announced(certificate, (lower, *good[1:]))
    wrong = Fingerprint("sha-256", THEIRS.fingerprint.digest)
    assert not is_announced(certificate, (wrong, good[1]))
    assert not is_announced(certificate, ())
    assert not is_announced(certificate, (Fingerprint("md5", "00:11"),))
    assert not is_announced(certificate, (Fingerprint("sha-256", "ünlesbar"),))


@given(st.lists(st.integers(0, 900), max_size=12))
def test_records_are_packed_whole(lengths: list[int]) -> None:
    records = [bytes(11) + length.to_bytes(2, "big") + bytes([7]) * length for length in lengths]
    datagrams = list(datagrams_of(b"".join(records)))
    assert b"".join(datagrams) == b"".join(records)
    assert all(len(datagram) <= MTU for datagram in datagrams)
    for one, next_one in itertools.pairwise(datagrams):
        first_record = 13 + int.from_bytes(next_one[11:13], "big")
        assert len(one) + first_record > MTU, "nothing is sent apart that fits together"
