"""The small cloud with calls: other parties who answer, and a service that can be told to refuse.

It tells no more than Webex is known to tell: no causes of its own, no participants.
"""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import suppress
from typing import Any
from uuid import uuid4

from aiohttp import web

from offhook.media.certificate import Certificate
from offhook.media.ice import IceConfig
from offhook.media.leg import LegConfig, WebRtcLeg
from sdk.small_cloud import SmallCloud

_CALL = re.compile(r"(POST|PATCH|DELETE) .*/devices/[^/]+/calls?(?:/([^/]+))?(/media|/status)?")


class CallingCloud(SmallCloud):
    """Whoever is called answers at once, but for `silent` numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.silent: set[str] = set()
        self._config = LegConfig(Certificate.generate(), ice=IceConfig(loopback=True))
        self.legs: dict[str, WebRtcLeg] = {}
        self._correlation: dict[str, str] = {}
        self._seq: dict[str, int] = {}
        self._later: set[asyncio.Task[None]] = set()

    async def stop(self) -> None:
        await asyncio.gather(*self._later, *(leg.close() for leg in self.legs.values()))
        await super().stop()

    # --- what tests do ---

    async def invite(self) -> str:
        """Somebody calls."""
        call_id = str(uuid4())
        leg = self.legs[call_id] = WebRtcLeg(self._config)
        await self._roap(call_id, "OFFER", await leg.create_offer())
        caller = {"from": '"Carol" <sip:1003@x>', "p-asserted-identity": '"Carol" <sip:1003@x>'}
        await self._event_of(call_id, "mobius.call", callerId=caller)
        return call_id

    async def hang_up(self, call_id: str, **cause: Any) -> None:
        """The other party hangs up."""
        await self._event_of(call_id, "mobius.calldisconnected", **cause)

    # --- requests ---

    async def _answer(self, request: web.Request, token: str) -> web.StreamResponse:
        answer = await super()._answer(request, token)
        if isinstance(answer, web.Response) and answer.status == 404:
            body = json.loads(await request.read() or b"{}")
            return await self._of_calls(request, body) or answer
        return answer

    async def _of_calls(self, request: web.Request, body: Any) -> web.Response | None:
        path = f"{request.method} {request.path}"
        if request.path.endswith(("/callhold/hold", "/callhold/resume")):
            state = "HELD" if request.path.endswith("hold") else "CONNECTED"
            self._do(self._held(body["callId"], state))
        elif request.path.endswith("/calltransfer/commit"):
            context = body.get("consultTransferContext", {})
            for call_id in filter(None, (body["callId"], context.get("transferToCallId"))):
                self._do(self.hang_up(call_id))
        elif request.path.endswith("/telephony/conference"):
            for call_id in list(self.legs)[:1]:
                self._do(self.hang_up(call_id))
        elif match := _CALL.fullmatch(path):
            return await self._of_call(match, body)
        else:
            return None
        return web.json_response({})

    async def _of_call(self, match: re.Match[str], body: Any) -> web.Response:
        verb, call_id, what = match.groups()
        if call_id is None:
            call_id = str(uuid4())
            leg = self.legs[call_id] = WebRtcLeg(self._config)
            self._correlation[call_id] = body["device"]["correlationId"]
            sdp = await leg.accept_offer(body["localMedia"]["roap"]["sdp"])
            self._do(self._answered(call_id, sdp, body["callee"]["address"]))
        elif call_id in self.legs:
            self._correlation[call_id] = body["device"]["correlationId"]
            if verb == "DELETE":
                self._do(self.legs.pop(call_id).close())
            elif what == "/media":
                self._do(self._negotiated(call_id, body["localMedia"]["roap"]))
        return web.json_response({"device": body["device"], "callId": call_id})

    # --- events ---

    async def _answered(self, call_id: str, sdp: str, address: str) -> None:
        await self._event_of(call_id, "mobius.callprogress")
        await self._roap(call_id, "ANSWER", sdp)
        if address.removeprefix("tel:") not in self.silent:
            await self._event_of(call_id, "mobius.callconnected")

    async def _negotiated(self, call_id: str, roap: Any) -> None:
        leg = self.legs[call_id]
        if roap["messageType"] == "ANSWER":
            await leg.accept_answer(roap["sdp"])
            await self._roap(call_id, "OK", None, roap["seq"])
        elif roap["messageType"] == "OFFER_RESPONSE":
            await self._roap(call_id, "ANSWER", await leg.accept_offer(roap["sdp"]), roap["seq"])

    async def _held(self, call_id: str, state: str) -> None:
        data = {"eventType": "callState", "eventData": {"callState": state}}
        await self._event_of(call_id, "mobius.call", midCallService=[data])
        self._seq[call_id] = self._seq.get(call_id, 1) + 1
        await self._roap(call_id, "OFFER_REQUEST", None, self._seq[call_id])

    async def _roap(self, call_id: str, kind: str, sdp: str | None, seq: int = 1) -> None:
        message = {"seq": seq, "messageType": kind, **({"sdp": sdp} if sdp else {})}
        await self._event_of(call_id, "mobius.media", message=message)

    async def _event_of(self, call_id: str, kind: str, **more: Any) -> None:
        [line] = self.lines
        event = {
            "eventType": kind,
            "callId": call_id,
            "deviceId": line,
            "correlationId": self._correlation.get(call_id, ""),
        }
        with suppress(ConnectionError):
            await self.send(event | more)

    def _do(self, work: Any) -> None:
        """After the answer to the request that is being handled."""
        task = asyncio.ensure_future(work)
        self._later.add(task)
        task.add_done_callback(self._later.discard)
