"""What there is to see on the phone at one moment. Everything else here is made from this."""

from dataclasses import dataclass, replace
from enum import StrEnum


class Services(StrEnum):
    """How it stands with the phone services."""

    SIGNING_IN = "signing in"
    READY = "ready"
    CONNECTING = "connecting again"
    FAILED = "not connected"
    ASLEEP = "asleep, waiting for a push"
    WAKING = "waking"


class State(StrEnum):
    """Where a call is, in words that people read."""

    CALLING = "calling"
    RINGING_THERE = "ringing there"
    RINGING_HERE = "ringing here"
    CONNECTED = "connected"
    ON_HOLD = "on hold"


@dataclass(frozen=True, slots=True)
class ParticipantView:
    """Somebody in a conference. The name of this phone's own side is that of its person."""

    name: str
    number: str = ""
    is_self: bool = False
    is_host: bool = False
    is_on_hold: bool = False
    is_muted: bool = False
    speaks: bool = False


@dataclass(frozen=True, slots=True)
class CallView:
    """One call.

    `slot` is the number by which it is selected, from 1; `order` says which came first. `name` and
    `number` are those of the other party, `group` the hunt group through which it came. `seconds`
    since it is connected, or since it rings. `held_there`: the other party holds. `participants` of
    a conference, own side included; empty for two. `consults_for` is the slot of the call from
    which this one was begun, 0 if none. `busy` is what is being done with it, empty if nothing.
    `level` in dBFS and `tones` in Hz are what is heard, None and empty where that is not known.
    """

    slot: int
    state: State
    name: str
    number: str = ""
    group: str = ""
    order: int = 0
    is_incoming: bool = False
    seconds: float = 0.0
    is_muted: bool = False
    is_muted_by_service: bool = False
    held_there: bool = False
    participants: tuple[ParticipantView, ...] = ()
    may_transfer: bool = False
    may_add: bool = False
    consults_for: int = 0
    busy: str = ""
    can_be_taken_back: bool = False
    level: float | None = None
    tones: tuple[int, ...] = ()

    @property
    def is_up(self) -> bool:
        """Whether it is connected, on hold or not."""
        return self.state in (State.CONNECTED, State.ON_HOLD)

    @property
    def is_conference(self) -> bool:
        """Whether more than two are in it."""
        return bool(self.participants)


@dataclass(frozen=True, slots=True)
class PhoneView:
    """The whole phone. `calls` by slot, `selected` is a slot, 0 while there is no call."""

    owner: str = ""
    number: str = ""
    services: Services = Services.SIGNING_IN
    calls: tuple[CallView, ...] = ()
    selected: int = 0

    @property
    def selected_call(self) -> CallView | None:
        """The call that keys are about."""
        return self.at(self.selected)

    @property
    def active(self) -> CallView | None:
        """The call that is heard; there is never more than one."""
        return next((call for call in self.calls if call.state is State.CONNECTED), None)

    def at(self, slot: int) -> CallView | None:
        """The call in this slot."""
        return next((call for call in self.calls if call.slot == slot), None)

    def showing(self, calls: tuple[CallView, ...]) -> "PhoneView":
        """The phone with these calls; one of them is selected."""
        now = replace(self, calls=calls)
        return replace(now, selected=selected_after(self, now))


def selected_after(before: PhoneView, now: PhoneView) -> int:
    """The slot to select now: the call that one has turned to, otherwise the same as before.

    A call that comes in never takes the selection from another: a key that is on its way would
    mean the wrong one.
    """
    active = now.active
    if active is not None and (before.active is None or before.active.slot != active.slot):
        return active.slot
    new = [call for call in now.calls if before.at(call.slot) is None and not call.is_incoming]
    if new:
        return new[-1].slot
    if now.at(before.selected) is not None:
        return before.selected
    left = active or next(iter(now.calls), None)
    return left.slot if left is not None else 0
