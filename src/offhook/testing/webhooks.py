"""For the tests of a backend that takes webhooks: the events that the cloud sends, signed.

::

    async with WebhookSender("http://127.0.0.1:8009/webhook", secret) as cloud:
        status = await cloud.telephony_push(person, caller_name="Carol", caller_number="1003")
"""

import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import UUID, uuid4

import aiohttp
import msgspec

from offhook.wire.ids import ResourceKind, encode_id
from offhook.wire.voip_push import ApnsNewCall, NewCall
from offhook.wire.webhook_signature import (
    ID,
    SIGNATURE,
    TIMESTAMP,
    spark_signature,
    standard_signature,
)
from offhook.wire.webhooks import (
    SPARK_SIGNATURE,
    TELEPHONY_PUSH,
    TelephonyPushData,
    WebhookEnvelope,
    WebhookEventType,
    WebhookOwner,
    WebhookStatus,
)

_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class SentEvent:
    """An event as it was posted, and the status that came back."""

    body: bytes
    headers: dict[str, str]
    status: int

    @property
    def data(self) -> TelephonyPushData:
        """The payloads of a `telephony_push`, byte for byte."""
        envelope = msgspec.json.decode(self.body, type=WebhookEnvelope)
        return msgspec.json.decode(envelope.data, type=TelephonyPushData)


class WebhookSender:
    """Posts to `url` what the cloud would, signed with `secret`.

    Offhook's cloud signs in Webex's way and in that of Standard Webhooks; with `like_webex` only
    in the former. `ca` is a PEM file to trust. `clock` gives Unix seconds. All requests raise
    aiohttp.ClientError, or TimeoutError after 10 s.
    """

    def __init__(
        self,
        url: str,
        secret: str,
        *,
        like_webex: bool = False,
        ca: Path | str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.url = url
        self.secret = secret
        self.sent: list[SentEvent] = []
        self._like_webex = like_webex
        self._ca = ca
        self._clock = clock
        self._webhook = encode_id(ResourceKind.WEBHOOK, str(uuid4()))
        self._administrator = encode_id(ResourceKind.PEOPLE, str(uuid4()))
        self._organization = encode_id(ResourceKind.ORGANIZATION, str(uuid4()))
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        tls = ssl.create_default_context(cafile=self._ca) if self._ca is not None else True
        self._http = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=_SECONDS), connector=aiohttp.TCPConnector(ssl=tls)
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._http is not None:
            await self._http.close()

    async def telephony_push(
        self,
        actor_id: str,
        *,
        caller_name: str,
        caller_number: str,
        call_id: str | None = None,
        ring_seconds: float = 30.0,
        tracking_id: str | None = None,
        push_id: str | None = None,
    ) -> int:
        """Somebody calls the person `actor_id`, a uuid or an encoded id. The status of the answer.

        The further pushes of a call have the `call_id` and `tracking_id` of its first one.
        """
        call = {
            "pushId": push_id or str(uuid4()),
            "callId": call_id or str(uuid4()),
            "externalTrackingId": tracking_id or f"OFFHOOK_{uuid4()}",
            "ringUntil": int((self._clock() + ring_seconds) * 1000),
            "displayName": caller_name,
            "displayNumber": caller_number,
        }
        apns, fcm = (
            msgspec.Raw(msgspec.json.encode(msgspec.convert(call, kind)))
            for kind in (ApnsNewCall, NewCall)
        )
        data = msgspec.json.encode(TelephonyPushData(apns, fcm))
        return await self.event(TELEPHONY_PUSH, WebhookEventType.UPDATED, actor_id, data)

    async def event(self, resource: str, event: str, actor_id: str, data: bytes) -> int:
        """Any event; `data` is JSON and goes out as it is. The status of the answer."""
        envelope = WebhookEnvelope(
            id=self._webhook,
            name="Offhook test",
            targetUrl=self.url,
            resource=resource,
            event=event,
            orgId=self._organization,
            createdBy=self._administrator,
            ownedBy=WebhookOwner.ORG,
            status=WebhookStatus.ACTIVE,
            actorId=_encoded(actor_id),
            data=msgspec.Raw(data),
        )
        body = msgspec.json.encode(envelope)
        return await self.send_raw(body, self.signed(body))

    def signed(self, body: bytes) -> dict[str, str]:
        """The headers of a new delivery of `body`, signatures among them."""
        headers = {
            "Content-Type": "application/json",
            SPARK_SIGNATURE: spark_signature(self.secret, body),
        }
        if not self._like_webex:
            event_id, now = str(uuid4()), int(self._clock())
            headers[ID] = event_id
            headers[TIMESTAMP] = str(now)
            headers[SIGNATURE] = standard_signature(self.secret, event_id, now, body)
        return headers

    async def repeat(self) -> int:
        """The last delivery once more, unaltered. The status of the answer."""
        last = self.sent[-1]
        return await self.send_raw(last.body, last.headers)

    async def send_raw(self, body: bytes, headers: Mapping[str, str]) -> int:
        """These bytes with these headers, right or wrong. The status of the answer."""
        if self._http is None:
            raise RuntimeError("Use the sender in an `async with` block.")
        async with self._http.post(self.url, data=body, headers=headers) as answer:
            await answer.read()
        self.sent.append(SentEvent(body, dict(headers), answer.status))
        return answer.status


def _encoded(person: str) -> str:
    try:
        return encode_id(ResourceKind.PEOPLE, str(UUID(person)))
    except ValueError:
        return person
