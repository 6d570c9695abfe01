"""The relays that `benchmarks.relay` measures, one a process.

``python -m benchmarks.relay_targets KIND`` reads calls as lines of JSON, each with a name ("call")
and two "offers", and answers each with two "answers"; what one side says the other hears.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

Answer = Callable[[str, list[str]], Awaitable[list[str]]]


async def offhook_relay() -> Answer:
    """The service's media plane."""
    from offhook.engine.exchange.effects import JoinLegs, OpenLeg
    from offhook.engine.exchange.inputs import LegAnswered, LegFailed, MediaNews
    from offhook.service.media.config import MediaConfig
    from offhook.service.media.plane import MediaPlane

    waiting: dict[str, asyncio.Future[str]] = {}

    def heard(news: MediaNews) -> None:
        if isinstance(news, LegAnswered):
            waiting.pop(news.call_id).set_result(news.sdp)
        elif isinstance(news, LegFailed):
            print(f"A leg failed: {news.why}", file=sys.stderr)

    plane = MediaPlane(MediaConfig(silence_timeout=600), heard)

    async def answer(call: str, offers: list[str]) -> list[str]:
        names = [f"{call}a", f"{call}b"]
        for name, offer in zip(names, offers, strict=True):
            waiting[name] = asyncio.get_running_loop().create_future()
            plane.carry_out(OpenLeg(name, offer))
        answers = await asyncio.gather(*(waiting[name] for name in names))
        plane.carry_out(JoinLegs(*names))
        return answers

    return answer


async def _aiortc_legs(offers: list[str]) -> list[Any]:
    from aiortc import RTCPeerConnection, RTCSessionDescription

    legs = []
    for offer in offers:
        leg = RTCPeerConnection()
        await leg.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        legs.append(leg)
    return legs


async def _aiortc_answers(legs: list[Any]) -> list[str]:
    for leg in legs:
        await leg.setLocalDescription(await leg.createAnswer())
    return [leg.localDescription.sdp for leg in legs]


async def aiortc_transport_relay() -> Answer:
    """Decrypt and encrypt again with aiortc's transports: the plain way to write it on asyncio."""
    kept = []

    async def answer(_: str, offers: list[str]) -> list[str]:
        legs = await _aiortc_legs(offers)
        kept.append(legs)
        transports = [leg.getTransceivers()[0].receiver.transport for leg in legs]
        for here, there in (transports, reversed(transports)):

            async def forward(data: bytes, *_: Any, there: Any = there, **__: Any) -> None:
                if there.state == "connected":
                    await there._send_rtp(data)

            here._handle_rtp_data = forward
        return await _aiortc_answers(legs)

    return answer


async def aiortc_track_relay() -> Answer:
    """aiortc's own way to pass audio on: its `MediaRelay`, which decodes and encodes."""
    from aiortc.contrib.media import MediaRelay

    relay = MediaRelay()
    kept = []

    async def answer(_: str, offers: list[str]) -> list[str]:
        legs = await _aiortc_legs(offers)
        kept.append(legs)
        for here, there in (legs, reversed(legs)):
            there.addTrack(relay.subscribe(here.getReceivers()[0].track))
        return await _aiortc_answers(legs)

    return answer


TARGETS: dict[str, Callable[[], Awaitable[Answer]]] = {
    "offhook": offhook_relay,
    "offhook-asyncio": offhook_relay,
    "aiortc-transport": aiortc_transport_relay,
    "aiortc-track": aiortc_track_relay,
}


async def serve(kind: str) -> None:
    """Answer calls until standard input ends."""
    answer = await TARGETS[kind]()
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=2**20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        request = json.loads(line)
        answers = await answer(request["call"], request["offers"])
        print(json.dumps({"call": request["call"], "answers": answers}), flush=True)


def main() -> None:
    kind = sys.argv[1]
    if kind.endswith("asyncio") or kind.startswith("aiortc"):
        asyncio.run(serve(kind))
    else:
        import uvloop

        uvloop.run(serve(kind))


if __name__ == "__main__":
    main()
