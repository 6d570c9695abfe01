"""A leg as its user sees it: two of them negotiate, connect and carry packets over real sockets."""

import asyncio
import socket

import aioice
import pytest

from media.legs import (
    WAIT,
    Ear,
    client_config,
    connect,
    legs,
    negotiate,
    reached,
    rtp,
    service_config,
)
from offhook.media.certificate import Certificate
from offhook.media.errors import DtlsError, IceError, NegotiationError
from offhook.media.ice import IceConfig
from offhook.media.leg import LegConfig, LegState, WebRtcLeg
from offhook.wire.sdp import Direction, Setup, parse

KINDS = {
    "two clients": (client_config, client_config),
    "a client calls the service": (client_config, service_config),
    "the service calls a client": (service_config, client_config),
}


@pytest.mark.parametrize("kind", KINDS)
async def test_packets_pass_both_ways_once_connected(kind: str) -> None:
    offering, answering = KINDS[kind]
    async with legs(offering(), answering()) as (one, two):
        await connect(one, two)
        for speaker, listener in ((one, two), (two, one)):
            ear = Ear(listener)
            speaker.send_rtp(rtp(b"hello", sequence=5, payload_type=speaker.format.opus))
            speaker.send_rtcp(b"\x80\xc9\x00\x01\x00\x00\x00\x07")
            await ear.until(lambda ear=ear: bool(ear.rtp and ear.rtcp))
            assert ear.rtp[0][12:] == b"hello"
            assert ear.rtcp[0] == b"\x80\xc9\x00\x01\x00\x00\x00\x07"
            assert listener.stats.packets_received == 2
            assert listener.last_rtp_at > 0


@pytest.mark.parametrize("setup", [Setup.ACTIVE, Setup.PASSIVE])
async def test_either_side_may_start_the_handshake(setup: Setup) -> None:
    async with legs(client_config(), service_config()) as (one, two):
        offer = (await one.create_offer()).replace("actpass", str(setup))
        answer = await two.accept_offer(offer)
        other = Setup.PASSIVE if setup is Setup.ACTIVE else Setup.ACTIVE
        assert parse(answer).audio.setup is other
        await one.accept_answer(answer)
        await reached(one, LegState.CONNECTED)
        await reached(two, LegState.CONNECTED)


async def test_nothing_is_sent_before_the_leg_is_connected() -> None:
    async with legs(client_config(), service_config()) as (one, two):
        one.send_rtp(rtp(b"too early"))
        one.send_rtcp(b"\x80\xc9\x00\x01\x00\x00\x00\x07")
        await connect(one, two)
        assert one.stats.packets_sent == 0


async def test_a_certificate_that_was_not_announced_is_refused() -> None:
    async with legs(client_config(), service_config()) as (one, two):
        offer = await one.create_offer()
        answer = await two.accept_offer(offer)
        announced = parse(answer).audio.fingerprints[0].digest
        another = Certificate.generate().fingerprint.digest
        await one.accept_answer(answer.replace(announced, another))
        await reached(one, LegState.FAILED)
        assert isinstance(one.error, DtlsError)
        assert "certificate" in str(one.error)
        ear = Ear(two)
        one.send_rtp(rtp(b"secret"))
        await asyncio.sleep(0.05)
        assert not ear.rtp


async def test_a_peer_that_never_comes_fails_the_leg_in_time() -> None:
    async with legs(client_config(), service_config(connect_timeout=0.2)) as (one, two):
        await two.accept_offer(await one.create_offer())
        await reached(two, LegState.FAILED)
        assert isinstance(two.error, IceError)
        with pytest.raises(NegotiationError):
            await two.accept_offer(await one.create_offer())


async def test_a_ringing_leg_has_no_time_limit() -> None:
    async with legs(service_config(connect_timeout=0.05)) as (one,):
        await one.create_offer()
        await asyncio.sleep(0.15)
        assert one.state is LegState.NEW


async def test_a_peer_that_vanishes_is_noticed() -> None:
    async with legs(client_config(), service_config(silence_timeout=0.3)) as (one, two):
        await connect(one, two)
        await reached(two, LegState.FAILED)
        assert "silent" in str(two.error)


