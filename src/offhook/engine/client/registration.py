"""A line's registration, sans-I/O: which server next, when, and what the answers mean.

The rules are those of official clients (wire document, 3.3 to 3.6): primaries for 114 s with growing
pauses, then the backups twice, then failure; five missed keep-alives in a row and the line registers
again; on a backup it goes home to a primary after an hour or two.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

#: Seconds spent on primaries before the backups are tried.
PRIMARY_BUDGET = 114.0
#: Keep-alives that may fail in a row.
MISSED_KEEPALIVES = 5
_SHORTEST_RETRY = 30.0
_LONG_RETRY_AFTER = 60.0


class RegistrationState(StrEnum):
    """Where the registration is."""

    IDLE = "idle"
    REGISTERING = "registering"
    REGISTERED = "registered"
    RECONNECTING = "reconnecting"  # keep-alives fail, or a server is to be tried again later
    FAILED = "failed"


class Refusal(StrEnum):
    """What a server's answer to a registration means."""

    BAD_REQUEST = "bad_request"
    UNAUTHORIZED = "unauthorized"
    NOT_FOUND = "not_found"
    FORBIDDEN = "forbidden"
    UNAVAILABLE = "unavailable"


# --- what goes in ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Start:
    """Register."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A server took the line. Intervals in seconds."""

    server: str
    keepalive: float
    rehoming: float


@dataclass(frozen=True, slots=True)
class Refused:
    """A server did not. `retry_after` in seconds, if it said so."""

    refusal: Refusal
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class KeepAliveTaken:
    """The server still knows the line."""


@dataclass(frozen=True, slots=True)
class KeepAliveFailed:
    """It does not, or did not answer. `status` is HTTP's, 0 for none."""

    status: int
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """Unregister."""


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed. `busy` says whether there are calls, which a move home would end."""

    busy: bool = False


Input = Start | Accepted | Refused | KeepAliveTaken | KeepAliveFailed | Stop | Tick

# --- what comes out -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Register:
    """POST the line at this server."""

    server: str


@dataclass(frozen=True, slots=True)
class SendKeepAlive:
    """POST the line's status."""


@dataclass(frozen=True, slots=True)
class Unregister:
    """DELETE the line."""


@dataclass(frozen=True, slots=True)
class StateChanged:
    """The registration's state is another; `refusal` says why it failed."""

    state: RegistrationState
    refusal: Refusal | None = None


Effect = Register | SendKeepAlive | Unregister | StateChanged


