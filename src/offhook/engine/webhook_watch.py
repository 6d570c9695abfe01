"""When to look after the firehose webhook, what to do about it, and how long it was of no use.

::

    Unseen --active--> Active         Unseen, Active --inactive, or gone--> Down
    Down --set active by us, or by somebody else--> Active

Sans-I/O: what a look at the cloud showed goes in with the time, what to do comes out. The cloud
does not say since when a webhook is inactive, so times are ranges: at least since it was seen to
be, at most since it was last seen active.

Source: mobile-sdk 3.2. A webhook that was set active within five minutes of being disabled is
disabled again by a single failure, so it is looked at more often then.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from offhook.engine.firehose_link import at_target
from offhook.wire.webhooks import Webhook, WebhookStatus

#: Seconds after a re-activation in which one failure disables it again, and between looks then.
PROBATION, PROBATION_PAUSE = 300.0, 15.0
#: Seconds after a look that failed: the first, and the longest after doubling.
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0
#: Failures in a row after which an operator is told.
QUIET_FAILURES = 2


@dataclass(frozen=True, slots=True)
class Unseen:
    """No look has succeeded yet. It was seen active at `since`, or else the watch began then."""

    since: float

    def active(self, now: float) -> "Active":
        """It is there and active."""
        return Active(now)

    def down(self, now: float, *, gone: bool) -> "Down":
        """It is of no use."""
        return Down(self.since, now, gone)


@dataclass(frozen=True, slots=True)
class Active:
    """It was active at `seen`.

    `activated`: when it was made so, for the `times`-th time in a row.
    """

    seen: float
    activated: float | None = None
    times: int = 0

    def active(self, now: float) -> "Active":
        """It still is."""
        return replace(self, seen=now) if self.on_probation(now) else Active(now)

    def down(self, now: float, *, gone: bool) -> "Down":
        """It is of no use any more."""
        return Down(self.seen, now, gone, self.times if self.on_probation(now) else 0)

    def on_probation(self, now: float) -> bool:
        """Whether one failure disables it."""
        return self.activated is not None and now < self.activated + PROBATION


@dataclass(frozen=True, slots=True)
class Down:
    """It was found inactive, or gone, at `found`; `last_active` is the last that is known before.

    It had been set active `times` times in a row shortly before.
    """

    last_active: float
    found: float
    gone: bool
    times: int = 0

    def active(self, now: float) -> "Active":
        """It is active again."""
        return Active(now, now, self.times + 1)

    def down(self, now: float, *, gone: bool) -> "Down":  # noqa: ARG002 - as the other states
        """It still is of no use."""
        return replace(self, gone=gone)


State = Unseen | Active | Down


class News(StrEnum):
    """What an operator is told, each once until it changes."""

    CONNECTED = "connected"
    DISABLED = "disabled"
    DISABLED_AGAIN = (
        "disabled-again"  # soon after it was set active: the cloud does not get through
    )
    MISSING = "missing"
    ACTIVE_AGAIN = "active-again"
    CANNOT_LOOK = "cannot-look"
    SEES_AGAIN = "sees-again"


@dataclass(frozen=True, slots=True)
class Activate:
    """Set this webhook active."""

    webhook: Webhook


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell the operator. `least` and `most`: for how many seconds no calls came."""

    news: News
    least: float = 0.0
    most: float = 0.0


Effect = Activate | Tell


@dataclass(slots=True)
class Tally:
    """Counts since the start, and the seconds without calls of all times that are over."""

    looks: int = 0
    failures: int = 0
    disabled: int = 0
    missing: int = 0
    activated: int = 0
    least_seconds: float = 0.0
    most_seconds: float = 0.0


@dataclass(slots=True)
class WebhookWatch:
    """Watches the webhook that leads to `target`, every `interval` seconds from `begin` on.

    `due` is when to look next.
    """

    target: str
    interval: float
    begin: float
    tally: Tally = field(default_factory=Tally)
    state: State = field(init=False)
    due: float = field(init=False)
    _failures: int = field(init=False, default=0)
    _told: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        self.state = Unseen(self.begin)
        self.due = self.begin

    def was_active(self, at: float) -> None:
        """An earlier watch saw it active then. Call it before the first look."""
        if isinstance(self.state, Unseen):
            self.state = Unseen(min(at, self.begin))

    def looked(self, found: Iterable[Webhook], now: float) -> list[Effect]:
        """These webhooks are there."""
        self.tally.looks += 1
        self.due = now + self.interval
        effects = self._looking_again()
        best = next(iter(at_target(found, self.target)), None)
        if best is None:
            return effects + self._down(now, gone=True)
        if best.status is WebhookStatus.ACTIVE:
            return effects + self._active(now)
        return [*effects, *self._down(now, gone=False), Activate(best)]

    def activated(self, now: float) -> list[Effect]:
        """The cloud has set it active."""
        self.tally.activated += 1
        return self._active(now)

    def failed(
        self, now: float, *, hopeless: bool = False, retry_after: float | None = None
    ) -> list[Effect]:
        """A look or an activation failed; `hopeless` if the next will, unless somebody acts."""
        self.tally.failures += 1
        self._failures += 1
        longest = max(self.interval, LONGEST_PAUSE)
        doubled = FIRST_PAUSE * 2.0 ** min(self._failures - 1, 10)
        pause = longest if hopeless else min(doubled, longest)
        self.due = now + max(pause, retry_after or 0.0)
        if self._told or not (hopeless or self._failures > QUIET_FAILURES):
            return []
        self._told = True
        return [Tell(News.CANNOT_LOOK)]

    def seconds_without(self, now: float) -> tuple[float, float]:
        """Seconds without calls since the start, at least and at most, with what goes on now."""
        least, most = self.tally.least_seconds, self.tally.most_seconds
        if isinstance(self.state, Down):
            least += max(now - self.state.found, 0.0)
            most += max(now - self.state.last_active, 0.0)
        return least, most

    def _looking_again(self) -> list[Effect]:
        told, self._told, self._failures = self._told, False, 0
        return [Tell(News.SEES_AGAIN)] if told else []

    def _active(self, now: float) -> list[Effect]:
        before = self.state
        self.state = after = before.active(now)
        if after.on_probation(now):
            pause = PROBATION_PAUSE * 2.0 ** (min(after.times, 10) - 1)
            self.due = now + min(pause, self.interval)
        match before:
            case Unseen():
                return [Tell(News.CONNECTED)]
            case Active():
                return []
            case Down(found=found, last_active=last_active):
                least, most = now - found, now - last_active
                self.tally.least_seconds += least
                self.tally.most_seconds += most
                return [Tell(News.ACTIVE_AGAIN, least, most)]

    def _down(self, now: float, *, gone: bool) -> list[Effect]:
        before = self.state
        self.state = after = before.down(now, gone=gone)
        if isinstance(before, Down) and before.gone == gone:
            return []
        if gone:
            self.tally.missing += 1
            return [Tell(News.MISSING, most=now - after.last_active)]
        self.tally.disabled += 1
        news = News.DISABLED_AGAIN if after.times else News.DISABLED
        return [Tell(news, most=now - after.last_active)]
