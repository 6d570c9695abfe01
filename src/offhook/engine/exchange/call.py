"""One party's side of a session, and the states it goes through."""

from dataclasses import dataclass, field

from offhook.engine.exchange.model import EndReason
from offhook.engine.exchange.roap import Stable, Transaction


@dataclass(frozen=True, slots=True)
class Dialling:
    """The caller's side before anybody answered."""


@dataclass(frozen=True, slots=True)
class Inviting:
    """A called line whose client has not said yet that it rings."""


@dataclass(frozen=True, slots=True)
class Alerting:
    """A called line that rings."""


@dataclass(frozen=True, slots=True)
class Talking:
    """Answered. `media` tells whether audio has been up; until then `media_by` bounds the wait."""

    since: float
    media_by: float
    media: bool = False


State = Dialling | Inviting | Alerting | Talking


@dataclass(slots=True)
class Call:
    """The call of one line. It exists from its first input to the effect that closes its leg.

    `correlation_id` is the client's own id of it, empty until the client has told it;
    `renegotiation_due` asks for an offer as soon as the transaction under way is over.
    """

    call_id: str
    line_id: str
    session_id: str
    tracking_id: str
    state: State
    heard_from: float
    correlation_id: str = ""
    held: bool = False
    media_up: bool = False
    transaction: Transaction = field(default_factory=Stable)
    renegotiation_due: bool = False

    @property
    def rings(self) -> bool:
        """Whether it is a called line that nobody answered yet."""
        return isinstance(self.state, Inviting | Alerting)

    @property
    def state_name(self) -> str:
        """The state in a word, for the log."""
        return "held" if self.held else type(self.state).__name__.lower()


@dataclass(frozen=True, slots=True)
class Owed:
    """A call that ended before its client told its correlation id, and so cannot be told yet."""

    line_id: str
    tracking_id: str
    reason: EndReason
    until: float
