"""What goes into a `LineRegistration`, what comes out of it, and its states."""

from dataclasses import dataclass
from enum import StrEnum

#: Seconds that the primaries are tried before the backups are.
PRIMARY_BUDGET = 114.0
#: A retry comes after this many seconds, plus 2 to the power of the attempt, plus chance.
RETRY_BASE = 30.0
RETRY_CHANCE = (1.0, 10.0)
#: A `Retry-After` of this many seconds or more means: go elsewhere.
LONG_RETRY_AFTER = 60.0
#: Keep-alives in a row that may fail.
MISSED_KEEPALIVES = 5
#: Seconds between two looks whether the calls are over.
IDLE_CHECK = 5.0
#: Seconds until everything is tried once more after all servers failed.
SLOW_RETRY = 120.0
#: Times that a 429 is waited for during fail-back, and a rival line is removed.
FAIL_BACK_TRIES = 5
RIVALS_REMOVED = 3


class LineStatus(StrEnum):
    """What the app is told."""

    CONNECTING = "connecting"
    REGISTERED = "registered"
    RECONNECTING = "reconnecting"  # keep-alives fail
    UNREGISTERED = "unregistered"
    FAILED = "failed"  # the service said no, or no server answers
    STOPPED = "stopped"


class LineFailure(StrEnum):
    """Why there is no registration."""

    NONE = "none"
    UNREACHABLE = "unreachable"
    BAD_REQUEST = "bad_request"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    ALL_SERVERS_FAILED = "all_servers_failed"
    FAIL_OVER = "fail_over"
    FAIL_BACK = "fail_back"


class Role(StrEnum):
    """Which group of servers."""

    PRIMARY = "primary"
    BACKUP = "backup"


@dataclass(frozen=True, slots=True)
class Line:
    """What the service said. `base` is the server's, `uri` the line's own address.

    Intervals in seconds, re-homing in minutes.
    """

    base: str
    uri: str
    keepalive: float
    rehoming_min: float = 60.0
    rehoming_max: float = 120.0


# --- inputs -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Start:
    """Register with one of these servers (bases, ending in a slash)."""

    primary: tuple[str, ...]
    backup: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stop:
    """Unregister."""


@dataclass(frozen=True, slots=True)
class Registered:
    """The answer to `PostDevice`."""

    line: Line


@dataclass(frozen=True, slots=True)
class Refused:
    """A request got this answer; `status` is None if there was none.

    `rival` is the address of the line to be removed, where a device limit is the reason.
    """

    status: int | None = None
    error_code: int | None = None
    retry_after: float | None = None
    rival: str = ""


@dataclass(frozen=True, slots=True)
class KeptAlive:
    """The answer to `PostStatus`; `refused` if it failed."""

    refused: Refused | None = None


@dataclass(frozen=True, slots=True)
class Pinged:
    """The answer to `GetPing`."""

    answered: bool


@dataclass(frozen=True, slots=True)
class Deleted:
    """`DeleteDevice` is through, whatever came of it."""


@dataclass(frozen=True, slots=True)
class CallsChanged:
    """Whether there are calls."""

    active: bool


@dataclass(frozen=True, slots=True)
class EventsBack:
    """The event connection stands again after it was lost."""


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""


Input = (
    Start
    | Stop
    | Registered
    | Refused
    | KeptAlive
    | Pinged
    | Deleted
    | CallsChanged
    | EventsBack
    | Tick
)

# --- effects ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PostDevice:
    """Register at `base`: `Registered` or `Refused`."""

    base: str


@dataclass(frozen=True, slots=True)
class DeleteDevice:
    """Unregister the line at `uri`: `Deleted`."""

    uri: str


@dataclass(frozen=True, slots=True)
class PostStatus:
    """Keep the line at `uri` alive: `KeptAlive`."""

    uri: str


@dataclass(frozen=True, slots=True)
class GetPing:
    """Ask whether the server of `base` is there: `Pinged`."""

    base: str


@dataclass(frozen=True, slots=True)
class Report:
    """Tell the app. `line` is there with REGISTERED and RECONNECTING."""

    status: LineStatus
    failure: LineFailure = LineFailure.NONE
    line: Line | None = None


Effect = PostDevice | DeleteDevice | PostStatus | GetPing | Report

# --- states -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Idle:
    """Not wanted."""


@dataclass(frozen=True, slots=True)
class Trying:
    """POST device is on its way to `servers[0]`; `deleting` while a rival is removed first.

    `began` is when this round of fail-over began; `round` counts the tries of a role.
    """

    servers: tuple[str, ...]
    role: Role
    began: float
    attempt: int = 1
    rivals: int = 0
    retry_after: float | None = None
    deleting: str = ""
    fail_back: int = 0


@dataclass(frozen=True, slots=True)
class Pausing:
    """The next try is at `until`."""

    until: float
    role: Role
    began: float
    attempt: int
    fail_back: int = 0


@dataclass(frozen=True, slots=True)
class Active:
    """Registered. `keepalive_at` is None while one is on its way.

    `leave_at` is when to see whether the line can be registered anew, since there was an outage or
    since it is with a backup; `pinging` while the primary is asked. `unsure` while it is not known
    whether the service still has the line.
    """

    line: Line
    role: Role
    keepalive_at: float | None
    misses: int = 0
    leave_at: float | None = None
    outage: bool = False
    pinging: bool = False
    unsure: bool = False


@dataclass(frozen=True, slots=True)
class Leaving:
    """The old line is being removed; then it is registered at `servers`."""

    servers: tuple[str, ...]
    role: Role
    fail_back: bool


@dataclass(frozen=True, slots=True)
class Lost:
    """Keep-alives failed; registered again as soon as no call is active."""

    base: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """The service said no. Only a new `Start` helps."""


State = Idle | Trying | Pausing | Active | Leaving | Lost | Refusal
