"""What is counted and timed, as Prometheus text. No figure tells of a person or a device."""

import asyncio
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from sqlalchemy import select

from offhook.engine.dispatch.model import Outcome, OutcomeKind
from offhook.push.registry import STORE_FAULTS
from offhook.serving.metrics import Figure, FigureCollector
from offhook.store import Database

_ANSWER_SECONDS = 2.0
_BUCKETS = (0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)


class Figures:
    """The backend's counters, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.received = Counter(
            "offhook_push_webhooks_received", "Webhooks that came in.", registry=registry
        )
        self.rejected = Counter(
            "offhook_push_webhooks_rejected",
            "Webhooks that were refused, by reason.",
            ["reason"],
            registry=registry,
        )
        self.unneeded = Counter(
            "offhook_push_webhooks_unneeded",
            "Webhooks that were acknowledged and nothing else: duplicate, ignored.",
            ["reason"],
            registry=registry,
        )
        self.calls = Counter(
            "offhook_push_calls",
            "Calls that came in, by what was done: pushed, no_device, too_late, not_found.",
            ["result"],
            registry=registry,
        )
        self.resumed = Counter(
            "offhook_push_calls_resumed",
            "Calls taken up again that an earlier process had left.",
            registry=registry,
        )
        self.unwritten = Counter(
            "offhook_push_inbox_unwritten",
            "Calls that could not be written down before they were acknowledged.",
            registry=registry,
        )
        self.pushes = Counter(
            "offhook_push_pushes",
            "Pushes handed to the dispatcher.",
            ["provider"],
            registry=registry,
        )
        self.outcomes = Counter(
            "offhook_push_outcomes",
            "What came of them.",
            ["provider", "outcome"],
            registry=registry,
        )
        self.attempts = Counter(
            "offhook_push_attempts", "Requests that it took.", ["provider"], registry=registry
        )
        self.seconds = Histogram(
            "offhook_push_seconds",
            "From webhook received to push written.",
            ["provider"],
            buckets=_BUCKETS,
            registry=registry,
        )
        self.dropped = Counter(
            "offhook_push_tokens_dropped", "Devices dropped for a dead token.", registry=registry
        )
        # To find the child of a few labels costs as much as to count it.
        self._pushes = cache(self.pushes.labels)
        self._outcomes = cache(self.outcomes.labels)
        self._attempts = cache(self.attempts.labels)
        self._seconds = cache(self.seconds.labels)
        self._calls = cache(self.calls.labels)
        self.open_calls = Gauge(
            "offhook_push_calls_open", "Calls whose pushes have no outcome yet.", registry=registry
        )
        self.unreadable = Gauge(
            "offhook_push_devices_unreadable",
            "Devices whose token was encrypted with a key that is not here.",
            registry=registry,
        )
        self.misconfigured = Gauge(
            "offhook_push_apps_misconfigured",
            "Apps that cannot be served as things are configured.",
            registry=registry,
        )

    def on_answer(self, what: str) -> None:
        """A webhook was answered: see `WebhookReceiver`."""
        self.received.inc()
        match what:
            case "accepted":
                pass
            case "duplicate" | "ignored":
                self.unneeded.labels(what).inc()
            case reason:
                self.rejected.labels(reason).inc()

    def on_call(self, result: str) -> None:
        """What was done about a call: see `calls`."""
        self._calls(result).inc()

    def on_push(self, provider: str) -> None:
        """A push was handed to the dispatcher."""
        self._pushes(provider).inc()

    def on_outcome(self, outcome: Outcome) -> None:
        """A push has ended."""
        provider = outcome.push.device.provider.value
        self._outcomes(provider, outcome.kind.value).inc()
        self._attempts(provider).inc(outcome.attempts)
        if outcome.kind is OutcomeKind.SENT:
            self._seconds(provider).observe(outcome.seconds)

    def total(self, sample: str, **labels: str) -> float:
        """The sum over all samples of that name which have these labels."""
        return sum(
            each.value
            for family in self.registry.collect()
            for each in family.samples
            if each.name == sample and labels.items() <= each.labels.items()
        )

    def add(self, figures: list[Figure]) -> None:
        """Show figures of other parts, too."""
        self.registry.register(FigureCollector(figures))

    def text(self) -> bytes:
        """All of them as Prometheus reads them."""
        return generate_latest(self.registry)


async def is_well(database: Database) -> bool:
    """Whether the database answers: without it phones cannot register."""
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            await database.read(select(1))
    except STORE_FAULTS:
        return False
    return True
