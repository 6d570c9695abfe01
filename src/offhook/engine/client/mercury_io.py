"""What goes into a `MercurySession`, what comes out of it, and its states."""

from dataclasses import dataclass
from enum import StrEnum

import msgspec

from offhook.wire.mercury import ClientFrame, ServerFrame

#: Seconds for opening a socket and its authorization.
HANDSHAKE_TIMEOUT = 15.0
#: Seconds for the pong of a connection that is needed now.
HURRIED_PONG = 2.0
#: Seconds of back-off: the first, and the longest after doubling.
BACKOFF_FIRST, BACKOFF_MOST = 1.0, 32.0
#: Seconds that a replaced socket may still deliver what was on its way.
RETIREMENT = 2.0


class GiveUpReason(StrEnum):
    """Why the connection stays away for good."""

    UNAUTHORIZED = "unauthorized"  # the token is refused, a fresh one too
    FORBIDDEN = "forbidden"
    REPLACED = "replaced"  # another connection of this client took its place
    CLOSED = "closed"  # the service does not want it back


# --- inputs -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Start:
    """Connect, and stay connected."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Disconnect."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The socket stands."""

    socket: int


@dataclass(frozen=True, slots=True)
class FrameCame:
    """A frame of the server."""

    socket: int
    frame: ServerFrame


@dataclass(frozen=True, slots=True)
class Closed:
    """The socket is gone, or could not be opened (`status` is the HTTP status, if there was one).

    `code` is 1005 if the server gave none, 1006 if there was no closing hand-shake.
    """

    socket: int
    code: int
    reason: str = ""
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Renewed:
    """What was asked for with `RenewCredentials` or `RenewDevice` is done, or was refused."""

    succeeded: bool


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""


@dataclass(frozen=True, slots=True)
class Hurry:
    """An event is due, a call for example: the connection is needed now, if it lives at all."""


Input = Start | Stop | Opened | FrameCame | Closed | Renewed | Hurry | Tick

# --- effects ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenSocket:
    """Open a socket and call it `socket`."""

    socket: int


@dataclass(frozen=True, slots=True)
class Authorize:
    """Send the authorization with the current token."""

    socket: int
    id: str


@dataclass(frozen=True, slots=True)
class SendFrame:
    """Send a ping or an acknowledgement."""

    socket: int
    frame: ClientFrame


@dataclass(frozen=True, slots=True)
class CloseSocket:
    """Close the socket, or stop opening it. No more input is expected from it."""

    socket: int
    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Deliver:
    """An event for the app: its `data`, undecoded."""

    data: msgspec.Raw
    tracking_id: str


@dataclass(frozen=True, slots=True)
class WentOnline:
    """Events come. `again`: after they did not for a while."""

    again: bool


@dataclass(frozen=True, slots=True)
class WentOffline:
    """No events come until `WentOnline`."""


@dataclass(frozen=True, slots=True)
class RenewCredentials:
    """Get a fresh token; answered by `Renewed`."""


@dataclass(frozen=True, slots=True)
class RenewDevice:
    """Register the client anew, its address is not good any more; answered by `Renewed`."""


@dataclass(frozen=True, slots=True)
class GaveUp:
    """It will not come back by itself."""

    reason: GiveUpReason
    code: int


Effect = (
    OpenSocket
    | Authorize
    | SendFrame
    | CloseSocket
    | Deliver
    | WentOnline
    | WentOffline
    | RenewCredentials
    | RenewDevice
    | GaveUp
)

# --- states -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Idle:
    """Not wanted."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Back-off until the next attempt."""

    until: float
    attempt: int


@dataclass(frozen=True, slots=True)
class Opening:
    """A socket is being opened and authorised."""

    socket: int
    attempt: int
    until: float


@dataclass(frozen=True, slots=True)
class Renewing:
    """Credentials or device are being renewed; then `attempt` goes on."""

    attempt: int


@dataclass(frozen=True, slots=True)
class Online:
    """Connected. `ping` waits for its pong until `due`; without one, the next goes out at `due`.

    `successor` is the socket that is to take over, after the server has asked for it.
    """

    socket: int
    due: float
    ping: str | None = None
    successor: int | None = None
    successor_until: float = 0.0


@dataclass(frozen=True, slots=True)
class GivenUp:
    """It stays away."""


State = Idle | Waiting | Opening | Renewing | Online | GivenUp
