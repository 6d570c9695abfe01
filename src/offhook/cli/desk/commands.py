"""What the phone can be told to do. Calls go by their slots."""

from dataclasses import dataclass
from enum import StrEnum


class Purpose(StrEnum):
    """What a call that is begun from another one is meant for."""

    ADD = "add"
    TRANSFER = "transfer"


@dataclass(frozen=True, slots=True)
class Answer:
    """Take the call that rings."""

    slot: int


@dataclass(frozen=True, slots=True)
class Decline:
    """The person does not want the call that rings."""

    slot: int


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call, give it up before an answer, leave the conference."""

    slot: int


@dataclass(frozen=True, slots=True)
class Hold:
    """Put the other party on hold."""

    slot: int


@dataclass(frozen=True, slots=True)
class Resume:
    """Talk again; another call that is heard goes on hold first."""

    slot: int


@dataclass(frozen=True, slots=True)
class Mute:
    """Say nothing any more, or speak again."""

    slot: int
    muted: bool


@dataclass(frozen=True, slots=True)
class Press:
    """Press keys of the dial pad."""

    slot: int
    digits: str


@dataclass(frozen=True, slots=True)
class Select:
    """Let the keys be about this call."""

    slot: int


@dataclass(frozen=True, slots=True)
class Dial:
    """Call a number or an address."""

    number: str


@dataclass(frozen=True, slots=True)
class Consult:
    """Call somebody from this call, which goes on hold."""

    slot: int
    number: str
    purpose: Purpose


@dataclass(frozen=True, slots=True)
class Join:
    """Make one conference of the two."""

    new: int
    old: int


@dataclass(frozen=True, slots=True)
class Complete:
    """Connect the other parties of the two with each other, and leave."""

    old: int
    new: int


@dataclass(frozen=True, slots=True)
class SendOn:
    """Transfer the call to a number; with `wait` only once somebody answers there."""

    slot: int
    number: str
    wait: bool


@dataclass(frozen=True, slots=True)
class TakeBack:
    """Wait no more for the answer to a transfer: have the call again."""

    slot: int


@dataclass(frozen=True, slots=True)
class Quit:
    """End all calls and put the phone away."""


Command = (
    Answer
    | Decline
    | HangUp
    | Hold
    | Resume
    | Mute
    | Press
    | Select
    | Dial
    | Consult
    | Join
    | Complete
    | SendOn
    | TakeBack
    | Quit
)
