"""Looks after the firehose webhook while the backend runs; `engine.webhook_watch` decides."""

import asyncio
import contextlib
import logging
import ssl
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import assert_never

import msgspec

from offhook.engine.firehose_link import Change, Wanted, update_of
from offhook.engine.webhook_watch import (
    Activate,
    Active,
    Down,
    Effect,
    News,
    Tell,
    Unseen,
    WebhookWatch,
)
from offhook.errors import NotAuthorizedError, ServiceError, WebexError
from offhook.push.admin_token import AdminToken, TokenFileError, TokenSettings
from offhook.push.cloud_address import cloud_base, target_url
from offhook.push.cloud_errors import NotAllowedError
from offhook.push.history_client import CallHistoryClient, history_base
from offhook.push.last_seen import LastSeen
from offhook.push.missed import MissedCallCounter
from offhook.push.webhook_client import WebhookClient
from offhook.serving.address import ConfigError
from offhook.serving.metrics import Figure
from offhook.wire.webhooks import Webhook, WebhookStatus

logger = logging.getLogger(__name__)

#: Seconds that one look may take, with all its pages and an activation.
_LOOK_TIMEOUT = 60.0


class WatchSettings(TokenSettings, frozen=True, forbid_unknown_fields=True):
    """The part ``[watch]`` of the backend's configuration; see `TokenSettings` for the token.

    `target` is the address that `offhook push connect` was given. It is looked at every `seconds`.
    `history` is where the call history is, if not where it usually is.
    """

    target: str = ""
    seconds: float = 60.0
    history: str = ""

    def check(self) -> None:
        """Raises ConfigError."""
        if not 5 <= self.seconds <= 3600:
            raise ConfigError("watch.seconds must be 5 to 3600.")
        if self.refresh_token and not self.client_id:
            raise ConfigError(
                "watch.refresh_token needs watch.client_id (and client_secret) of its app."
            )
        if self.is_given:
            target_url("watch.target", self.target)
        if self.history:
            cloud_base("watch.history", self.history)

    def kept_below(self, data: Path) -> "WatchSettings":
        """The same, with the renewed token kept in the folder `data` unless they say where."""
        return msgspec.structs.replace(self, kept_in=self.kept_in or str(data / "admin-token.json"))


