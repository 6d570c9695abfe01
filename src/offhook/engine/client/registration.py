"""A line's registration with Mobius: keep-alive, fail-over to the backups, and back.

Source: wire document, 3.3 to 3.6. Where an official client would give up for good because no server
answers, this one reports the failure and goes on trying slowly: a program has nobody who reloads
the page.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import assert_never

from offhook.engine.client import registration_io as io


class LineRegistration:
    """See the module. `uniform(a, b)` gives a random number of that range.

    Times are seconds of any steady clock.
    """

    def __init__(self, *, uniform: Callable[[float, float], float]) -> None:
        self._uniform = uniform
        self._primary: tuple[str, ...] = ()
        self._backup: tuple[str, ...] = ()
        self._state: io.State = io.Idle()
        self._calls = False
        self._now = 0.0
        self._out: list[io.Effect] = []

    @property
    def line(self) -> io.Line | None:
        """The registered line."""
        return self._state.line if isinstance(self._state, io.Active) else None

    @property
    def deadline(self) -> float | None:
        """When the next `Tick` is due."""
        return min(self._deadlines(), default=None)

    def _deadlines(self) -> Iterator[float]:
        match self._state:
            case io.Pausing(until=until):
                yield until
            case io.Active(keepalive_at=keepalive_at, leave_at=leave_at):
                if keepalive_at is not None:
                    yield keepalive_at
                if leave_at is not None:
                    yield leave_at
            case _:
                return

    def handle(self, event: io.Input, now: float) -> list[io.Effect]:
        """Take an input and the time; returns what has to be done. Never raises."""
        self._now = max(now, self._now)
        self._out = []
        match event:
            case io.Start():
                self._start(event)
            case io.Stop():
                self._stop()
            case io.Registered():
                self._registered(event.line)
            case io.Refused():
                self._refused(event)
            case io.KeptAlive():
                self._kept_alive(event.refused)
            case io.Pinged():
                self._pinged(event.answered)
            case io.Deleted():
                self._deleted()
            case io.CallsChanged():
                self._calls = event.active
                if isinstance(self._state, io.Lost) and not self._calls:
                    self._try((self._state.base,), io.Role.PRIMARY)
            case io.EventsBack():
                self._events_back()
            case io.Tick():
                self._tick()
            case _:
                assert_never(event)
        return self._out

    # --- beginning and ending ---

    def _start(self, event: io.Start) -> None:
        self._primary, self._backup = event.primary, event.backup
        if isinstance(self._state, io.Idle | io.Refusal | io.Pausing):
            self._do(io.Report(io.LineStatus.CONNECTING))
            self._try(self._primary or self._backup, io.Role.PRIMARY)

    def _stop(self) -> None:
        line = self.line
        if line is not None:
            self._do(io.DeleteDevice(line.uri))
        if not isinstance(self._state, io.Idle):
            self._state = io.Idle()
            self._do(io.Report(io.LineStatus.STOPPED))

    # --- trying ---

    def _try(
        self,
        servers: tuple[str, ...],
        role: io.Role,
        *,
        began: float | None = None,
        attempt: int = 1,
        fail_back: int = 0,
    ) -> None:
        self._state = io.Trying(
            servers,
            role,
            self._now if began is None else began,
            attempt,
            fail_back=fail_back,
        )
        self._do(io.PostDevice(servers[0]))

    def _registered(self, line: io.Line) -> None:
        if isinstance(self._state, io.Idle):
            self._do(io.DeleteDevice(line.uri))  # stopped while it was on its way
            return
        if not isinstance(self._state, io.Trying):
            return
        role = self._state.role if line.base not in self._primary else io.Role.PRIMARY
        active = io.Active(line, role, self._now + line.keepalive)
        self._state = self._with_fail_back(active)
        self._do(io.Report(io.LineStatus.REGISTERED, line=line))

    def _with_fail_back(self, active: io.Active) -> io.Active:
        if active.role is io.Role.PRIMARY or not self._primary:
            return active
        line = active.line
        minutes = self._uniform(line.rehoming_min, line.rehoming_max)
        return replace(active, leave_at=self._now + 60.0 * minutes)

    def _refused(self, refused: io.Refused) -> None:
        state = self._state
        if not isinstance(state, io.Trying):
            return
        if refused.rival and state.rivals < io.RIVALS_REMOVED:
            self._state = replace(state, deleting=refused.rival, rivals=state.rivals + 1)
            self._do(io.DeleteDevice(refused.rival))
            return
        failure = _final(refused)
        if failure is not None and not state.fail_back:
            self._state = io.Refusal()
            self._do(io.Report(io.LineStatus.FAILED, failure))
            return
        waits = [each for each in (state.retry_after, refused.retry_after) if each is not None]
        retry_after = max(waits, default=None)
        if len(state.servers) > 1 and failure is None:
            self._state = replace(state, servers=state.servers[1:], retry_after=retry_after)
            self._do(io.PostDevice(state.servers[1]))
        elif state.fail_back:
            self._fail_back_failed(state, refused)
        elif state.role is io.Role.PRIMARY:
            self._primaries_failed(state, retry_after)
        else:
            self._backups_failed(state)

    def _fail_back_failed(self, state: io.Trying, refused: io.Refused) -> None:
        if refused.status == 429 and state.fail_back < io.FAIL_BACK_TRIES:
            wait = refused.retry_after or io.RETRY_BASE
            self._state = io.Pausing(
                self._now + wait, io.Role.PRIMARY, state.began, 1, state.fail_back + 1
            )
        else:
            self._try(self._backup, io.Role.BACKUP)

    def _primaries_failed(self, state: io.Trying, retry_after: float | None) -> None:
        self._do(io.Report(io.LineStatus.UNREGISTERED, io.LineFailure.UNREACHABLE))
        elapsed = self._now - state.began
        left = io.PRIMARY_BUDGET - elapsed
        if retry_after is not None:
            if retry_after < io.LONG_RETRY_AFTER and retry_after <= left:
                self._pause(retry_after, state)
            elif self._backup:
                self._to_backups()
            else:
                self._state = io.Pausing(
                    self._now + retry_after, io.Role.PRIMARY, self._now + retry_after, 1
                )
            return
        interval = min(self._interval(state.attempt), left)
        if interval > io.RETRY_BASE:
            self._pause(interval, state)
        elif self._backup:
            self._to_backups()
        else:
            self._all_failed()

    def _to_backups(self) -> None:
        self._do(io.Report(io.LineStatus.CONNECTING, io.LineFailure.FAIL_OVER))
        self._try(self._backup, io.Role.BACKUP)

    def _pause(self, seconds: float, state: io.Trying) -> None:
        until = self._now + seconds
        self._state = io.Pausing(until, state.role, state.began, state.attempt + 1)

    def _backups_failed(self, state: io.Trying) -> None:
        if state.attempt == 1:
            self._do(io.Report(io.LineStatus.UNREGISTERED, io.LineFailure.UNREACHABLE))
            self._pause(self._interval(1), state)
        else:
            self._all_failed()

    def _all_failed(self) -> None:
        self._do(io.Report(io.LineStatus.FAILED, io.LineFailure.ALL_SERVERS_FAILED))
        again = self._now + io.SLOW_RETRY
        self._state = io.Pausing(again, io.Role.PRIMARY, again, 1)

    def _interval(self, attempt: int) -> float:
        return io.RETRY_BASE + 2.0**attempt + self._uniform(*io.RETRY_CHANCE)

    # --- while registered ---

    def _kept_alive(self, refused: io.Refused | None) -> None:
        state = self._state
        if not isinstance(state, io.Active):
            return
        if refused is None:
            if state.misses or state.unsure:
                self._do(io.Report(io.LineStatus.REGISTERED, line=state.line))
            due = self._now + state.line.keepalive
            self._state = replace(state, keepalive_at=due, misses=0, unsure=False)
            return
        match refused.status:
            case 400 | 401:
                failure = _final(refused) or io.LineFailure.BAD_REQUEST
                self._state = io.Refusal()
                self._do(io.Report(io.LineStatus.FAILED, failure))
            case 404:
                self._do(io.Report(io.LineStatus.UNREGISTERED, io.LineFailure.NOT_FOUND))
                self._try((state.line.base,), state.role)
            case 429:
                wait = refused.retry_after or state.line.keepalive
                self._state = replace(state, keepalive_at=self._now + wait)
            case _:
                self._missed(state, refused)

    def _missed(self, state: io.Active, refused: io.Refused) -> None:
        misses = state.misses + 1
        if misses < io.MISSED_KEEPALIVES:
            self._do(io.Report(io.LineStatus.RECONNECTING, io.LineFailure.UNREACHABLE, state.line))
            self._state = replace(
                state,
                keepalive_at=self._now + state.line.keepalive,
                misses=misses,
                outage=state.outage or refused.status is None,
            )
            return
        self._do(io.Report(io.LineStatus.UNREGISTERED, io.LineFailure.UNREACHABLE))
        if self._calls:
            self._state = io.Lost(state.line.base)
        else:
            self._try((state.line.base,), state.role)

    def _events_back(self) -> None:
        state = self._state
        match state:
            case io.Active():
                # The service may have restarted: find out now, not at the next interval.
                leave_at = self._now + io.IDLE_CHECK if state.outage else state.leave_at
                self._state = replace(state, leave_at=leave_at, unsure=True)
                if state.keepalive_at is not None:
                    self._keep_alive(self._state)
            case io.Pausing():
                self._try(self._primary or self._backup, io.Role.PRIMARY)
            case io.Lost(base=base):
                self._try((base,), io.Role.PRIMARY)
            case _:
                return

    def _keep_alive(self, state: io.State) -> None:
        if isinstance(state, io.Active):
            self._state = replace(state, keepalive_at=None)
            self._do(io.PostStatus(state.line.uri))

    # --- registering anew ---

    def _leave(self, state: io.Active) -> None:
        if self._calls:
            wait = io.IDLE_CHECK if state.outage else None
            self._state = (
                replace(state, leave_at=self._now + wait)
                if wait is not None
                else self._with_fail_back(state)
            )
        elif state.outage:
            self._state = io.Leaving((state.line.base,), state.role, fail_back=False)
            self._do(io.DeleteDevice(state.line.uri))
        else:
            self._state = replace(state, leave_at=None, pinging=True)
            self._do(io.GetPing(self._primary[0]))

    def _pinged(self, answered: bool) -> None:
        state = self._state
        if not isinstance(state, io.Active) or not state.pinging:
            return
        if answered and not self._calls:
            self._state = io.Leaving(self._primary, io.Role.PRIMARY, fail_back=True)
            self._do(io.Report(io.LineStatus.CONNECTING, io.LineFailure.FAIL_BACK))
            self._do(io.DeleteDevice(state.line.uri))
        else:
            self._state = self._with_fail_back(replace(state, pinging=False))

    def _deleted(self) -> None:
        state = self._state
        if isinstance(state, io.Leaving):
            self._try(state.servers, state.role, fail_back=int(state.fail_back))
        elif isinstance(state, io.Trying) and state.deleting:
            base = state.deleting.partition("devices/")[0] or state.servers[0]
            self._state = replace(state, deleting="", servers=(base, *state.servers[1:]))
            self._do(io.PostDevice(base))

    # --- time ---

    def _tick(self) -> None:
        state = self._state
        if isinstance(state, io.Pausing):
            if state.until <= self._now:
                servers = self._primary if state.role is io.Role.PRIMARY else self._backup
                self._do(io.Report(io.LineStatus.CONNECTING))
                self._try(
                    servers or self._primary or self._backup,
                    state.role,
                    began=state.began,
                    attempt=state.attempt,
                    fail_back=state.fail_back,
                )
        elif isinstance(state, io.Active):
            if state.leave_at is not None and state.leave_at <= self._now:
                self._leave(state)
            elif state.keepalive_at is not None and state.keepalive_at <= self._now:
                self._keep_alive(state)

    def _do(self, effect: io.Effect) -> None:
        self._out.append(effect)


def _final(refused: io.Refused) -> io.LineFailure | None:
    """Why trying again, or elsewhere, cannot help; None if it can."""
    match refused.status, refused.error_code:
        case 400, _:
            return io.LineFailure.BAD_REQUEST
        case 401, _:
            return io.LineFailure.UNAUTHORIZED
        case 404, _:
            return io.LineFailure.NOT_FOUND
        case 403, 102:
            return io.LineFailure.FORBIDDEN
        case _:
            return None
