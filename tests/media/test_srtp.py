"""Encryption in place: what one side protects the other reads, once, and nothing else."""

import os

import pytest

from offhook.media.certificate import SRTP_PROFILES
from offhook.media.scratch import Scratch
from offhook.media.srtp import Inbound, Outbound, SrtpKeys, profile_named

PACKET = bytes([0x80, 111]) + (7).to_bytes(2, "big") + bytes(8) + b"voice"
REPORT = b"\x80\xc9\x00\x01\x00\x00\x00\x07"


@pytest.fixture(params=SRTP_PROFILES, ids=lambda name: name.decode())
def sides(request: pytest.FixtureRequest) -> tuple[Scratch, Outbound, Inbound]:
    """A buffer, the client's sending half and the server's receiving half."""
    profile = profile_named(request.param)
    assert profile is not None
    material = os.urandom(profile.material_length)
    scratch = Scratch()
    client = SrtpKeys.from_material(profile, material, client=True)
    server = SrtpKeys.from_material(profile, material, client=False)
    assert client.send == server.receive
    assert client.receive == server.send
    assert client.send != client.receive
    return scratch, Outbound(client, scratch), Inbound(server, scratch)


def test_a_packet_comes_out_as_it_went_in(sides: tuple[Scratch, Outbound, Inbound]) -> None:
    scratch, outbound, inbound = sides
    scratch.load(PACKET)
    assert outbound.protect() == 0
    assert b"voice" not in scratch.packet()
    assert inbound.unprotect() == 0
    assert scratch.packet() == PACKET
    scratch.load(REPORT)
    assert outbound.protect_rtcp() == 0
    assert inbound.unprotect_rtcp() == 0
    assert scratch.packet() == REPORT


def test_a_changed_or_repeated_packet_is_refused(
    sides: tuple[Scratch, Outbound, Inbound],
) -> None:
    scratch, outbound, inbound = sides
    scratch.load(PACKET)
    outbound.protect()
    protected = scratch.packet()
    for position in (1, 5, 13, len(protected) - 1):
        forged = bytearray(protected)
        forged[position] ^= 1
        scratch.load(forged)
        assert inbound.unprotect()
    scratch.load(protected)
    assert inbound.unprotect() == 0
    scratch.load(protected)
    assert inbound.unprotect()


def test_packets_may_come_in_another_order(sides: tuple[Scratch, Outbound, Inbound]) -> None:
    scratch, outbound, inbound = sides
    sent = []
    for sequence in range(100):
        scratch.load(PACKET[:2] + sequence.to_bytes(2, "big") + PACKET[4:])
        outbound.protect()
        sent.append(scratch.packet())
    for packet in reversed(sent):
        scratch.load(packet)
        assert inbound.unprotect() == 0


def test_an_unknown_profile_is_none() -> None:
    assert profile_named(b"SRTP_NULL") is None


def test_a_packet_too_long_for_voice_is_not_taken() -> None:
    scratch = Scratch()
    scratch.load(b"x" * 2048)
    assert scratch.packet() == b"x" * 2048
    scratch.load(b"x" * 2049)
    assert scratch.packet() == b""
