"""A cloud with the REST of webhooks, as strict as Webex: what a real one does not do on demand.

Two administrators, ada and bob; carol is none. It forgets a secret that a PUT leaves out, numbers
its pages as it likes, and gives out each refresh token once.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from aiohttp import web

from offhook.wire.ids import ResourceKind, encode_id

ADMINS = ("ada", "bob")


def person_id(name: str) -> str:
    return encode_id(ResourceKind.PEOPLE, f"00000000-0000-0000-0000-{name.encode().hex():0>12}")


@dataclass
class WebhookCloud:
    """What is there, and what was asked. `faults` are answered first, in turn."""

    url: str = ""
    webhooks: dict[str, dict[str, Any]] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=lambda: {f"token of {n}": n for n in ADMINS})
    faults: deque[web.Response] = field(default_factory=deque)
    asked: list[str] = field(default_factory=list)
    resources: tuple[str, ...] = ("telephony_push", "telephony_calls", "messages")
    takes_org: bool = True
    forgets_status: bool = False
    hangs_up_after_making: bool = False
    history: list[dict[str, str]] = field(default_factory=list)
    history_status: int = 0
    gives_useless_tokens: bool = False
    page: int = 2
    refresh_token: str = "refresh 0"
    refreshed: int = 0
    updated: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, creator: str = "ada", **values: Any) -> dict[str, Any]:
        """A webhook that is there already."""
        webhook = {
            "id": encode_id(ResourceKind.WEBHOOK, str(uuid4())),
            "name": "Offhook push",
            "targetUrl": "https://push.example.org/webhook",
            "resource": "telephony_push",
            "event": "updated",
            "ownedBy": "org",
            "status": "active",
            "createdBy": person_id(creator),
            "created": f"2026-01-01T00:00:{len(self.webhooks):02}.000Z",
            "orgId": encode_id(ResourceKind.ORGANIZATION, str(uuid4())),
            "appId": encode_id(ResourceKind.APPLICATION, str(uuid4())),
            **values,
        }
        self.webhooks[webhook["id"]] = webhook
        return webhook

    def fail(self, status: int, times: int = 1, **headers: str) -> None:
        """Answer the next requests with `status`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        for _ in range(times):
            self.faults.append(_error(status, "it is broken", **named))

    # --- what it answers ---

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.asked.append(f"{request.method} {request.path_qs}")
        if self.faults:
            return self.faults.popleft()
        if request.path != "/v1/access_token" and self._who(request) is None:
            return _error(401, "The request requires a valid access token")
        response: web.StreamResponse = await handler(request)
        return response

    def _who(self, request: web.Request) -> str | None:
        return self.tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "))

    def _visible(self, request: web.Request) -> list[dict[str, Any]]:
        me = person_id(self._who(request) or "")
        if request.query.get("ownedBy") == "org":
            return [each for each in self.webhooks.values() if each["ownedBy"] == "org"]
        return [each for each in self.webhooks.values() if each["createdBy"] == me]

    async def _me(self, request: web.Request) -> web.Response:
        return web.json_response({"id": person_id(self._who(request) or ""), "emails": []})

    async def _list(self, request: web.Request) -> web.Response:
        if request.query.get("ownedBy") == "org" and self._who(request) not in ADMINS:
            return _error(403, "Only administrators see these")
        found, start = self._visible(request), int(request.query.get("before", 0))
        page = found[start : start + self.page]
        headers = {}
        if start + self.page < len(found):
            following = request.url.update_query(before=start + self.page)
            headers["Link"] = f'<{following}>; rel="next"'
        return web.json_response({"items": page}, headers=headers)

    async def _create(self, request: web.Request) -> web.Response:
        body, who = await request.json(), self._who(request) or ""
        for name in ("name", "targetUrl", "resource", "event"):
            if not body.get(name):
                return _error(400, f"missing field: {name}")
        if body["resource"] not in self.resources:
            return _error(400, "invalid field: resource")
        owner = body.get("ownedBy", "creator")
        if owner == "org" and not self.takes_org:
            return _error(400, "invalid field: ownedBy")
        if owner == "org" and who not in ADMINS:
            return _error(403, "Only administrators may do this")
        for each in self.webhooks.values():
            same = each["resource"] == body["resource"] and not each.get("filter")
            is_mine = each["createdBy"] == person_id(who)
            if same and each["ownedBy"] == owner == "org":
                return _error(409, "There is one already")
            if same and is_mine and each["targetUrl"] == body["targetUrl"] and owner != "org":
                return _error(409, "There is one already")
        made = self.add(who, **{**body, "ownedBy": owner})
        if self.hangs_up_after_making and request.transport is not None:
            request.transport.abort()
        return web.json_response(made)

    async def _update(self, request: web.Request) -> web.Response:
        webhook = self.webhooks.get(request.match_info["id"])
        if webhook is None:
            return _error(404, "The requested resource could not be found.")
        if webhook["createdBy"] != person_id(self._who(request) or ""):
            return _error(403, "Somebody else made it")
        body = await request.json()
        if not body.get("name") or not body.get("targetUrl") or "ownedBy" in body:
            return _error(400, "name and targetUrl are required")
        if body.get("status") not in (None, "active"):
            return _error(400, "invalid field: status")
        webhook.pop("secret", None)
        if self.forgets_status:
            body.pop("status", None)
        webhook.update(body)
        self.updated.set()
        return web.json_response(webhook)

    async def _delete(self, request: web.Request) -> web.Response:
        if self.webhooks.pop(request.match_info["id"], None) is None:
            return _error(404, "The requested resource could not be found.")
        return web.Response(status=204)

    async def _history(self, request: web.Request) -> web.Response:
        if self.history_status:
            return _error(self.history_status, "no history")
        if self._who(request) not in ADMINS:
            return _error(403, "Only administrators see these")
        start, end = request.query["startTime"], request.query["endTime"]
        found = [each for each in self.history if start <= each["Report time"] < end]
        cursor = int(request.query.get("startTimeForNextFetch", 0))
        headers = {}
        if cursor + self.page < len(found):
            following = request.url.update_query(startTimeForNextFetch=cursor + self.page)
            headers["Link"] = f'<{following}>; rel="next"'
        return web.json_response({"items": found[cursor : cursor + self.page]}, headers=headers)

    async def _refresh(self, request: web.Request) -> web.Response:
        form = await request.post()
        if (form.get("client_id"), form.get("client_secret")) != ("app", "app secret"):
            return web.json_response({"error": "invalid_client"}, status=401)
        if form.get("refresh_token") != self.refresh_token:
            return web.json_response({"error": "invalid_grant"}, status=400)
        self.refreshed += 1
        self.refresh_token = f"refresh {self.refreshed}"
        self.tokens = {} if self.gives_useless_tokens else {f"token {self.refreshed}": "ada"}
        return web.json_response(
            {
                "access_token": f"token {self.refreshed}",
                "expires_in": 1209599,
                "refresh_token": self.refresh_token,
                "token_type": "Bearer",
            }
        )

    def app(self) -> web.Application:
        """Its routes."""
        app = web.Application(middlewares=[self._guard])
        app.router.add_get("/v1/people/me", self._me)
        app.router.add_get("/v1/webhooks", self._list)
        app.router.add_post("/v1/webhooks", self._create)
        app.router.add_put("/v1/webhooks/{id}", self._update)
        app.router.add_delete("/v1/webhooks/{id}", self._delete)
        app.router.add_get("/v1/cdr_feed", self._history)
        app.router.add_post("/v1/access_token", self._refresh)
        return app


@asynccontextmanager
async def webhook_cloud() -> AsyncIterator[WebhookCloud]:
    """One that really listens, on any port of loopback."""
    cloud = WebhookCloud()
    runner = web.AppRunner(cloud.app(), access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        cloud.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield cloud
    finally:
        await runner.cleanup()


def _error(status: int, message: str, **headers: str) -> web.Response:
    body = {"message": message, "errors": [{"description": message}], "trackingId": "ROUTER_1"}
    return web.Response(
        status=status,
        text=json.dumps(body),
        content_type="application/json",
        headers={"trackingid": "ROUTER_1", **headers},
    )
