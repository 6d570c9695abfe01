"""The push backend as one would write it in an afternoon: aiohttp in front, a push library behind.

``python -m benchmarks.obvious_backend CONFIG`` with a JSON file of port, secret, devices (token by
person) and how to reach Apple or Google. It verifies the signature, reads the JSON, looks the
person up in a dictionary, answers, and lets aioapns or firebase-admin send. Nothing is kept on
disk, nobody is kept from being told twice or late.
"""

import asyncio
import hashlib
import hmac
import json
import ssl
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import uvloop
from aiohttp import web

Send = Callable[[str, dict[str, Any]], Awaitable[None]]


def by_aioapns(settings: dict[str, Any]) -> Send:
    from aioapns import APNs, NotificationRequest, PushType
    from aioapns.connection import APNsProductionClientProtocol

    tls = ssl.create_default_context(cafile=settings["ca"])
    tls.set_alpn_protocols(["h2"])
    # It takes no other host as an argument.
    APNsProductionClientProtocol.APNS_SERVER = settings["host"]
    APNsProductionClientProtocol.APNS_PORT = settings["port"]
    client = APNs(
        key=settings["key"],
        key_id=settings["key_id"],
        team_id=settings["team_id"],
        topic=settings["topic"],
        ssl_context=tls,
    )

    async def send(token: str, data: dict[str, Any]) -> None:
        push = NotificationRequest(
            device_token=token,
            message=data["apnsPayload"],
            push_type=PushType.VOIP,
            priority=10,
            time_to_live=30,
        )
        answer = await client.send_notification(push)
        if not answer.is_successful:
            raise RuntimeError(answer.description)

    return send


def by_firebase_admin(settings: dict[str, Any]) -> Send:
    import warnings

    import firebase_admin
    from firebase_admin import credentials, messaging

    warnings.simplefilter("ignore", DeprecationWarning)  # It has another name for tokens now.
    where = f"https://{settings['host']}:{settings['port']}"
    messaging._MessagingService.FCM_URL = where + "/v1/projects/{0}/messages:send"
    firebase_admin.initialize_app(credentials.Certificate(settings["credentials"]))

    async def send(token: str, data: dict[str, Any]) -> None:
        message = messaging.Message(
            token=token,
            data={"webhookTelephonyPush": json.dumps(data["fcmPayload"])},
            android=messaging.AndroidConfig(priority="high", ttl=30),
        )
        answer = await messaging.send_each_async([message])
        if answer.failure_count:
            raise answer.responses[0].exception

    return send


async def main(settings: dict[str, Any]) -> None:
    make = {"apns": by_aioapns, "fcm": by_firebase_admin}[settings["provider"]]
    send = make(settings)
    secret, devices = settings["secret"].encode(), settings["devices"]
    sending: set[asyncio.Task[None]] = set()

    async def webhook(request: web.Request) -> web.Response:
        body = await request.read()
        expected = hmac.new(secret, body, hashlib.sha1).hexdigest()
        if not hmac.compare_digest(expected, request.headers.get("x-spark-signature", "")):
            return web.Response(status=401)
        event = json.loads(body)
        if (token := devices.get(event["actorId"])) is not None:
            task = asyncio.create_task(send(token, event["data"]))
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
