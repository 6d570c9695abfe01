"""A party's side of a call, behind the view of it that REST and webhooks show."""

from dataclasses import dataclass, field

from offhook.engine.exchange.model import Party, Redirection
from offhook.engine.exchange.views import CallView, Personality


@dataclass(slots=True)
class Side:
    """See the module. It lasts as long as the party is in the call, whatever becomes of the others.

    `call_id` is its leg, empty while several lines ring. In a conference `brought` are the calls of
    the parties that this side brought in; its party may have several sides there, on one leg.
    `shown` is the view that was told last.
    """

    view_id: str
    session_id: str
    tracking_id: str
    party: Party
    personality: Personality
    created: float
    call_id: str = ""
    answered: float | None = None
    redirections: tuple[Redirection, ...] = ()
    brought: list[str] = field(default_factory=list)
    shown: CallView | None = None
