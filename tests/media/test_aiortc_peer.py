"""A leg against a peer that somebody else wrote: aiortc, in both directions and both kinds."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack

from media.legs import WAIT, Ear, client_config, legs, reached, service_config
from offhook.media.leg import LegConfig, LegState, WebRtcLeg
from offhook.media.relay import RelayPort

CONFIGS = {"as a client": client_config, "as the service": service_config}


@asynccontextmanager
async def peer() -> AsyncIterator[RTCPeerConnection]:
    connection = RTCPeerConnection()
    connection.addTrack(AudioStreamTrack())
    try:
        yield connection
    finally:
        await connection.close()


async def offer_to_peer(leg: WebRtcLeg, connection: RTCPeerConnection) -> None:
    offer = RTCSessionDescription(await leg.create_offer(), "offer")
    await connection.setRemoteDescription(offer)
    await connection.setLocalDescription(await connection.createAnswer())
    await leg.accept_answer(connection.localDescription.sdp)


async def offer_to_leg(leg: WebRtcLeg, connection: RTCPeerConnection) -> None:
    await connection.setLocalDescription(await connection.createOffer())
    answer = await leg.accept_offer(connection.localDescription.sdp)
    await connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))


async def frames_heard(connection: RTCPeerConnection, count: int) -> None:
    track: MediaStreamTrack = connection.getReceivers()[0].track
    async with asyncio.timeout(WAIT):
        for _ in range(count):
            frame = await track.recv()
            assert frame.sample_rate == 48000


@pytest.mark.loop_limit(ms=500)  # aiortc makes its keys and opens its codecs on the loop
@pytest.mark.parametrize("kind", CONFIGS)
@pytest.mark.parametrize("negotiate", [offer_to_peer, offer_to_leg])
async def test_audio_passes_both_ways(
    kind: str, negotiate: Callable[[WebRtcLeg, RTCPeerConnection], object]
) -> None:
    config: LegConfig = CONFIGS[kind]()
    async with legs(config) as (leg,), peer() as connection:
        ear = Ear(leg)
        await negotiate(leg, connection)  # type: ignore[misc]
        await reached(leg, LegState.CONNECTED)
        heard = await ear.packets(3)
        assert leg.format is not None
        assert {packet.payload_type for packet in heard} == {leg.format.opus}
        # The echo goes back through the same leg: what aiortc decodes is its own voice.
        RelayPort(leg).echo()
        await frames_heard(connection, 3)


@pytest.mark.loop_limit(ms=500)
async def test_a_hold_is_understood() -> None:
    async with legs(service_config()) as (leg,), peer() as connection:
        await offer_to_leg(leg, connection)
        await reached(leg, LegState.CONNECTED)
        await connection.setLocalDescription(await connection.createOffer())
        answer = await leg.accept_offer(connection.localDescription.sdp, held=True)
        await connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        assert connection.getTransceivers()[0].currentDirection == "inactive"
        await connection.setLocalDescription(await connection.createOffer())
        answer = await leg.accept_offer(connection.localDescription.sdp)
        await connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        assert connection.getTransceivers()[0].currentDirection == "sendrecv"
        RelayPort(leg).echo()
        await frames_heard(connection, 1)
        assert leg.state is LegState.CONNECTED
