"""Counts the calls that were missed while no webhook came; `engine.missed_calls` decides."""

import asyncio
import logging
from collections.abc import Callable

from offhook.engine.missed_calls import MissedCalls, Query
from offhook.errors import NotAuthorizedError, ServiceError, WebexError
from offhook.push.admin_token import TokenFileError
from offhook.push.cloud_errors import NotAllowedError, WebhookRefusedError
from offhook.push.history_client import CallHistoryClient
from offhook.serving.metrics import Figure

#: Seconds for all pages of a query.
_TIMEOUT = 60.0

logger = logging.getLogger(__name__)


class MissedCallCounter:
    """Part of the watcher. `clock` is Unix seconds."""

    def __init__(self, client: CallHistoryClient, clock: Callable[[], float]) -> None:
        self._client = client
        self._clock = clock
        self._missed = MissedCalls()

    @property
    def due(self) -> float | None:
        """When the history is to be asked next."""
        return self._missed.due

    def add(self, seconds: float) -> None:
        """For so long, until now, no webhook came."""
        now = self._clock()
        self._missed.add(now - seconds, now)

    async def count_due(self) -> None:
        """Ask the history, if it is time to. Never raises what the cloud can cause."""
        query = self._missed.query(self._clock())
        if query is None:
            return
        try:
            async with asyncio.timeout(_TIMEOUT):
                sides = await self._client.ended_between(query.since, query.ended_before)
        except (NotAuthorizedError, NotAllowedError, WebhookRefusedError, TokenFileError) as error:
            self._failed(query, error, hopeless=True)
        except ServiceError as error:
            self._failed(query, error, retry_after=error.retry_after)
        except (WebexError, TimeoutError) as error:
            self._failed(query, error)
        except Exception as error:
            # A fault of ours must not end the watch, nor be tried again and again.
            logger.exception("counting missed calls has a fault")
            self._failed(query, error, hopeless=True)
        else:
            count = self._missed.counted(query, sides, self._clock())
            logger.warning("%d calls were missed while the webhook was down", count)

    @property
    def figures(self) -> list[Figure]:
        """For ``/metrics``."""
        missed = self._missed
        return [
            (
                "counter",
                "push_calls_missed",
                "Calls that nobody answered while the webhook was down, by the call history.",
                lambda: missed.calls,
            ),
            (
                "counter",
                "push_calls_uncounted_seconds",
                "Seconds in which it was down, and for which the call history did not answer.",
                lambda: missed.uncounted,
            ),
        ]

    def _failed(
        self,
        query: Query,
        error: Exception,
        *,
        hopeless: bool = False,
        retry_after: float | None = None,
    ) -> None:
        now = self._clock()
        if self._missed.failed(query, now, hopeless=hopeless, retry_after=retry_after):
            logger.warning("the calls that were missed cannot be counted: %s", error)
