"""A stand-in for Google: its sign-in over HTTP, FCM over HTTP/2, both with TLS."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from offhook.push.providers.settings import FcmApp, FcmShape, ProviderSettings
from offhook.serving.tls import local_tls
from offhook.testing.http2_server import Answer, Http2Server, Request
from push.providers.sending import APP


@dataclass
class Google:
    """`answers` come first; what is asked with any but the newest access token gets 401."""

    folder: Path
    port: int = 0
    tokens: int = 0
    sign_in_status: int = 200
    expires_in: int = 3600
    answers: deque[Answer] = field(default_factory=deque)
    messages: list[dict[str, Any]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    def settings(self, shape: FcmShape = "webhookTelephonyPush") -> ProviderSettings:
        app = FcmApp(
            app=APP,
            project="my-project",
            credentials=str(self.folder / "account.json"),
            shape=shape,
            host="127.0.0.1",
            port=self.port,
            ca=str(self.folder / "ca.pem"),
        )
        return ProviderSettings(fcm=[app])

    def error(
        self, status: int, state: str, code: str = "", message: str = "", **headers: str
    ) -> None:
        details = [{"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError"}]
        details[0]["errorCode"] = code
        error = {"code": status, "message": message, "status": state}
        body = {"error": {**error, "details": details if code else []}}
        self.answers.append(Answer(status, headers, json.dumps(body).encode()))

    async def push(self, request: Request) -> Answer:
        self.requests.append(request)
        if request.headers["authorization"] != f"Bearer access-{self.tokens}":
            self.error(401, "UNAUTHENTICATED")
        if self.answers:
            return self.answers.popleft()
        self.messages.append(json.loads(request.body)["message"])
        return Answer(200, {}, b'{"name": "projects/my-project/messages/1"}')


@asynccontextmanager
async def google(folder: Path) -> AsyncIterator[Google]:
    files = await asyncio.to_thread(local_tls, folder, [])
    key = await asyncio.to_thread(rsa.generate_private_key, 65537, 2048)
    it = Google(folder)

    async def sign_in(request: web.Request) -> web.Response:
        form = await request.post()
        audience = str(request.url)
        jwt.decode(str(form["assertion"]), key.public_key(), ["RS256"], audience=audience)
        it.tokens += 1
        token = {"access_token": f"access-{it.tokens}", "expires_in": it.expires_in}
        return web.json_response(token, status=it.sign_in_status)

    app = web.Application()
    app.router.add_post("/token", sign_in)
    runner = web.AppRunner(app)
    await runner.setup()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(files.certificate, files.key)
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    account = {
        "client_email": "push@my-project.iam.gserviceaccount.com",
        "private_key_id": "1",
        "private_key": key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode(),
        "token_uri": f"https://127.0.0.1:{runner.addresses[0][1]}/token",
    }
    (folder / "account.json").write_text(json.dumps(account))
    server = Http2Server(it.push, chain=files.certificate, key=files.key)
    await server.up()
    it.port = server.port
    try:
        yield it
    finally:
        await server.down()
        await runner.cleanup()
