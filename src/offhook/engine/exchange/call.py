"""One party's side of a session, and the states it goes through.

::

    Dialling --answered--> Talking
    Inviting --alert--> Alerting --answered--> Talking
    Inviting --answered--> Talking
    Talking --hold--> Talking, held --resume--> Talking

A call that ends is gone.
"""

from dataclasses import dataclass, field, replace

from offhook.engine.exchange.effects import Held, MediaEffect, Participant, Resumed
from offhook.engine.exchange.model import EndReason, Party
from offhook.engine.exchange.roap import (
    AwaitingAnswer,
    AwaitingOffer,
    Offering,
    Stable,
    Transaction,
)

#: Seconds from the answer until audio has to be up.
MEDIA_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class Dialling:
    """The caller's side before anybody answered."""

    def answered(self, now: float) -> "Talking":
        """The called side answered."""
        return Talking(now)


@dataclass(frozen=True, slots=True)
class Inviting:
    """A called line whose client has not said yet that it rings."""

    def alerting(self) -> "Alerting":
        """The client rings."""
        return Alerting()

    def answered(self, now: float) -> "Talking":
        """Answered before it said that it rings."""
        return Talking(now)


@dataclass(frozen=True, slots=True)
class Alerting:
    """A called line that rings."""

    def answered(self, now: float) -> "Talking":
        """The person answered on this line."""
        return Talking(now)


@dataclass(frozen=True, slots=True)
class Talking:
    """Answered at `since`; `held` by its own client."""

    since: float
    held: bool = False

    def hold(self) -> "Talking":
        """The client holds it."""
        return replace(self, held=True)

    def resume(self) -> "Talking":
        """The client takes it up again."""
        return replace(self, held=False)


State = Dialling | Inviting | Alerting | Talking


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """A hold or resume whose client is told, by `news`, when it can be renegotiated with.

    Given up at `until`.
    """

    news: Held | Resumed
    until: float


@dataclass(slots=True)
class Call:
    """The call of one line. It exists from its first input to the effect that closes its leg.

    `view_id` is the side of the call that it carries, `was_called` whether it began by ringing.
    `correlation_id` is the client's own id of it, empty until the client has told it; `media_up`
    says that audio has been up; `silent_at` is when a client that says nothing more loses it.
    `hears` is the last effect about what its client hears, `told` whom the client believes to be at
    the other end, `knows` who it was told is in the call beside itself. `muted_by` is the person
    who had the service mute it, empty if nobody has.
    """

    call_id: str
    line_id: str
    party: Party
    session_id: str
    view_id: str
    tracking_id: str
    state: State
    silent_at: float
    was_called: bool = False
    correlation_id: str = ""
    media_up: bool = False
    transaction: Transaction = field(default_factory=Stable)
    unconfirmed: Unconfirmed | None = None
    muted_by: str = ""
    hears: MediaEffect | None = None
    told: Party | None = None
    knows: tuple[Participant, ...] | None = None

    @property
    def rings(self) -> bool:
        """Whether it is a called line that nobody answered yet."""
        return isinstance(self.state, Inviting | Alerting)

    @property
    def held(self) -> bool:
        """Whether its own client holds it."""
        return isinstance(self.state, Talking) and self.state.held

    @property
    def active(self) -> bool:
        """Whether its client talks: answered and not held."""
        return isinstance(self.state, Talking) and not self.state.held

    @property
    def muted(self) -> bool:
        """Whether what its client says is not passed on."""
        return bool(self.muted_by)

    @property
    def state_name(self) -> str:
        """The state in a word, for the log."""
        return "held" if self.held else type(self.state).__name__.lower()

    @property
    def answer_missing(self) -> bool:
        """Whether our first offer is without answer yet."""
        return isinstance(self.transaction, Offering | AwaitingAnswer)

    @property
    def media_due(self) -> float | None:
        """Until when audio has to be up, None if it is, or need not be yet."""
        if not isinstance(self.state, Talking) or (self.media_up and not self.answer_missing):
            return None
        return self.state.since + MEDIA_TIMEOUT

    @property
    def due(self) -> float:
        """When the first thing that it waits for has waited long enough."""
        due = self.silent_at
        if (media_due := self.media_due) is not None:
            due = min(due, media_due)
        if isinstance(self.transaction, AwaitingOffer):
            due = min(due, self.transaction.until)
        if self.unconfirmed is not None:
            due = min(due, self.unconfirmed.until)
        return due


@dataclass(frozen=True, slots=True)
class Owed:
    """A call that ended before its client told its correlation id, and so cannot be told yet."""

    line_id: str
    tracking_id: str
    reason: EndReason
    until: float
