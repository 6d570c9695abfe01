"""The states of a call of the app's side, and how long each may last."""

from dataclasses import dataclass

from offhook.engine.client.model import CallEnd

#: Seconds until the service must have reported progress, or announced an incoming call whole.
SETUP_TIMEOUT = 10.0
#: Seconds that a call rings without news: a repeated progress begins them anew.
RING_TIMEOUT = 60.0
#: Seconds between an answer and the end of its negotiation.
CONNECT_TIMEOUT = 10.0
#: Seconds between two signs of life of a connected call, and until one that failed is repeated.
KEEPALIVE_INTERVAL = 600.0
KEEPALIVE_RETRY = 30.0
KEEPALIVE_TRIES = 4


@dataclass(frozen=True, slots=True)
class Preparing:
    """Outgoing: the audio makes its offer."""

    until: float


@dataclass(frozen=True, slots=True)
class Dialling:
    """Outgoing: the service was asked."""

    until: float


@dataclass(frozen=True, slots=True)
class RemoteRinging:
    """Outgoing: the other side rings."""

    until: float
    tone: bool


@dataclass(frozen=True, slots=True)
class Joining:
    """Outgoing: answered, the negotiation is not through."""

    until: float


@dataclass(frozen=True, slots=True)
class Invited:
    """Incoming: not announced yet."""

    until: float


@dataclass(frozen=True, slots=True)
class Alerting:
    """Incoming: it rings here."""

    until: float


@dataclass(frozen=True, slots=True)
class Answering:
    """Incoming: answered here, the service has not confirmed."""

    until: float


@dataclass(frozen=True, slots=True)
class Talking:
    """The call is up. `keepalive_at` is None while a sign of life is on its way."""

    since: float
    keepalive_at: float | None
    keepalive_tries: int = 0


@dataclass(frozen=True, slots=True)
class Over:
    """The call has ended."""

    end: CallEnd


State = (
    Preparing | Dialling | RemoteRinging | Joining | Invited | Alerting | Answering | Talking | Over
)
