"""Telemetry and logs of official clients: taken and thrown away, since they hold SDP and addresses.

Clients of whom they are not taken repeat themselves for ever.
"""

from typing import Any
from uuid import uuid4

from litestar import Request, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from offhook.service.identity.principal import SignedIn
from offhook.serving.origin import Origins
from offhook.wire.telemetry import LogUpload

#: The most that is read of a log, in bytes; more is an error 413.
_LARGEST = 4 * 1024 * 1024
_LOGS = "/client-logs/api/v1/logs"

AnyRequest = Request[Any, Any, Any]


def routes(origins: Origins) -> list[HTTPRouteHandler]:
    """Metrics, WebRTC statistics, and the three steps of a log upload (wire document, 1.5)."""

    @post(
        ["/metrics/api/v1/clientmetrics", "/telemetry/v1/metric/v2", f"{_LOGS}/meta"],
        status_code=200,
    )
    async def dropped(request: AnyRequest, principal: SignedIn) -> dict[str, str]:  # noqa: ARG001
        await _drop(request)
        return {}

    @post(f"{_LOGS}/urls", status_code=200)
    async def upload_address(request: AnyRequest, principal: SignedIn) -> LogUpload:
        await _drop(request)
        name = str(uuid4())
        url = f"{origins.of(request)}{_LOGS}/files/{name}"
        return LogUpload(tempURL=url, logFilename=name, userId=principal.person_id)

    @put(f"{_LOGS}/files/{{name:str}}", request_max_body_size=_LARGEST)
    async def upload(request: AnyRequest, principal: SignedIn, name: FromPath[str]) -> None:  # noqa: ARG001
        await _drop(request)

    return [dropped, upload_address, upload]


async def _drop(request: AnyRequest) -> None:
    async for _ in request.stream():
        pass
