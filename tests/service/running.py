"""A phone service that really runs, on free ports of loopback, with the demo organisation."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import secrets
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import aiohttp
from yarl import URL

from offhook.service.app import PhoneService
from offhook.service.config import Limits, ServiceConfig
from offhook.service.directory.demo import (
    DEMO_APP,
    DEMO_PEOPLE,
    DemoPerson,
    found_demo_organization,
    let_demo_apps_in,
)

PEOPLE = {person.first_name.lower(): person for person in DEMO_PEOPLE}
CALLBACK = "http://127.0.0.1:49152/callback"


def config(data: Path, **values: Any) -> ServiceConfig:
    """A configuration for tests: any free ports, and room for many failed sign-ins."""
    return ServiceConfig(
        **{
            "data": str(data),
            "http": "127.0.0.1:0",
            "https": "",
            "limits": Limits(sign_ins=1000),
            **values,
        }
    )


@asynccontextmanager
async def started(settings: ServiceConfig) -> AsyncIterator[Cloud]:
    """The service, started and stopped, and a client of it."""
    service = PhoneService(settings)
    await service.start()
    try:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
            yield Cloud(service, http)
    finally:
        await service.stop()


async def found_demo(data: Path, **values: Any) -> None:
    """Leave the demo organisation in `data`, and a certificate."""
    async with started(config(data, https="127.0.0.1:0", **values)) as cloud:
        await found_demo_organization(cloud.service.directory)
        await let_demo_apps_in(cloud.service.identity)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, read to its end."""

    status: int
    headers: Any
    body: bytes
    json: Any


@dataclass(slots=True)
class Cloud:
    """A running service, as its clients see it."""

    service: PhoneService
    http: aiohttp.ClientSession

    async def token(self, name: str) -> str:
        """A personal access token of one of the demo people."""
        return await self.service.identity.personal_token(PEOPLE[name].entry())

    async def request(
        self, method: str, path: str, *, token: str | None = None, **more: Any
    ) -> Answer:
        """One request; `path` may be a whole URL. Redirects are not followed."""
        url = path if "://" in path else self.service.http_url + path
        headers = dict(more.pop("headers", {}))
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        async with self.http.request(
            method, URL(url, encoded=True), headers=headers, allow_redirects=False, **more
        ) as response:
            body = await response.read()
            is_json = response.content_type == "application/json" and body
            return Answer(
                response.status, response.headers, body, await response.json() if is_json else None
            )

    async def get(self, path: str, **more: Any) -> Answer:
        return await self.request("GET", path, **more)

    async def post(self, path: str, **more: Any) -> Answer:
        return await self.request("POST", path, **more)


@dataclass(slots=True)
class App:
    """An app that signs somebody in with the authorization code flow, and a browser that helps."""

    cloud: Cloud
    client_id: str = DEMO_APP.client_id
    redirect_uri: str = CALLBACK
    state: str = "a state & more"
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    @property
    def asked(self) -> dict[str, str]:
        """What it asks for at the sign-in page."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest())
        return {
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "response_type": "code",
            "scope": "spark:all",
            "state": self.state,
            "code_challenge": challenge.decode().rstrip("="),
            "code_challenge_method": "S256",
        }

    async def open_page(self, **changes: str) -> Answer:
        """The sign-in page."""
        return await self.cloud.get(f"/v1/authorize?{urlencode(self.asked | changes)}")

    async def submit(self, page: Answer, person: DemoPerson, password: str | None = None) -> Answer:
        """Fill in the form of `page` as a browser does."""
        fields = form_fields(page)
        fields["email"] = person.email
        fields["password"] = person.password if password is None else password
        return await self.cloud.post("/v1/authorize", data=fields)

    async def code(self, name: str = "alice") -> str:
        """A code that the app was given after `name` signed in."""
        answer = await self.submit(await self.open_page(), PEOPLE[name])
        assert answer.status == 302, answer.body
        return redirected(answer)["code"]

    async def exchange(self, code: str, /, **changes: str) -> Answer:
        """Tokens for a code."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "client_id": self.client_id,
            "code_verifier": self.verifier,
        }
        return await self.cloud.post("/v1/access_token", data=form | changes)

    async def refresh(self, refresh_token: str, /, **changes: str) -> Answer:
        """New tokens for a refresh token."""
        form = {
            "grant_type": "refresh_token",
            "refresh_token": refresh_token,
            "client_id": self.client_id,
        }
        return await self.cloud.post("/v1/access_token", data=form | changes)

    async def sign_in(self, name: str = "alice") -> dict[str, Any]:
        """The whole way: what the token endpoint answered."""
        answer = await self.exchange(await self.code(name))
        assert answer.status == 200, answer.body
        tokens: dict[str, Any] = answer.json
        return tokens


def form_fields(page: Answer) -> dict[str, str]:
    """The hidden fields of the form."""
    return {
        unescape(name): unescape(value)
        for name, value in re.findall(
            r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page.body.decode()
        )
    }


def redirected(answer: Answer) -> dict[str, str]:
    """What the app is told by the address that the browser is sent to."""
    return {
        name: values[0]
        for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()
    }


def is_webex_error(answer: Answer, status: int) -> bool:
    """Whether it is an error of Webex's shape, whose tracking id is in the header too."""
    body = answer.json
    return (
        answer.status == status
        and isinstance(body["message"], str)
        and body["errors"][0].keys() == {"description"}
        and body["trackingId"] == answer.headers["trackingid"]
        and "Traceback" not in answer.body.decode()
    )


async def trusting(ca: Path) -> ssl.SSLContext:
    """A TLS context that trusts this authority and no other."""
    return await asyncio.to_thread(ssl.create_default_context, cafile=str(ca))
