"""Joins calls over the public REST API."""

from collections.abc import Callable, Iterable

from offhook.sdk.http import Http
from offhook.wire.ids import ResourceKind, encode_id
from offhook.wire.telephony import StartConference


class ConferenceClient:
    """`base` gives the base of the REST API."""

    def __init__(self, http: Http, base: Callable[[], str]) -> None:
        self._http = http
        self._base = base

    async def join(self, call_ids: Iterable[str]) -> None:
        """Make one call of these; the first one goes on. Raises what `Http.request` raises."""
        encoded = [encode_id(ResourceKind.CALL, each) for each in call_ids]
        url = f"{self._base()}/telephony/conference"
        await self._http.request("POST", url, body=StartConference(callIds=encoded), patience=3.0)
