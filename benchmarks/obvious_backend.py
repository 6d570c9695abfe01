"""The push backend as one would write it in an afternoon: aiohttp in front, aioapns behind.

``python -m benchmarks.obvious_backend CONFIG`` with a JSON file of port, secret, devices (tokens by
person) and how to reach Apple. It verifies the signature, reads the JSON, looks the person up in a
dictionary, answers, and lets aioapns send. Nothing is kept on disk, nobody is told twice or late.
"""

import asyncio
import hashlib
import hmac
import json
import ssl
import sys
from pathlib import Path
from typing import Any

import uvloop
from aioapns import APNs, NotificationRequest, PushType
from aiohttp import web


async def main(settings: dict[str, Any]) -> None:
    context = ssl.create_default_context(cafile=settings["ca"])
    client = APNs(
        key=settings["key_file"],
        key_id=settings["key_id"],
        team_id=settings["team_id"],
        topic=settings["topic"],
        use_sandbox=False,
        max_connections=1,
    )
    # aioapns takes neither another host nor a certificate authority as an argument.
    client.pool.protocol_class.APNS_SERVER = settings["host"]
    client.pool.protocol_class.APNS_PORT = settings["port"]
    client.pool.ssl_context = context
    secret, devices = settings["secret"].encode(), settings["devices"]
    sending: set[asyncio.Task[Any]] = set()

    async def webhook(request: web.Request) -> web.Response:
        body = await request.read()
        expected = hmac.new(secret, body, hashlib.sha1).hexdigest()
        if not hmac.compare_digest(expected, request.headers.get("x-spark-signature", "")):
            return web.Response(status=401)
        event = json.loads(body)
        for token in devices.get(event["actorId"], ()):
            push = NotificationRequest(
                device_token=token,
                message=event["data"]["apnsPayload"],
                push_type=PushType.VOIP,
                priority=10,
                time_to_live=30,
            )
            task = asyncio.create_task(client.send_notification(push))
            sending.add(task)
            task.add_done_callback(sending.discard)
        return web.Response(status=200)

    app = web.Application()
    app.router.add_post("/webhook", webhook)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", settings["listen"]).start()
    print(json.dumps({"ready": True}), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(json.loads(Path(sys.argv[1]).read_text())))