class Registration:
    """One line. `random` gives 0 to 1; times in seconds of any steady clock."""

    def __init__(
        self, primaries: Sequence[str], backups: Sequence[str], *, random: Callable[[], float]
    ) -> None:
        if not primaries:
            raise ValueError("A registration needs at least one server.")
        self._primaries = tuple(primaries)
        self._backups = tuple(each for each in backups if each not in self._primaries)
        self._random = random
        self.state = RegistrationState.IDLE
        self._trying: list[str] = []
        self._attempt = 0
        self._since = 0.0
        self._retry_at: float | None = None
        self._keepalive_at: float | None = None
        self._keepalive = 30.0
        self._missed = 0
        self._rehome_at: float | None = None
        self._backup_rounds = 0
        self._on_backups = False
        self._out: list[Effect] = []

    @property
    def deadline(self) -> float | None:
        """When the next `Tick` is due."""
        times = (self._retry_at, self._keepalive_at, self._rehome_at)
        return min((each for each in times if each is not None), default=None)

    def handle(self, event: Input, now: float) -> list[Effect]:
        """Take an input at `now`; what is to be done comes back."""
        self._out = []
        match event:
            case Start():
                self._begin(now)
            case Accepted():
                self._accepted(event, now)
            case Refused():
                self._refused(event, now)
            case KeepAliveTaken():
                self._missed = 0
                if self.state is RegistrationState.RECONNECTING and self._retry_at is None:
                    self._set(RegistrationState.REGISTERED)
            case KeepAliveFailed():
                self._keepalive_failed(event, now)
            case Stop():
                if self.state in (RegistrationState.REGISTERED, RegistrationState.RECONNECTING):
                    self._out.append(Unregister())
                self._rest()
                self._set(RegistrationState.IDLE)
            case Tick():
                self._tick(event, now)
            case _:
                assert_never(event)
        return self._out

    def _begin(self, now: float) -> None:
        self._rest()
        self._attempt = self._backup_rounds = 0
        self._on_backups = False
        self._since = now
        self._try(self._primaries)

    def _try(self, servers: Sequence[str]) -> None:
        self._trying = list(servers)
        self._set(RegistrationState.REGISTERING)
        self._out.append(Register(self._trying.pop(0)))

    def _accepted(self, event: Accepted, now: float) -> None:
        self._keepalive = max(event.keepalive, 1.0)
        self._keepalive_at = now + self._keepalive
        self._missed = 0
        self._retry_at = None
        self._rehome_at = None if event.server in self._primaries else now + event.rehoming
        self._set(RegistrationState.REGISTERED)

    def _refused(self, event: Refused, now: float) -> None:
        if event.refusal is not Refusal.UNAVAILABLE:
            self._fail(event.refusal)
        elif self._trying:
            self._out.append(Register(self._trying.pop(0)))
        elif self._on_backups:
            self._backups_failed(now)
        else:
            self._primaries_failed(event.retry_after, now)

    def _primaries_failed(self, retry_after: float | None, now: float) -> None:
        left = PRIMARY_BUDGET - (now - self._since)
        wait = self._pause()
        if retry_after is not None:
            wait = retry_after
        if wait >= left or (retry_after or 0) >= _LONG_RETRY_AFTER:
            wait = left if retry_after is None and left > _SHORTEST_RETRY else 0.0
        if wait <= 0 or (retry_after is not None and retry_after >= _LONG_RETRY_AFTER):
            self._go_to_backups(now, retry_after)
        else:
            self._later(now + wait)

    def _go_to_backups(self, now: float, retry_after: float | None) -> None:
        if not self._backups:
            # The same servers are all there is: begin anew, as late as they asked.
            self._attempt = 0
            wait = retry_after or self._pause()
            self._since = now + wait
            self._later(now + wait)
            return
        self._on_backups = True
        self._backup_rounds = 1
        self._try(self._backups)

    def _backups_failed(self, now: float) -> None:
        if self._backup_rounds < 2:
            self._backup_rounds += 1
            self._later(now + self._pause())
        else:
            self._fail(Refusal.UNAVAILABLE)

    def _pause(self) -> float:
        pause: float = _SHORTEST_RETRY + 2**self._attempt + 1 + 9 * self._random()
        self._attempt = min(self._attempt + 1, 10)
        return pause

    def _later(self, at: float) -> None:
        self._retry_at = at
        self._set(RegistrationState.RECONNECTING)

    def _keepalive_failed(self, event: KeepAliveFailed, now: float) -> None:
        if self.state not in (RegistrationState.REGISTERED, RegistrationState.RECONNECTING):
            return
        match event.status:
            case 404:
                self._begin(now)
            case 400:
                self._fail(Refusal.BAD_REQUEST)
            case 401:
                self._fail(Refusal.UNAUTHORIZED)
            case 429:
                self._keepalive_at = now + (event.retry_after or self._keepalive)
            case _:
                self._missed += 1
                if self._missed >= MISSED_KEEPALIVES:
                    self._begin(now)
                else:
                    self._set(RegistrationState.RECONNECTING)

    def _tick(self, event: Tick, now: float) -> None:
        if self._retry_at is not None and self._retry_at <= now:
            self._retry_at = None
            self._try(self._backups if self._on_backups else self._primaries)
        if self._keepalive_at is not None and self._keepalive_at <= now:
            self._keepalive_at = now + self._keepalive
            self._out.append(SendKeepAlive())
        if self._rehome_at is not None and self._rehome_at <= now:
            self._rehome_at = now + 60.0
            if not event.busy:
                self._out.append(Unregister())
                self._begin(now)

    def _fail(self, refusal: Refusal) -> None:
        self._rest()
        self._set(RegistrationState.FAILED, refusal)

    def _rest(self) -> None:
        self._retry_at = self._keepalive_at = self._rehome_at = None
        self._missed = 0
        self._trying = []

    def _set(self, state: RegistrationState, refusal: Refusal | None = None) -> None:
        if self.state is not state or refusal is not None:
            self.state = state
            self._out.append(StateChanged(state, refusal))
