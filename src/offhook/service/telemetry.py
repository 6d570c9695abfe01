"""Telemetry of official clients: taken and thrown away unread, since it holds SDP and addresses."""

from typing import Any

from litestar import Request, post
from litestar.handlers import HTTPRouteHandler


def routes() -> list[HTTPRouteHandler]:
    """Without these, official clients repeat themselves for ever."""

    @post(
        ["/metrics/api/v1/clientmetrics", "/telemetry/v1/metric/v2"],
        status_code=200,
    )
    async def dropped(request: Request[Any, Any, Any]) -> dict[str, str]:
        await request.body()
        return {}

    return [dropped]
