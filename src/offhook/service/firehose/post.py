"""One attempt to hand an event to its receiver."""

import logging
from collections.abc import Callable
from types import TracebackType
from typing import Self
from urllib.parse import urljoin

import aiohttp

from offhook.service.firehose.targets import CheckedResolver, TargetRefusedError, Targets
from offhook.service.firehose.webhooks import StoredWebhook
from offhook.wire.webhook_signature import (
    ID,
    SIGNATURE,
    TIMESTAMP,
    spark_signature,
    standard_signature,
)
from offhook.wire.webhooks import SPARK_SIGNATURE

logger = logging.getLogger(__name__)

#: Connections to one receiver.
CONNECTIONS = 64
_MOST_REDIRECTS = 3
#: Of an answer this much is read, so that the connection can be used again.
_MOST_ANSWER = 65_536


class Poster:
    """Posts events over connections that are kept. `clock` gives Unix seconds."""

    def __init__(self, targets: Targets, clock: Callable[[], float]) -> None:
        self._targets = targets
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(
            resolver=CheckedResolver(self._targets),
            limit=0,
            limit_per_host=CONNECTIONS,
            keepalive_timeout=60.0,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            headers={"user-agent": "Offhook", "content-type": "application/json"},
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def post(
        self, webhook: StoredWebhook, event_id: str, body: bytes, seconds: float
    ) -> bool:
        """Whether the receiver took the event, within `seconds`. Never raises for a receiver."""
        try:
            status = await self._status(webhook, event_id, body, seconds)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            reason = type(error).__name__
            if isinstance(error, TargetRefusedError) or isinstance(
                error.__cause__, TargetRefusedError
            ):
                reason = "private address"
            logger.warning("webhook %s: an event was not delivered: %s", webhook.webhook_id, reason)
            return False
        if not 200 <= status < 300:
            logger.warning("webhook %s: its receiver answered %d", webhook.webhook_id, status)
            return False
        return True

    async def _status(
        self, webhook: StoredWebhook, event_id: str, body: bytes, seconds: float
    ) -> int:
        assert self._session is not None
        url = webhook.target_url
        headers = self._headers(webhook, event_id, body)
        limit = aiohttp.ClientTimeout(total=seconds)
        for _ in range(_MOST_REDIRECTS + 1):
            self._targets.check(url)
            async with self._session.post(
                url, data=body, headers=headers, allow_redirects=False, timeout=limit
            ) as answer:
                location = answer.headers.get("location")
                if answer.status in (307, 308) and location:
                    url = urljoin(url, location)
                    continue
                await answer.content.read(_MOST_ANSWER)
                return answer.status
        return 310  # Too many of them.

    def _headers(self, webhook: StoredWebhook, event_id: str, body: bytes) -> dict[str, str]:
        now = int(self._clock())
        headers = {ID: event_id, TIMESTAMP: str(now)}
        if webhook.secret:
            headers[SPARK_SIGNATURE] = spark_signature(webhook.secret, body)
            headers[SIGNATURE] = standard_signature(webhook.secret, event_id, now, body)
        return headers
