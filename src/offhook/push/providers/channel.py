"""The way of one app to one provider: a connection that is kept, and the lane of pushes on it."""

import asyncio
import logging
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol, assert_never

from offhook.engine.dispatch.lane import (
    Abandon,
    Effect,
    Finish,
    Lane,
    Reconnect,
    RenewCredentials,
    Send,
)
from offhook.engine.dispatch.model import Outcome, Push
from offhook.engine.dispatch.verdict import Reply, Verdict
from offhook.push.providers.http2 import (
    ConnectionLostError,
    Headers,
    Http2Answer,
    Http2Connection,
    connect,
)
from offhook.serving.address import ConfigError

logger = logging.getLogger(__name__)

#: Seconds between looks at what has waited too long, while anything waits.
_TICK = 0.05
#: Seconds before the second attempt to connect, the third, ...
_RESTS = (0.05, 0.1, 0.2, 0.3, 0.5)
#: The same while nothing waits to be sent: whoever is down is not pestered.
_IDLE_REST = 15.0


class ProviderError(ConfigError):
    """The provider cannot be used as it is configured; the message says what to do."""


class ProviderApi(Protocol):
    """What differs between Apple and Google."""

    name: str
    host: str
    port: int

    async def prepare(self) -> None:
        """Have credentials that are good. Raises OSError to try again, ProviderError to give up."""

    def renew(self) -> None:
        """The credentials were refused: let `prepare` make new ones."""

    def tls(self) -> ssl.SSLContext:
        """How to connect."""

    def request(self, push: Push, now: float) -> tuple[Headers, bytes]:
        """The request for a push."""

    def reply(self, answer: Http2Answer) -> Reply:
        """The answer, read."""

    def verdict(self, reply: Reply) -> Verdict:
        """What it means."""

    async def close(self) -> None:
        """Let go of what `prepare` opened."""


class Channel:
    """See the module. `clock` gives Unix seconds; `tell` gets exactly one outcome a push."""

    def __init__(
        self, api: ProviderApi, tell: Callable[[Outcome], None], clock: Callable[[], float]
    ) -> None:
        self._api = api
        self._tell = tell
        self._clock = clock
        self._lane = Lane()
        self._connection: Http2Connection | None = None
        self._retired: list[Http2Connection] = []
        self._under_way: dict[str, tuple[Http2Connection, int]] = {}
        self._keeping: asyncio.Task[None] | None = None
        self._ticking: asyncio.TimerHandle | None = None
        self._wanted = asyncio.Event()
        self._changed = asyncio.Event()
        self._stopped = False
        self.connects = 0

    async def start(self) -> None:
        """Connect, and stay connected, from now on."""
        self._keeping = asyncio.create_task(self._keep(), name=f"push-{self._api.name}")

    async def stop(self) -> None:
        """Send nothing more; what has no outcome is shed. Bounded by about 1 s."""
        self._stopped = True
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        if self._ticking is not None:
            self._ticking.cancel()
        self._carry_out(self._lane.stop(self._clock()))
        last = [self._connection] if self._connection is not None else []
        await asyncio.gather(*(connection.close() for connection in (*self._retired, *last)))
        await self._api.close()

    def send(self, push: Push) -> None:
        """Begin with a push."""
        self._wanted.set()
        self._carry_out(self._lane.add(push, self._clock()))
        if self._stopped:
            self._carry_out(self._lane.stop(self._clock()))
        elif self._ticking is None and self._lane.open:
            self._ticking = asyncio.get_running_loop().call_later(_TICK, self._tick)

    # --- effects ---

    def _carry_out(self, effects: list[Effect], heard_on: Http2Connection | None = None) -> None:
        for effect in effects:
            match effect:
                case Send(push=push):
                    self._send(push)
                case Abandon(push=push):
                    if (asked := self._under_way.pop(push.push_id, None)) is not None:
                        asked[0].abandon(asked[1])
                case Finish(outcome=outcome):
                    self._tell(outcome)
                case Reconnect():
                    self._replace(heard_on)
                case RenewCredentials():
                    # Many may be refused for the same reason; the first one renews.
                    if heard_on is self._connection:
                        self._api.renew()
                    self._replace(heard_on)
                case _:
                    assert_never(effect)

    def _send(self, push: Push) -> None:
        connection, push_id = self._connection, push.push_id
        if connection is None:
            self._carry_out(self._lane.unanswered(push_id, self._clock()))
            return

        def answered(answer: Http2Answer | None) -> None:
            self._under_way.pop(push_id, None)
            now = self._clock()
            if answer is None:
                lane = self._lane
                effects = (lane.failed if connection.usable else lane.unanswered)(push_id, now)
            else:
                try:
                    reply = self._api.reply(answer)
                except ValueError:
                    effects = self._lane.failed(push_id, now)
                else:
                    verdict = self._api.verdict(reply)
                    effects = self._lane.answered(push_id, reply, verdict, now)
            self._carry_out(effects, connection)

        headers, body = self._api.request(push, self._clock())
        try:
            self._under_way[push_id] = connection, connection.request(headers, body, answered)
        except ConnectionLostError:
            self._carry_out(self._lane.unanswered(push_id, self._clock()))

    def _replace(self, connection: Http2Connection | None) -> None:
        """Send nothing more on this connection; what is under way may still be answered."""
        if connection is None or connection is not self._connection:
            return
        self._retired = [each for each in self._retired if not each.lost]
        self._retired.append(connection)
        connection.retire()
        self._look_at_connection()

    def _look_at_connection(self) -> None:
        connection = self._connection
        if connection is not None and connection.usable:
            self._carry_out(self._lane.connected(connection.capacity, self._clock()))
        else:
            self._connection = None
            self._lane.disconnected()
        self._changed.set()

    def _tick(self) -> None:
        self._ticking = None
        self._carry_out(self._lane.tick(self._clock()))
        if self._lane.open:
            self._ticking = asyncio.get_running_loop().call_later(_TICK, self._tick)

    # --- connection ---

    async def _keep(self) -> None:
        """Have a connection at all times."""
        failures = 0
        while True:
            self._changed.clear()
            if self._connection is None:
                try:
                    await self._connect()
                except (OSError, ProviderError) as error:
                    failures += 1
                    self._complain(error, failures)
                    await self._pause(failures)
                    continue
                except Exception:
                    failures += 1
                    logger.exception("%s: connecting failed in an unexpected way", self._api.name)
                    await self._pause(failures)
                    continue
                failures = 0
            await self._changed.wait()

    async def _connect(self) -> None:
        api = self._api
        await api.prepare()
        connection = await connect(
            api.host, api.port, api.tls(), on_change=self._look_at_connection
        )
        self.connects += 1
        self._connection = connection
        self._look_at_connection()
        self._changed.clear()
        if self._connection is None:
            raise ConnectionLostError("The connection was closed at once.")

    async def _pause(self, failures: int) -> None:
        self._wanted.clear()
        rest = _RESTS[min(failures, len(_RESTS)) - 1]
        await asyncio.sleep(rest)
        if not self._lane.open and failures >= len(_RESTS):
            with suppress(TimeoutError):
                async with asyncio.timeout(_IDLE_REST):
                    await self._wanted.wait()

    def _complain(self, error: Exception, failures: int) -> None:
        # Once when it begins, and every so often while it lasts.
        if failures == 1 or failures % 20 == 0:
            logger.warning("%s cannot be reached: %s", self._api.name, error)
