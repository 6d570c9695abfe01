"""A client with signalling only: registers, calls and answers, and never sends a packet of audio.

Its SDP comes from a real leg, made once and used again: the service opens, answers and closes a leg
of its own for each call, as it would for any client.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import aiohttp
import msgspec

from offhook.media.certificate import Certificate
from offhook.media.leg import LegConfig, WebRtcLeg


async def session_descriptions() -> tuple[str, str]:
    """An offer, and an answer to an offer of the service's kind."""
    certificate = Certificate.generate()
    offering, answering = WebRtcLeg(LegConfig(certificate)), WebRtcLeg(LegConfig(certificate))
    offer = await offering.create_offer()
    answer = await answering.accept_offer(offer)
    await offering.close()
    await answering.close()
    return offer, answer


class BareClient:
    """One registered line. `on_event` gets the `data` of each Mobius event."""

    def __init__(self, session: aiohttp.ClientSession, cloud: str, token: str) -> None:
        self._session = session
        self._cloud = cloud
        self._headers = {"authorization": f"Bearer {token}"}
        self._token = token
        self.line = ""
        self.base = f"{cloud}/api/v1/calling/web"
        self.events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._reader: asyncio.Task[None] | None = None

    async def request(self, method: str, url: str, body: object = None) -> Any:
        """A request with the token; the decoded body of the answer."""
        async with self._session.request(
            method, url, headers=self._headers, data=msgspec.json.encode(body or {})
        ) as response:
            raw = await response.read()
            if response.status >= 300:
                raise RuntimeError(f"{method} answered {response.status}: {raw[:200]!r}")
            return msgspec.json.decode(raw) if raw else None

    async def register(self) -> None:
        """WDM, Mercury, Mobius."""
        device = await self.request(
            "POST",
            f"{self._cloud}/wdm/api/v1/devices",
            {
                "name": "bench",
                "deviceType": "WEB",
                "model": "bench",
                "localizedModel": "bench",
                "systemName": "bench",
                "systemVersion": "1",
            },
        )
        self._socket = await self._session.ws_connect(device["webSocketUrl"])
        await self._socket.send_json(
            {"id": "1", "type": "authorization", "data": {"token": f"Bearer {self._token}"}}
        )
        await self._socket.receive()
        self._reader = asyncio.create_task(self._read())
        registration = await self.request(
            "POST",
            f"{self.base}/device",
            {"userId": device["userId"], "clientDeviceUri": device["url"]},
        )
        self.line = registration["device"]["deviceId"]

    async def _read(self) -> None:
        assert self._socket is not None
        async for message in self._socket:
            frame = msgspec.json.decode(message.data)
            if "data" in frame:
                self.events.put_nowait(frame["data"])

    async def event(self, kind: str, call_id: str | None = None) -> dict[str, Any]:
        """The next event of a kind; others are passed over."""
        while True:
            event = await self.events.get()
            # What is told in mid-call is of the same kind as a call that comes.
            wanted = event["eventType"] == kind and not event.get("midCallService")
            if wanted and call_id in (None, event["callId"]):
                return event

    def device(self) -> dict[str, str]:
        """The `device` member of a request about a new call."""
        return {"deviceId": self.line, "correlationId": str(uuid4())}

    async def close(self) -> None:
        """Unregister and hang up the socket."""
        await self.request("DELETE", f"{self.base}/devices/{self.line}")
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.wait([self._reader])
        if self._socket is not None:
            await self._socket.close()


@asynccontextmanager
async def bare_client(cloud: str, token: str) -> AsyncIterator[BareClient]:
    """A registered client."""
    async with aiohttp.ClientSession() as session:
        client = BareClient(session, cloud, token)
        await client.register()
        try:
            yield client
        finally:
            await client.close()


class BareCall:
    """One side of a call: who has it, and by which ids."""

    def __init__(self, client: BareClient, call_id: str, device: dict[str, str]) -> None:
        self.client = client
        self.call_id = call_id
        self.device = device

    @property
    def about(self) -> dict[str, Any]:
        """What every request about it says."""
        return {"device": self.device, "callId": self.call_id}

    @property
    def url(self) -> str:
        """Where requests about it go."""
        return f"{self.client.base}/devices/{self.client.line}/calls/{self.call_id}"

    async def answer(self, answer: str) -> None:
        """Take it."""
        body = {**self.about, "inbandMedia": False, "callState": "sig_connected"}
        await self.client.request("PATCH", self.url, body)
        roap = {"seq": 1, "messageType": "ANSWER", "sdp": answer}
        media = {"roap": roap, "mediaId": str(uuid4())}
        await self.client.request("POST", f"{self.url}/media", {**self.about, "localMedia": media})

    async def end(self) -> None:
        """Hang up."""
        body = {**self.about, "causecode": 0, "cause": "Normal Disconnect."}
        await self.client.request("DELETE", self.url, body)

    async def transfer(self, *, to: str = "", number: str = "") -> None:
        """Connect the other party with that of the call `to`, or send it on to `number`."""
        body: dict[str, Any] = {**self.about, "transferType": "CONSULT" if to else "BLIND"}
        if to:
            body["consultTransferContext"] = {
                "transferorCallId": self.call_id,
                "transferToCallId": to,
            }
        else:
            body["blindTransferContext"] = {
                "transferorCallId": self.call_id,
                "destination": number,
            }
        await self.client.request("POST", f"{self.client.base}/services/calltransfer/commit", body)


async def dialled(caller: BareClient, number: str, offer: str) -> BareCall:
    """A call that is placed."""
    device = caller.device()
    created = await caller.request(
        "POST",
        f"{caller.base}/devices/{caller.line}/call",
        {
            "device": device,
            "localMedia": {
                "roap": {
                    "seq": 1,
                    "messageType": "OFFER",
                    "sdp": offer,
                    "tieBreaker": 4294967294,
                },
                "mediaId": str(uuid4()),
            },
            "callee": {"type": "uri", "address": f"tel:{number}"},
        },
    )
    return BareCall(caller, created["callId"], device)


async def rung(callee: BareClient) -> BareCall:
    """The call that comes next, and rings."""
    call = BareCall(callee, (await callee.event("mobius.call"))["callId"], callee.device())
    body = {**call.about, "inbandMedia": False, "callState": "sig_alerting"}
    await callee.request("PATCH", call.url, body)
    return call


async def set_up(
    caller: BareClient, callee: BareClient, number: str, sdp: tuple[str, str]
) -> tuple[BareCall, BareCall]:
    """Both sides of a call that was answered."""
    offer, answer = sdp
    call = await dialled(caller, number, offer)
    called = await rung(callee)
    await caller.event("mobius.callprogress", call.call_id)
    await called.answer(answer)
    await caller.event("mobius.callconnected", call.call_id)
    return call, called


async def one_call(
    caller: BareClient, callee: BareClient, number: str, sdp: tuple[str, str]
) -> None:
    """Set up a call from the dialling to the answer, and tear it down."""
    call, called = await set_up(caller, callee, number, sdp)
    await call.end()
    await callee.event("mobius.calldisconnected", called.call_id)
