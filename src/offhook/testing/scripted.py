"""What the stand-ins of Apple and Google have in common: trouble on demand."""

import asyncio
from collections import deque
from dataclasses import dataclass

from offhook.testing.http2_server import Http2Server


@dataclass(frozen=True, slots=True)
class Script:
    """An answer that was asked for. None as `status`: the stream is reset.

    `timestamp` is in milliseconds, as Apple gives it; `retry_after` in seconds.
    """

    status: int | None
    reason: str = ""
    timestamp: int | None = None
    retry_after: int | None = None


class Scripted:
    """Answers as it is told, for a device token or for the next requests, until told otherwise."""

    server: Http2Server

    def __init__(self) -> None:
        self._for_token: dict[str, Script] = {}
        self._next: deque[Script] = deque()
        self._delay = 0.0
        self._gate: asyncio.Event | None = None
        self.waiting = 0

    def answer(
        self,
        status: int | None,
        reason: str = "",
        *,
        token: str | None = None,
        times: int = 1,
        timestamp: int | None = None,
        retry_after: int | None = None,
    ) -> None:
        """Answer the next `times` requests so; or all for `token`, until its status is 200."""
        script = Script(status, reason, timestamp, retry_after)
        if token is None:
            self._next.extend([script] * times)
        elif status == 200:
            self._for_token.pop(self.spelled(token), None)
        else:
            self._for_token[self.spelled(token)] = script

    def spelled(self, token: str) -> str:
        """The one way to write a device token, where there are several."""
        return token

    def delay(self, seconds: float) -> None:
        """Take so long for each answer from now on."""
        self._delay = seconds

    def hold(self) -> None:
        """Answer nothing until `let_go`."""
        self._gate = asyncio.Event()

    def let_go(self) -> None:
        """Answer what waits."""
        if self._gate is not None:
            self._gate.set()
            self._gate = None

    def go_away(self) -> None:
        """GOAWAY on every connection, in the middle of what is under way."""
        self.server.go_away()

    async def down(self) -> None:
        """Cut all connections and refuse new ones."""
        await self.server.down()

    async def up(self) -> None:
        """Be there again, at the same address."""
        await self.server.up()

    async def next_script(self, token: str) -> Script | None:
        """What was asked for this request, after what it was told to wait."""
        self.waiting += 1
        try:
            if self._gate is not None:
                await self._gate.wait()
            if self._delay:
                await asyncio.sleep(self._delay)
        finally:
            self.waiting -= 1
        known = self._for_token.get(self.spelled(token))
        if known is not None:
            return known
        return self._next.popleft() if self._next else None
