"""What goes into a `ClientPhone` and what comes out of it. Calls go by the key of their app.

The key is the correlation id, which a call has from its first moment.
"""

from dataclasses import dataclass

from offhook.engine.client import call_io as io
from offhook.errors import WebexError

# --- commands about more than one call ----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Consult:
    """Place this new call from the call `origin`, which is put on hold."""

    command: int
    origin: str


@dataclass(frozen=True, slots=True)
class Merge:
    """Join the call `other` into this one. Done when this is the conference, and `other` over."""

    command: int
    other: str


@dataclass(frozen=True, slots=True)
class Transfer:
    """Connect this call's other party with that of `to`. Done when both calls are over."""

    command: int
    to: str


@dataclass(frozen=True, slots=True)
class DirectTransfer:
    """Send the other party on to the digits `destination`. Done when this call is over."""

    command: int
    destination: str


@dataclass(frozen=True, slots=True)
class TransferWhenAnswered:
    """Place the call `consultation`, and transfer this one to it once it is answered.

    If that does not come about within `seconds`, this call is given back.
    """

    command: int
    consultation: str
    seconds: float


Command = Consult | Merge | Transfer | DirectTransfer | TransferWhenAnswered

# --- inputs -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ForCall:
    """An input of the call `key`, or a command about it and another."""

    key: str
    input: io.Input | Command


@dataclass(frozen=True, slots=True)
class RequestAnswered:
    """The service answered `PostTransfer` or `PostConference`, or cannot be asked."""

    request: int
    error: WebexError | None = None


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Nobody waits for the command any more. Where it can be undone, it is."""

    command: int


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""


Input = ForCall | RequestAnswered | GiveUp | Tick

# --- effects ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PostTransfer:
    """Ask the service to transfer the call, to digits or to the party of another call."""

    request: int
    destination: str = ""
    to_call_id: str = ""


@dataclass(frozen=True, slots=True)
class PostConference:
    """Ask the service to join these calls; the first one goes on."""

    request: int
    call_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OfCall:
    """An effect of the call `key`."""

    key: str
    effect: io.Effect | PostTransfer | PostConference


Effect = OfCall
