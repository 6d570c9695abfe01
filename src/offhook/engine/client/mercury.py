"""The event connection as a client keeps it: hand-shake, pings, acknowledgements, coming back.

Source: wire document, 2.2. The close codes after which an official client comes back, and those
after which it stays away, are followed, with one exception: 1012 and 1013, by which a server that
restarts or is overloaded asks to come back (RFC 6455 registry).
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import assert_never

from offhook.engine.client import mercury_io as io
from offhook.wire.mercury import (
    PING_INTERVAL,
    PONG_TIMEOUT,
    ClientFrame,
    CloseCode,
    FrameType,
    ServerFrame,
)

_COMES_BACK = frozenset({1001, 1005, 1006, 1011, 1012, 1013})
_COMES_BACK_REASONS = frozenset({"idle", "done (forced)", "pong not received", "pong mismatch"})
_REMEMBERED = 256


class MercurySession:
    """See the module. `new_id` makes ids of frames. Times in seconds of any steady clock."""

    def __init__(self, *, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self._state: io.State = io.Idle()
        self._sockets = 0
        self._was_online = False
        self._renewed = False
        self._retired: tuple[int, float] | None = None
        self._seen: deque[str] = deque(maxlen=_REMEMBERED)
        self._now = 0.0
        self._out: list[io.Effect] = []

    @property
    def online(self) -> bool:
        """Whether events come."""
        return isinstance(self._state, io.Online)

    @property
    def deadline(self) -> float | None:
        """When the next `Tick` is due."""
        return min(self._deadlines(), default=None)

    def _deadlines(self) -> Iterator[float]:
        if isinstance(self._state, io.Waiting | io.Opening):
            yield self._state.until
        elif isinstance(self._state, io.Online):
            yield self._state.due
            if self._state.successor is not None:
                yield self._state.successor_until
        if self._retired is not None:
            yield self._retired[1]

    def handle(self, event: io.Input, now: float) -> list[io.Effect]:
        """Take an input and the time; returns what has to be done. Never raises."""
        self._now = max(now, self._now)
        self._out = []
        match event:
            case io.Start():
                if isinstance(self._state, io.Idle | io.GivenUp):
                    self._renewed = False
                    self._open(1)
            case io.Stop():
                self._stop()
            case io.Opened():
                if event.socket in self._current():
                    self._do(io.Authorize(event.socket, self._new_id()))
            case io.FrameCame():
                self._frame(event.socket, event.frame)
            case io.Closed():
                self._closed(event)
            case io.Renewed():
                self._renewal_over(event.succeeded)
            case io.Hurry():
                self._hurry()
            case io.Tick():
                self._tick()
            case _:
                assert_never(event)
        return self._out

    # --- opening ---

    def _current(self) -> tuple[int, ...]:
        match self._state:
            case io.Opening(socket=socket):
                return (socket,)
            case io.Online(socket=socket, successor=successor):
                return (socket,) if successor is None else (socket, successor)
            case _:
                return ()

    def _open(self, attempt: int) -> None:
        self._state = io.Opening(self._next_socket(), attempt, self._now + io.HANDSHAKE_TIMEOUT)

    def _next_socket(self) -> int:
        self._sockets += 1
        self._do(io.OpenSocket(self._sockets))
        return self._sockets

    def _wait(self, attempt: int) -> None:
        delay = min(io.BACKOFF_FIRST * 2 ** (attempt - 1), io.BACKOFF_MOST)
        self._state = io.Waiting(self._now + delay, attempt + 1)

    def _renewal_over(self, succeeded: bool) -> None:
        if not isinstance(self._state, io.Renewing):
            return
        if succeeded:
            self._open(self._state.attempt)
        else:
            self._wait(self._state.attempt)

    # --- frames ---

    def _frame(self, socket: int, frame: ServerFrame) -> None:
        retired = self._retired is not None and self._retired[0] == socket
        if socket not in self._current() and not retired:
            return
        if frame.id:
            self._do(io.SendFrame(socket, ClientFrame(FrameType.ACK, messageId=frame.id)))
        match frame.type:
            case FrameType.PONG:
                self._pong(socket, frame.id)
            case FrameType.SHUTDOWN:
                self._succeed(socket)
            case _:
                if frame.data:
                    self._event(socket, frame)

    def _event(self, socket: int, frame: ServerFrame) -> None:
        if isinstance(self._state, io.Opening) and socket == self._state.socket:
            self._go_online(socket)
            again, self._was_online = self._was_online, True
            self._do(io.WentOnline(again))
        elif isinstance(self._state, io.Online) and socket == self._state.successor:
            self._retired = (self._state.socket, self._now + io.RETIREMENT)
            self._go_online(socket)
        if frame.id and frame.id in self._seen:
            return
        if frame.id:
            self._seen.append(frame.id)
        self._do(io.Deliver(frame.data, frame.trackingId or ""))

    def _go_online(self, socket: int) -> None:
        self._renewed = False
        self._state = io.Online(socket, self._now)
        self._ping(self._state)

    # --- pings ---

    def _ping(self, online: io.Online) -> None:
        ping = self._new_id()
        self._do(io.SendFrame(online.socket, ClientFrame(FrameType.PING, id=ping)))
        self._state = io.Online(
            online.socket,
            self._now + PONG_TIMEOUT,
            ping,
            online.successor,
            online.successor_until,
        )

    def _hurry(self) -> None:
        """A program that was put to sleep for a while does not know that its connection is dead."""
        match self._state:
            case io.Waiting(attempt=attempt):
                self._open(attempt)
            case io.Online(ping=ping) as online:
                if ping is None:
                    self._ping(online)
                    online = self._state
                due = min(online.due, self._now + io.HURRIED_PONG)
                self._state = replace(online, due=due)
            case _:
                return

    def _pong(self, socket: int, ping: str | None) -> None:
        state = self._state
        if not isinstance(state, io.Online) or socket != state.socket or state.ping is None:
            return
        if ping != state.ping:
            self._break_off("Pong mismatch")
            return
        self._state = io.Online(
            state.socket,
            self._now + PING_INTERVAL,
            None,
            state.successor,
            state.successor_until,
        )

    def _break_off(self, reason: str) -> None:
        for socket in self._current():
            self._do(io.CloseSocket(socket, CloseCode.DONE, reason))
        self._do(io.WentOffline())
        self._open(1)

    # --- closing ---

    def _closed(self, event: io.Closed) -> None:
        state = self._state
        if self._retired is not None and event.socket == self._retired[0]:
            self._retired = None
        elif isinstance(state, io.Opening) and event.socket == state.socket:
            self._not_opened(state, event)
        elif isinstance(state, io.Online) and event.socket == state.successor:
            self._state = io.Online(state.socket, state.due, state.ping)
        elif isinstance(state, io.Online) and event.socket == state.socket:
            self._lost(state, event)

    def _not_opened(self, state: io.Opening, event: io.Closed) -> None:
        if event.code in (CloseCode.BAD_REQUEST, CloseCode.FORBIDDEN):
            self._give_up(io.GiveUpReason.FORBIDDEN, event.code)
        elif event.code == CloseCode.UNAUTHORIZED or event.status == 401:
            if self._renewed:
                self._give_up(io.GiveUpReason.UNAUTHORIZED, event.code)
            else:
                self._renew(state.attempt, io.RenewCredentials())
        elif (event.code == 1005 or event.status == 404) and not self._renewed:
            self._renew(state.attempt, io.RenewDevice())
        else:
            self._wait(state.attempt)

    def _renew(self, attempt: int, what: io.RenewCredentials | io.RenewDevice) -> None:
        self._renewed = True
        self._state = io.Renewing(attempt)
        self._do(what)

    def _lost(self, state: io.Online, event: io.Closed) -> None:
        self._do(io.WentOffline())
        if state.successor is not None:
            self._state = io.Opening(state.successor, 1, state.successor_until)
            return
        comes_back = event.code in _COMES_BACK or (
            event.code in (CloseCode.DONE, 3050)
            and event.reason.strip().casefold() in _COMES_BACK_REASONS
        )
        if comes_back:
            self._open(1)
        elif event.code in (CloseCode.REPLACED, CloseCode.SHUTDOWN_SWITCHED):
            self._give_up(io.GiveUpReason.REPLACED, event.code)
        else:
            self._give_up(io.GiveUpReason.CLOSED, event.code)

    def _give_up(self, reason: io.GiveUpReason, code: int) -> None:
        self._state = io.GivenUp()
        self._do(io.GaveUp(reason, code))

    def _succeed(self, socket: int) -> None:
        """The server goes away soon: open another socket before it does."""
        state = self._state
        if isinstance(state, io.Online) and socket == state.socket and state.successor is None:
            self._state = io.Online(
                state.socket,
                state.due,
                state.ping,
                self._next_socket(),
                self._now + io.HANDSHAKE_TIMEOUT,
            )

    def _stop(self) -> None:
        sockets = self._current()
        if self._retired is not None:
            sockets += (self._retired[0],)
        for socket in sockets:
            self._do(io.CloseSocket(socket, CloseCode.DONE, "Done"))
        self._retired = None
        self._was_online = False
        self._state = io.Idle()

    # --- time ---

    def _tick(self) -> None:
        now = self._now
        if self._retired is not None and self._retired[1] <= now:
            self._do(io.CloseSocket(self._retired[0], CloseCode.DONE, "Done"))
            self._retired = None
        state = self._state
        match state:
            case io.Waiting() if state.until <= now:
                self._open(state.attempt)
            case io.Opening() if state.until <= now:
                self._do(io.CloseSocket(state.socket, CloseCode.DONE, "Not authorized in time"))
                self._wait(state.attempt)
            case io.Online():
                self._tick_online(state)
            case _:
                return

    def _tick_online(self, state: io.Online) -> None:
        if state.successor is not None and state.successor_until <= self._now:
            self._do(io.CloseSocket(state.successor, CloseCode.DONE, "Not authorized in time"))
            state = io.Online(state.socket, state.due, state.ping)
            self._state = state
        if state.due > self._now:
            return
        if state.ping is not None:
            self._break_off("Pong not received")
        else:
            self._ping(state)

    def _do(self, effect: io.Effect) -> None:
        self._out.append(effect)
