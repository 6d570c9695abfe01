"""What operators ask of the backend: ``/healthz``, ``/metrics``, and the page at ``/admin``."""

import time
from collections.abc import Callable

from litestar import MediaType, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from offhook.push import page
from offhook.push.admin import AdminDoor
from offhook.push.devices import unavailable
from offhook.push.figures import Figures, is_well
from offhook.push.history import History
from offhook.push.registry import STORE_FAULTS, DeviceRegistry
from offhook.serving.errors import AnyRequest, ApiError
from offhook.store import Database

_ASK = {"www-authenticate": 'Basic realm="Offhook push", charset="UTF-8"'}


def routes(
    database: Database,
    registry: DeviceRegistry,
    figures: Figures,
    history: History,
    door: AdminDoor,
    warnings: Callable[[], list[str]],
    clock: Callable[[], float] = time.time,
) -> list[HTTPRouteHandler]:
    """The three of them. `warnings` are sentences about what is not as it should be."""
    started = clock()

    @get("/healthz")
    async def healthz() -> dict[str, str]:
        if not await is_well(database):
            raise ApiError(503, "The database does not answer.")
        return {"status": "ok"}

    @get("/metrics")
    async def metrics(request: AnyRequest) -> Response[bytes]:
        if not door.let_read_figures(request):
            if door.is_there:
                return Response(b"", status_code=401, headers=_ASK)
            raise ApiError(403, "Set admin_token to read the figures from another machine.")
        return Response(figures.text(), media_type=MediaType.TEXT)

    @get("/admin")
    async def admin(
        request: AnyRequest, person: FromQuery[str] = "", device: FromQuery[str] = ""
    ) -> Response[str]:
        if not door.is_there:
            raise ApiError(404, "There is no page here; set admin_token to have one.")
        if not door.let_in(request):
            return Response(
                "The page needs the admin_token as its password; any name will do.\n",
                status_code=401,
                media_type=MediaType.TEXT,
                headers=_ASK,
            )
        try:
            devices = await registry.page((person, device), page.DEVICES + 1)
            count = await registry.count()
        except STORE_FAULTS as error:
            raise unavailable() from error
        last = devices[page.DEVICES - 1] if len(devices) > page.DEVICES else None
        sent = figures.total("offhook_push_outcomes_total", outcome="sent")
        shown = page.Overview(
            now=clock(),
            started=started,
            counts=[
                ("Devices", f"{count:,}"),
                ("Webhooks", f"{figures.total('offhook_push_webhooks_received_total'):,.0f}"),
                ("Rejected", f"{figures.total('offhook_push_webhooks_rejected_total'):,.0f}"),
                ("Pushes sent", f"{sent:,.0f}"),
                (
                    "Pushes failed",
                    f"{figures.total('offhook_push_outcomes_total') - sent:,.0f}",
                ),
            ],
            alarms=history.alarms,
            warnings=warnings(),
            pushes=history.pushes,
            devices=devices[: page.DEVICES],
            next=(last.person_id, last.installation_id) if last else None,
        )
        return Response(page.page(shown), media_type=MediaType.HTML, headers=page.HEADERS)

    return [healthz, metrics, admin]