async def test_a_client_notices_that_the_service_vanished() -> None:
    ice = IceConfig(loopback=True, consent_interval=0.05)
    async with legs(client_config(ice=ice, silence_timeout=0.3), service_config()) as (one, two):
        await connect(one, two)
        await asyncio.sleep(0.5)
        assert one.state is two.state is LegState.CONNECTED, "silence with consent is a held call"
        await two.close()
        await reached(one, LegState.FAILED)


async def test_talk_keeps_a_leg_alive() -> None:
    async with legs(client_config(), service_config(silence_timeout=0.2)) as (one, two):
        await connect(one, two)
        for sequence in range(20):
            one.send_rtp(rtp(b"still here", sequence=sequence))
            await asyncio.sleep(0.02)
        assert two.state is LegState.CONNECTED


async def test_a_hung_up_peer_is_no_failure_yet() -> None:
    async with legs(client_config(), service_config()) as (one, two):
        await connect(one, two)
        await one.close()
        await asyncio.sleep(0.05)
        assert two.state is LegState.CONNECTED
        assert one.state is LegState.CLOSED


async def test_hold_answers_inactive_and_silences_and_resume_brings_the_voice_back() -> None:
    async with legs(client_config(), service_config()) as (client, service):
        await connect(client, service)
        first = service.format
        await negotiate(client, service, held=True)
        assert client.direction is service.direction is Direction.INACTIVE
        ear = Ear(client)
        service.send_rtp(rtp(b"music", sequence=1))
        await negotiate(client, service)
        assert client.direction is service.direction is Direction.SENDRECV
        assert service.format == first
        service.send_rtp(rtp(b"voice", sequence=2))
        assert [packet.payload for packet in await ear.packets(1)] == [b"voice"]
        assert client.state is service.state is LegState.CONNECTED


async def test_a_renegotiation_keeps_the_connection() -> None:
    async with legs(client_config(), service_config()) as (client, service):
        await connect(client, service)
        answers = []
        for _ in range(3):
            offer = await client.create_offer()
            answer = await service.accept_offer(offer)
            answers.append(parse(answer))
            await client.accept_answer(answer)
        assert len({answer.audio.ice_ufrag for answer in answers}) == 1
        assert [answer.version for answer in answers] == [2, 3, 4]
        assert {answer.audio.setup for answer in answers} == {Setup.ACTIVE}
        ear = Ear(service)
        client.send_rtp(rtp(b"hello"))
        await ear.packets(1)


async def test_a_restart_is_answered_by_new_credentials() -> None:
    async with legs(client_config(), service_config()) as (client, service):
        first = parse(await service.accept_offer(await client.create_offer())).audio
        await client._ice.restart()
        second = parse(await service.accept_offer(await client.create_offer())).audio
        assert first.ice_ufrag != second.ice_ufrag
        assert first.ice_pwd != second.ice_pwd
        assert first.candidates == second.candidates


async def test_checks_that_are_faster_than_the_answer_are_not_forgotten() -> None:
    async with legs(service_config(), client_config()) as (service, client):
        answer = await client.accept_offer(await service.create_offer())
        async with asyncio.timeout(WAIT):
            while service._ice.remote_address is None:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        await service.accept_answer(answer)
        await reached(service, LegState.CONNECTED)


async def test_a_machine_with_nothing_but_loopback_can_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda **_: [])
    config = client_config(ice=IceConfig(loopback=False))
    async with legs(config, service_config()) as (client, service):
        offer = await client.create_offer()
        assert [c.split()[4] for c in parse(offer).audio.candidates] == ["127.0.0.1"]
        await client.accept_answer(await service.accept_offer(offer))
        await reached(client, LegState.CONNECTED)


async def test_a_client_called_from_loopback_offers_loopback_too() -> None:
    config = client_config(ice=IceConfig(loopback=False))
    async with legs(service_config(), config) as (service, client):
        answer = parse(await client.accept_offer(await service.create_offer()))
        assert "127.0.0.1" in [c.split()[4] for c in answer.audio.candidates]


async def test_another_peer_may_take_over_a_running_leg() -> None:
    """A transfer by a service that passes descriptions on: new credentials, new certificate."""
    newcomer_config = LegConfig(Certificate.generate(), IceConfig(loopback=True))
    async with legs(client_config(), service_config(), newcomer_config) as (old, service, new):
        await connect(old, service)
        await negotiate(new, service)
        await reached(new, LegState.CONNECTED)
        ear, old_ear, new_ear = Ear(service), Ear(old), Ear(new)
        new.send_rtp(rtp(b"I am new", ssrc=99))
        await ear.packets(1)
        service.send_rtp(rtp(b"welcome"))
        assert (await new_ear.packets(1))[0].payload == b"welcome"
        assert not old_ear.rtp


