"""The states of a call of the app's side, and how long each may last."""

from dataclasses import dataclass
from typing import assert_never

from offhook.engine.client.model import CallEnd, CallStatus

#: Seconds until the service must have reported progress, or announced an incoming call whole.
SETUP_TIMEOUT = 10.0
#: Seconds until an outgoing call must have its turn: other calls are put on hold first.
TURN_TIMEOUT = 60.0
#: Seconds that a call rings without news: a repeated progress begins them anew.
RING_TIMEOUT = 60.0
#: Seconds between an answer and the end of its negotiation.
CONNECT_TIMEOUT = 10.0
#: Seconds in which an event says why a call ended for which the service refuses a request.
REASON_TIMEOUT = 2.0


@dataclass(frozen=True, slots=True)
class Preparing:
    """Outgoing: another call is put on hold for it, then the audio makes its offer."""

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
    """The call is up."""

    since: float


@dataclass(frozen=True, slots=True)
class Over:
    """The call has ended."""

    end: CallEnd


State = (
    Preparing | Dialling | RemoteRinging | Joining | Invited | Alerting | Answering | Talking | Over
)


def status_of(state: State) -> CallStatus:
    """What the app is told of the state."""
    match state:
        case Preparing() | Dialling() | Invited():
            return CallStatus.INITIATED
        case RemoteRinging() | Joining() | Alerting() | Answering():
            return CallStatus.RINGING
        case Talking():
            return CallStatus.CONNECTED
        case Over():
            return CallStatus.DISCONNECTED
        case _:
            assert_never(state)
