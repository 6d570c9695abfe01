"""``/v1/telephony/calls/history``: a person's latest calls that are over."""

from typing import Any

from litestar import Request, get
from litestar.handlers import HTTPRouteHandler

from offhook.engine.exchange.model import CallRecord
from offhook.service.firehose.firehose import iso_time
from offhook.service.identity.principal import SignedIn
from offhook.service.records import Records
from offhook.serving.errors import ApiError
from offhook.wire.telephony import HistoryList, HistoryRecord, HistoryType

#: Calls of each type.
_MOST = 20

AnyRequest = Request[Any, Any, Any]


def routes(records: Records) -> list[HTTPRouteHandler]:
    """The one request."""

    @get("/v1/telephony/calls/history")
    async def history(request: AnyRequest, principal: SignedIn) -> HistoryList:
        latest = {
            HistoryType.PLACED: records.placed_by,
            HistoryType.MISSED: records.missed_by,
            HistoryType.RECEIVED: records.received_by,
        }
        found = [
            _record(kind, call)
            for kind in _types(request.query_params.get("type"))
            for call in await latest[kind](principal.person_id, _MOST)
        ]
        return HistoryList(sorted(found, key=lambda each: each.time, reverse=True))

    return [history]


def _types(wanted: str | None) -> list[HistoryType]:
    if wanted is None:
        return list(HistoryType)
    try:
        return [HistoryType(wanted)]
    except ValueError:
        known = ", ".join(HistoryType)
        raise ApiError(400, f"type may be {known}.") from None


def _record(kind: HistoryType, call: CallRecord) -> HistoryRecord:
    if kind is HistoryType.PLACED:
        other, time = call.callee, call.placed
    else:
        other, time = call.caller, call.ended if call.answered is None else call.answered
    return HistoryRecord(kind, other.name, other.number, iso_time(time))
