"""``/healthz`` and ``/metrics`` (Prometheus text), with a registry of this service's own."""

from collections.abc import Callable, Iterator

from litestar import MediaType, Response, get
from litestar.handlers import HTTPRouteHandler
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

Figure = tuple[str, str, str, Callable[[], float]]  # kind, name, help, value


class _Figures(Collector):
    def __init__(self, figures: list[Figure]) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        for kind, name, text, value in self._figures:
            family = CounterMetricFamily if kind == "counter" else GaugeMetricFamily
            yield family(f"offhook_{name}", text, value=value())


def routes(figures: list[Figure]) -> list[HTTPRouteHandler]:
    """Health is public; figures need a token like everything else."""
    registry = CollectorRegistry()
    registry.register(_Figures(figures))

    @get("/healthz", opt={"public": True})
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @get("/metrics")
    async def metrics() -> Response[bytes]:
        text = generate_latest(registry)
        return Response(text, media_type=MediaType.TEXT)

    return [healthz, metrics]
