"""A client of ``{history}/v1/cdr_feed``: what calls there were, for administrators."""

import ssl
from datetime import UTC, datetime
from urllib.parse import urlencode

from offhook.errors import ServiceError
from offhook.push.cloud_address import WEBEX
from offhook.push.cloud_errors import NotAllowedError
from offhook.push.cloud_http import CloudHttp, Credentials
from offhook.wire.call_history import CallSide, CallSides

#: Where Webex has it for most regions; the others' is in the answer to a wrong one.
WEBEX_HISTORY = "https://analytics-calling.webexapis.com"

_PAGE = 5000
#: Webex allows ten pages a minute.
_MOST_PAGES = 10
_SENTENCES = {
    403: (
        "The cloud does not show the call history; the token needs the scope "
        "spark-admin:calling_cdr_read, and its administrator the right to the history's API."
    ),
    404: "The cloud has no call history for administrators.",
    451: (
        "The call history of this organisation is kept in another region; set watch.history to "
        "that region's address, such as https://analytics-calling-eu.webexapis.com."
    ),
}


def history_base(cloud: str, given: str) -> str:
    """Where the call history of `cloud` is, unless `given` says so."""
    return given or (WEBEX_HISTORY if cloud == WEBEX else cloud)


class CallHistoryClient:
    """Reads the call history of one organisation. Use it in ``async with``."""

    def __init__(
        self, base: str, credentials: Credentials, *, tls: ssl.SSLContext | None = None
    ) -> None:
        self._http = CloudHttp(base, credentials, tls=tls, patience=0.0)

    async def __aenter__(self) -> "CallHistoryClient":
        await self._http.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.__aexit__()

    async def ended_between(self, since: float, until: float) -> list[CallSide]:
        """The sides of all calls that ended then, in Unix seconds; at most 12 hours.

        Raises what `CloudHttp.request` does.
        """
        asked = {"startTime": _iso(since), "endTime": _iso(until), "max": _PAGE}
        sides: list[CallSide] = []
        try:
            async for answer in self._http.pages(f"/v1/cdr_feed?{urlencode(asked)}", _MOST_PAGES):
                sides += answer.read(CallSides).items
        except ServiceError as error:
            sentence = _SENTENCES.get(error.status)
            if sentence is None:
                raise
            raise NotAllowedError(sentence, error.status, tracking_id=error.tracking_id) from error
        return sides


def _iso(seconds: float) -> str:
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
