"""Our mixer, as a process for `benchmarks.mixing`.

``python -m benchmarks.mixing_target ADDRESS`` reads lines of JSON, each a leg with its "room" and
its "offer", mixes it with the others of that room, and answers with its "answer".
"""

import asyncio
import json
import sys

import uvloop

from offhook.engine.exchange.effects import MixLegs, OpenLeg
from offhook.engine.exchange.inputs import LegAnswered, LegFailed, MediaNews
from offhook.service.media.config import MediaConfig
from offhook.service.media.plane import MediaPlane


async def serve(address: str) -> None:
    """Work off commands until standard input ends."""
    answered: asyncio.Queue[str] = asyncio.Queue()

    def heard(news: MediaNews) -> None:
        if isinstance(news, LegAnswered):
            answered.put_nowait(news.sdp)
        elif isinstance(news, LegFailed):
            print(f"A leg failed: {news.why}", file=sys.stderr)

    plane = MediaPlane(MediaConfig(addresses=(address,), silence_timeout=600), heard)
    rooms: dict[int, list[str]] = {}
    reader = asyncio.StreamReader(limit=2**20)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        request = json.loads(line)
        leg, room = request["leg"], request["room"]
        plane.carry_out(OpenLeg(leg, request["offer"]))
        print(json.dumps({"answer": await answered.get()}), flush=True)
        legs = rooms.setdefault(room, [])
        legs.append(leg)
        plane.carry_out(MixLegs(f"room {room}", tuple(legs)))
    await plane.close()


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1]))
