"""The detailed call history: GET ``/v1/cdr_feed``, for administrators only.

Webex answers it under a host of its own and says ``https://analytics-calling.webexapis.com`` for
most regions. A call has a record for each side of it, written when it is over. Names and values are
Webex's; it writes booleans as text.

Source: developer.webex.com, "Reports: Detailed Call History"; wxc-sdk, `cdr`.
"""

from typing import Annotated

import msgspec

#: Seconds between the end of a call and when its records can be read, and of the longest query.
AVAILABLE_AFTER = 300.0
LONGEST_QUERY = 12 * 3600.0

ORIGINATING, TERMINATING = "ORIGINATING", "TERMINATING"
#: The type of a record that is about a person, rather than a queue or a device in a room.
USER = "User"

_NAMES = {
    "start_time": "Start time",
    "answer_time": "Answer time",
    "release_time": "Release time",
    "report_time": "Report time",
    "duration": "Duration",
    "answered": "Answered",
    "direction": "Direction",
    "calling_number": "Calling number",
    "called_number": "Called number",
    "dialed_digits": "Dialed digits",
    "user": "User",
    "user_uuid": "User UUID",
    "user_type": "User type",
    "org_uuid": "Org UUID",
    "correlation_id": "Correlation ID",
    "report_id": "Report ID",
    "call_outcome": "Call outcome",
    "call_outcome_reason": "Call outcome reason",
}


class CallHistoryRecord(msgspec.Struct, rename=_NAMES.get):
    """One side of a call that is over. Times are ISO 8601, `duration` in seconds."""

    start_time: str
    answer_time: str
    release_time: str
    report_time: str
    duration: int
    answered: str
    direction: str
    calling_number: str
    called_number: str
    dialed_digits: str
    user: str
    user_uuid: str
    user_type: str
    org_uuid: str
    correlation_id: str
    report_id: str
    call_outcome: str
    call_outcome_reason: str


class CallHistory(msgspec.Struct):
    """A page of records; the next page is in the ``Link`` header."""

    items: list[CallHistoryRecord]


class CallSide(msgspec.Struct, rename=_NAMES.get):
    """What tells a missed call, of a record that has much more."""

    start_time: str = ""
    answered: str | bool | None = None
    direction: str = ""
    user_uuid: str = ""
    user_type: str = ""
    correlation_id: str = ""


class CallSides(msgspec.Struct):
    """A page, as `CallSide`."""

    items: list[CallSide]


class CallHistoryQuery(msgspec.Struct):
    """The parameters of GET ``/cdr_feed``. The times are ISO 8601; `cursor` is for paging."""

    startTime: str
    endTime: str
    max: Annotated[int, msgspec.Meta(ge=1, le=5000)] = 500
    cursor: Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)] = 0
