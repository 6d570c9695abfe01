"""``/healthz`` and ``/metrics`` (Prometheus text), with a registry of this service's own."""

import asyncio
from collections.abc import Callable, Iterator

from litestar import MediaType, Response, get
from litestar.handlers import HTTPRouteHandler
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from offhook.serving.errors import ApiError
from offhook.store import Database, StoreError

_ANSWER_SECONDS = 2.0

Figure = tuple[str, str, str, Callable[[], float]]  # kind, name, help, value


class FigureCollector(Collector):
    """Figures for a registry, asked when they are read; ``offhook_`` comes before each name."""

    def __init__(self, figures: list[Figure]) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        for kind, name, text, value in self._figures:
            family = CounterMetricFamily if kind == "counter" else GaugeMetricFamily
            yield family(f"offhook_{name}", text, value=value())


def routes(figures: list[Figure], database: Database) -> list[HTTPRouteHandler]:
    """Health is public; figures need a token like everything else.

    The service is well when its database answers: without it nobody signs in.
    """
    registry = CollectorRegistry()
    registry.register(FigureCollector(figures))

    @get("/healthz", opt={"public": True})
    async def healthz() -> dict[str, str]:
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                await database.read(select(1))
        except (TimeoutError, StoreError, SQLAlchemyError, OSError) as error:
            raise ApiError(503, "The database does not answer.") from error
        return {"status": "ok"}

    @get("/metrics")
    async def metrics() -> Response[bytes]:
        text = generate_latest(registry)
        return Response(text, media_type=MediaType.TEXT)

    return [healthz, metrics]
