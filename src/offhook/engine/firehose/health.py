"""Whether a webhook is still delivered to: the disable rule of Webex (mobile-sdk 3.2).

::

    Active --100 failures within 5 minutes--> Disabled
    Disabled --set active within 5 minutes--> Probation     Disabled --set active later--> Active
    Probation --one failure--> Disabled                      Probation --5 minutes--> Active
"""

from collections import deque
from dataclasses import dataclass, field

MOST_FAILURES = 100
WINDOW = 300.0


@dataclass(slots=True)
class Active:
    """It is delivered to; `failures` are the times of late ones."""

    failures: deque[float] = field(default_factory=deque)

    def failed(self, now: float) -> "Active | Disabled":
        """An attempt failed."""
        failures = self.failures
        failures.append(now)
        while failures and failures[0] <= now - WINDOW:
            failures.popleft()
        return Disabled(now) if len(failures) >= MOST_FAILURES else self


@dataclass(frozen=True, slots=True)
class Probation:
    """It was set active again soon after it was disabled: one failure is enough, until `until`."""

    until: float

    def failed(self, now: float) -> "Active | Disabled":
        """An attempt failed."""
        return Disabled(now) if now < self.until else Active().failed(now)


@dataclass(frozen=True, slots=True)
class Disabled:
    """Nothing is delivered to it since `since`."""

    since: float

    def activated(self, now: float) -> "Active | Probation":
        """Somebody set it active."""
        return Probation(now + WINDOW) if now < self.since + WINDOW else Active()


Health = Active | Probation | Disabled