async def test_a_client_follows_to_another_peer() -> None:
    """The same seen by the client: its second offer is answered by somebody else."""
    other_config = service_config(certificate=Certificate.generate())
    async with legs(client_config(), service_config(), other_config) as (client, first, second):
        await connect(client, first)
        await negotiate(client, second)
        await reached(second, LegState.CONNECTED)
        ear, back = Ear(second), Ear(client)
        await _talk_until(client, ear)
        second.send_rtp(rtp(b"hello", sequence=1))
        await back.packets(1)


async def _talk_until(speaker: WebRtcLeg, ear: Ear) -> None:
    for sequence in range(200):
        speaker.send_rtp(rtp(b"hello", sequence=sequence))
        await asyncio.sleep(0.01)
        if ear.rtp:
            return
    pytest.fail("Nothing was heard within 2 s")


async def test_ice_restarts_on_a_running_leg() -> None:
    """New credentials of the same peer: another path, the same encryption."""
    async with legs(client_config(), service_config()) as (client, service):
        await connect(client, service)
        # A client restarts by itself when its network changes.
        await client._ice.restart()
        before = service._ice.remote_address
        await negotiate(client, service)
        ear = Ear(service)
        await _talk_until(client, ear)
        await asyncio.sleep(0.1)
        assert service._ice.remote_address != before
        back = Ear(client)
        service.send_rtp(rtp(b"found you", sequence=9))
        await back.packets(1)
        assert client.state is service.state is LegState.CONNECTED


@pytest.mark.parametrize(
    "sdp",
    ["", "v=0", "not sdp at all", "v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\ns=-\r\nm=video 9 X 1\r\n"],
)
async def test_a_description_that_cannot_be_used_is_refused(sdp: str) -> None:
    async with legs(service_config(), client_config()) as (one, two):
        with pytest.raises(NegotiationError):
            await one.accept_offer(sdp)
        await two.create_offer()
        with pytest.raises(NegotiationError):
            await two.accept_answer(sdp)


async def test_a_refused_renegotiation_leaves_the_talk_alone() -> None:
    async with legs(client_config(), service_config()) as (client, service):
        await connect(client, service)
        offer = await client.create_offer()
        with pytest.raises(NegotiationError):
            await service.accept_offer(offer.replace("opus", "speex"))
        ear = Ear(service)
        client.send_rtp(rtp(b"hello"))
        await ear.packets(1)


async def test_an_answer_needs_an_offer() -> None:
    async with legs(client_config(), service_config()) as (one, two):
        await negotiate(one, two)
        answer = await two.accept_offer(await two_offers(one))
        await one.accept_answer(answer)
        with pytest.raises(NegotiationError, match="offer"):
            await one.accept_answer(answer)


async def two_offers(leg: WebRtcLeg) -> str:
    await leg.create_offer()
    return await leg.create_offer()


async def test_closing_twice_or_early_is_no_error() -> None:
    for config in (client_config(), service_config()):
        leg = WebRtcLeg(config)
        await leg.close()
        await leg.close()
        assert leg.state is LegState.CLOSED
        with pytest.raises(NegotiationError):
            await leg.create_offer()


async def test_closing_while_connecting_ends_everything() -> None:
    async with legs(client_config(), service_config()) as (one, two):
        await negotiate(one, two)
        await one.close()
        assert one.state is LegState.CLOSED


async def test_forged_packets_are_counted_and_dropped() -> None:
    async with legs(client_config(), service_config()) as (client, service):
        await connect(client, service)
        ear = Ear(service)
        address = _address_of(service)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.sendto(rtp(b"let me in" * 4), address)
            client.send_rtp(rtp(b"real", sequence=3))
            assert (await ear.packets(1))[0].payload == b"real"
        assert service.stats.rejected == 1


def _address_of(leg: WebRtcLeg) -> tuple[str, int]:
    fields = leg._ice.local.candidates[0].split()
    return fields[4], int(fields[5])
