"""The call history of an organisation over REST, for its administrators (`wire.call_history`)."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import NAMESPACE_OID, uuid5

import msgspec
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from offhook.engine.exchange.model import CallRecord, EndReason, Party
from offhook.service.directory import Directory
from offhook.service.identity.principal import SignedIn
from offhook.service.records import Records
from offhook.serving.errors import ApiError
from offhook.serving.origin import Origins
from offhook.wire.call_history import (
    LONGEST_QUERY,
    ORIGINATING,
    TERMINATING,
    USER,
    CallHistory,
    CallHistoryQuery,
    CallHistoryRecord,
)

#: How Webex words what came of a call: outcome and reason.
_OUTCOMES = {
    EndReason.HANGUP: ("Success", "Normal"),
    EndReason.CANCELLED: ("Refusal", "SIP487"),
    EndReason.BUSY: ("Success", "UserBusy"),
    EndReason.REJECTED: ("Refusal", "CallRejected"),
    EndReason.NO_ANSWER: ("Success", "NoAnswer"),
    EndReason.NOT_FOUND: ("Refusal", "UnassignedNumber"),
    EndReason.UNAVAILABLE: ("Refusal", "TemporarilyUnavailable"),
    EndReason.TRANSFERRED: ("Success", "Normal"),
    EndReason.MERGED: ("Success", "Normal"),
}
_FAILED = ("Failure", "Internal")


def routes(records: Records, directory: Directory, origins: Origins) -> list[HTTPRouteHandler]:
    """``/v1/cdr_feed``. A record is there as soon as its call is over."""

    @get("/v1/cdr_feed")
    async def cdr_feed(
        request: Request[Any, Any, Any], principal: SignedIn
    ) -> Response[CallHistory]:
        if not (await directory.person(principal.person_id)).is_admin:
            raise ApiError(403, "Only an administrator may read the calls of an organisation.")
        asked = {name: values[-1] for name, values in request.query_params.dict().items()}
        query = _query(asked)
        since, until = _time("startTime", query.startTime), _time("endTime", query.endTime)
        if not 0 < until - since <= LONGEST_QUERY:
            raise ApiError(400, "endTime must be after startTime, by 12 hours at most.")
        found = await records.of_organization(
            principal.org_id, since, until, start=query.cursor, most=query.max + 1
        )
        items = []
        for record in found[: query.max]:
            for direction, person in _sides(record):
                is_person = bool(person.person_id)
                if is_person and await directory.organization_of(person.person_id) == (
                    principal.org_id
                ):
                    items.append(_side(record, direction, person, principal.org_id))
        headers = {}
        if len(found) > query.max:
            asked["cursor"] = str(query.cursor + query.max)
            url = f"{origins.of(request)}/v1/cdr_feed?{urlencode(asked)}"
            headers["link"] = f'<{url}>; rel="next"'
        return Response(CallHistory(items), headers=headers)

    return [cdr_feed]


def _query(values: dict[str, str]) -> CallHistoryQuery:
    try:
        return msgspec.convert(values, CallHistoryQuery, strict=False)
    except msgspec.ValidationError as error:
        raise ApiError(400, f"{error}.") from error


def _time(name: str, text: str) -> float:
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise ApiError(400, f"{name} is not of the form 2026-01-01T12:00:00.000Z.") from error
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def _sides(record: CallRecord) -> list[tuple[str, Party]]:
    """Whose record it is, and for which direction.

    A call that is sent on is one call of its caller. Whom it still rings for when it is transferred
    has the record of what came of it.
    """
    sides = []
    if not record.sent_on:
        sides.append((ORIGINATING, record.caller))
    if record.answered is not None or record.reason is not EndReason.TRANSFERRED:
        sides.append((TERMINATING, record.callee))
    return sides


def _side(record: CallRecord, direction: str, person: Party, org_id: str) -> CallHistoryRecord:
    outcome, reason = _OUTCOMES.get(record.reason, _FAILED)
    answered = record.answered
    return CallHistoryRecord(
        start_time=_iso(record.placed),
        answer_time="" if answered is None else _iso(answered),
        release_time=_iso(record.ended),
        report_time=_iso(record.ended),
        duration=0 if answered is None else round(record.ended - answered),
        answered="false" if answered is None else "true",
        direction=direction,
        calling_number=record.caller.number,
        called_number=record.callee.number,
        dialed_digits=record.dialled if direction == ORIGINATING else "",
        user=person.name,
        user_uuid=person.person_id,
        user_type=USER,
        org_uuid=org_id,
        correlation_id=record.session_id,
        report_id=str(uuid5(NAMESPACE_OID, f"{record.session_id} {record.sent_on} {direction}")),
        call_outcome=outcome,
        call_outcome_reason=reason,
    )


def _iso(seconds: float) -> str:
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