class WebhookWatcher:
    """A task of the backend. `start` it, `stop` it; `figures` are for ``/metrics``.

    `cloud` is the base address. `secret` is what the backend expects events to be signed with; it
    is only sent to a cloud that does not show the webhook's own. `last_seen` knows until when it
    was active before this start.
    """

    def __init__(
        self,
        cloud: str,
        settings: WatchSettings,
        *,
        secret: str | None = None,
        tls: ssl.SSLContext | None = None,
        last_seen: LastSeen | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._wall_clock = wall_clock
        self._sleep = sleep
        self._secret = secret
        self._target = settings.target
        self._watch = WebhookWatch(settings.target, settings.seconds, clock())
        self._last_seen = last_seen or LastSeen(None)
        token = AdminToken(cloud, settings, tls=tls)
        self._client = WebhookClient(cloud, token, tls=tls, patience=0.0)
        history = history_base(cloud, settings.history.rstrip("/").removesuffix("/v1"))
        self._history = CallHistoryClient(history, token, tls=tls)
        self._missed = MissedCallCounter(self._history, wall_clock)
        self._task: asyncio.Task[None] | None = None
        #: Why the last look failed, a sentence; empty if it did not.
        self.problem = ""

    async def start(self) -> None:
        """Begin to watch; the first look is at once, in the background."""
        seen = await asyncio.to_thread(self._last_seen.read)
        if seen is not None:
            self._watch.was_active(self._clock() - max(self._wall_clock() - seen, 0.0))
        self._task = asyncio.create_task(self._run(), name="offhook-webhook-watch")

    async def stop(self) -> None:
        """Stop watching; a request that is under way is given up."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    @property
    def condition(self) -> str:
        """``active``, ``inactive``, ``missing`` or ``unknown``."""
        match self._watch.state:
            case Unseen():
                return "unknown"
            case Active():
                return "active"
            case Down(gone=gone):
                return "missing" if gone else "inactive"
            case _ as never:
                assert_never(never)

    @property
    def seconds_without(self) -> tuple[float, float]:
        """Seconds since the start in which no calls came, at least and at most."""
        return self._watch.seconds_without(self._clock())

    @property
    def figures(self) -> list[Figure]:
        """For ``/metrics``."""
        tally = self._watch.tally
        numbers = {"active": 1.0, "unknown": -1.0}
        prefix = "push_webhook"
        return [
            (
                "gauge",
                f"{prefix}_active",
                "The cloud's webhook: 1 active, 0 disabled or gone, -1 not known yet.",
                lambda: numbers.get(self.condition, 0.0),
            ),
            ("counter", f"{prefix}_looks", "Looks at the webhook.", lambda: tally.looks),
            (
                "counter",
                f"{prefix}_failures",
                "Looks and re-activations that failed.",
                lambda: tally.failures,
            ),
            (
                "counter",
                f"{prefix}_disabled",
                "Times that the cloud had disabled it.",
                lambda: tally.disabled,
            ),
            ("counter", f"{prefix}_missing", "Times that it was gone.", lambda: tally.missing),
            (
                "counter",
                f"{prefix}_reactivated",
                "Times that it was set active again.",
                lambda: tally.activated,
            ),
            (
                "counter",
                f"{prefix}_down_seconds_least",
                "Seconds in which no calls came, from when that was seen.",
                lambda: self.seconds_without[0],
            ),
            (
                "counter",
                f"{prefix}_down_seconds_most",
                "Seconds in which no calls came, from when it was last seen active.",
                lambda: self.seconds_without[1],
            ),
            *self._missed.figures,
        ]

    async def _run(self) -> None:
        async with self._client, self._history:
            while True:
                await self._sleep(self._pause())
                if self._watch.due <= self._clock():
                    await self._look()
                await self._missed.count_due()

    def _pause(self) -> float:
        """Seconds until there is something to do."""
        pause = self._watch.due - self._clock()
        if self._missed.due is not None:
            pause = min(pause, self._missed.due - self._wall_clock())
        return max(pause, 0.0)

    async def _look(self) -> None:
        """One look, and what follows from it."""
        try:
            async with asyncio.timeout(_LOOK_TIMEOUT):
                found = await self._client.firehoses()
                for effect in self._watch.looked(found.webhooks, self._clock()):
                    await self._carry_out(effect)
            if isinstance(self._watch.state, Active):
                await asyncio.to_thread(self._last_seen.touch)
        except (NotAuthorizedError, NotAllowedError, TokenFileError) as error:
            self._failed(error, hopeless=True)
        except ServiceError as error:
            self._failed(error, retry_after=error.retry_after)
        except (WebexError, TimeoutError) as error:
            self._failed(error)
        except Exception as error:
            # A fault of ours must not end the watch, nor the backend.
            logger.exception("the watch over the webhook has a fault")
            self._failed(error)
        else:
            self.problem = ""

    async def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Activate(webhook):
                await self._activate(webhook)
            case Tell():
                self._tell(effect)
            case _ as never:
                assert_never(never)

    async def _activate(self, webhook: Webhook) -> None:
        wanted = Wanted(self._target, secret=None if webhook.secret else self._secret)
        update = update_of(webhook, wanted, frozenset({Change.STATUS}))
        changed = await self._client.update(webhook.id, update)
        if changed.status is not WebhookStatus.ACTIVE:
            raise ServiceError("The cloud took the re-activation and did not do it.", 200)
        for effect in self._watch.activated(self._clock()):
            await self._carry_out(effect)

    def _failed(
        self, error: Exception, *, hopeless: bool = False, retry_after: float | None = None
    ) -> None:
        match error:
            case WebexError():
                self.problem = error.message
            case TimeoutError():
                self.problem = "The cloud did not answer in time."
            case _:
                self.problem = "The watch has a fault of its own; the log says which."
        for effect in self._watch.failed(self._clock(), hopeless=hopeless, retry_after=retry_after):
            if isinstance(effect, Tell):
                self._tell(effect)

    def _tell(self, tell: Tell) -> None:
        match tell.news:
            case News.CONNECTED:
                logger.info("the cloud's webhook is active")
            case News.DISABLED:
                logger.warning(
                    "the cloud has disabled the webhook in the last %.0f s; setting it active",
                    tell.most,
                )
            case News.DISABLED_AGAIN:
                logger.error(
                    "the cloud has disabled the webhook again, soon after it was set active; it "
                    "does not get through to watch.target: check the name, the certificate and "
                    "the way from outside"
                )
            case News.MISSING:
                logger.error(
                    "the cloud has no webhook to watch.target that this token sees, so no calls "
                    "come; make it with `offhook push connect`"
                )
            case News.ACTIVE_AGAIN:
                logger.warning(
                    "the cloud's webhook is active again; no calls came for %.0f to %.0f s",
                    tell.least,
                    tell.most,
                )
                self._missed.add(tell.most)
            case News.CANNOT_LOOK:
                logger.error("the webhook cannot be looked after: %s", self.problem)
            case News.SEES_AGAIN:
                logger.info("the webhook is looked after again")
            case _ as never:
                assert_never(never)
