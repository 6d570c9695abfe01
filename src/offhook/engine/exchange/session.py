"""What joins calls: who called whom, what it came to, and the record it leaves."""

from dataclasses import dataclass, field

from offhook.engine.exchange.model import (
    CallRecord,
    EndReason,
    Party,
    ServiceTarget,
    Target,
    UnknownTarget,
)


@dataclass(slots=True)
class Session:
    """From the dialling of a number to the end of what came of it. Times in seconds.

    While it rings, `called` are the calls of all lines that ring; once answered, only the one that
    took it is left. `announced` tells whether the caller knows that it rings.
    """

    session_id: str
    tracking_id: str
    caller_id: str
    caller: Party
    dialled: str
    target: Target
    placed: float
    ring_until: float | None = None
    progress_at: float | None = None
    announced: bool = False
    answered: float | None = None
    called: list[str] = field(default_factory=list)

    @property
    def callee(self) -> Party:
        """Whom the number leads to."""
        if isinstance(self.target, UnknownTarget):
            return Party("", self.target.dialled)
        return self.target.party

    @property
    def due(self) -> float | None:
        """When it has rung long enough, or the caller has to be told again that it rings."""
        waits = [at for at in (self.ring_until, self.progress_at) if at is not None]
        return min(waits, default=None)

    @property
    def is_service(self) -> bool:
        """Whether the service itself is the other side."""
        return isinstance(self.target, ServiceTarget)

    def record(self, reason: EndReason, ended_by: str, now: float) -> CallRecord:
        """What is kept of it."""
        return CallRecord(
            session_id=self.session_id,
            tracking_id=self.tracking_id,
            caller=self.caller,
            callee=self.callee,
            dialled=self.dialled,
            placed=self.placed,
            answered=self.answered,
            ended=now,
            reason=reason,
            ended_by=ended_by,
        )
