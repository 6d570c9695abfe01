"""Requests to Mobius, one method each (wire document, 3 and 4.1)."""

from dataclasses import dataclass
from urllib.parse import quote
from uuid import uuid4

import msgspec

from offhook.sdk.http import Http
from offhook.wire import mobius
from offhook.wire.call_metrics import CallMetrics
from offhook.wire.ringing_call import RingingCall
from offhook.wire.roap import RoapMessage

_WEB = "calling/web/"


@dataclass(frozen=True, slots=True)
class LineAddress:
    """Where a line's calls live: the server's base (ending in a slash) and the line's id."""

    base: str
    device_id: str


class MobiusClient:
    """See the module. Each raises what `Http.request` raises."""

    def __init__(self, http: Http) -> None:
        self._http = http

    # --- lines ---

    async def discover(self, mobius_base: str, region: str, country: str) -> mobius.Discovery:
        """Which servers there are. `mobius_base` has no ``/calling/web/``."""
        url = f"{mobius_base}/{_WEB}?regionCode={region}&countryCode={country}"
        return (await self._http.request("GET", url)).read(mobius.Discovery)

    async def register(self, base: str, user_id: str, device_url: str) -> mobius.Registration:
        """Register a line at `base`, which ends in a slash."""
        body = mobius.RegisterRequest(userId=user_id, clientDeviceUri=device_url)
        answer = await self._http.request("POST", f"{base}device", body=body, patience=0)
        return answer.read(mobius.Registration)

    async def keep_alive(self, line_uri: str) -> None:
        """Keep a line alive."""
        await self._http.request("POST", f"{line_uri}/status", bare=True, patience=0)

    async def unregister(self, line_uri: str) -> None:
        """End a line."""
        await self._http.request("DELETE", line_uri, bare=True, patience=0)

    async def ringing(self, mobius_base: str, call_id: str) -> RingingCall:
        """How it stands with a call that a push announced."""
        url = f"{mobius_base}/{_WEB}ringing/{quote(call_id, safe='')}"
        return (await self._http.request("GET", url, patience=0)).read(RingingCall)

    async def ping(self, base: str) -> None:
        """Ask whether a server is there."""
        await self._http.request("GET", f"{base.removesuffix(_WEB)}ping", patience=0)


class CallClient:
    """Requests about one call of a line."""

    def __init__(self, http: Http, line: LineAddress, correlation_id: str) -> None:
        self._http = http
        self._line = line
        self._device = mobius.CallDevice(line.device_id, correlation_id)

    async def create(self, offer: RoapMessage, callee: mobius.Callee) -> tuple[str, str]:
        """Place the call. Returns its id and the request's tracking id."""
        body = mobius.CreateCallRequest(self._device, self._media(offer), callee)
        url = f"{self._line.base}devices/{self._line.device_id}/call"
        tracking_id = self._http.new_tracking_id()
        answer = await self._http.request(
            "POST",
            url,
            body=body,
            headers={"trackingid": tracking_id},
            patience=3.0,
            repeatable=False,
        )
        return answer.read(mobius.CreateCallResponse).callId, tracking_id

    async def update(self, call_id: str, state: mobius.CallState) -> None:
        """Say that it rings, or was answered."""
        body = mobius.UpdateCallRequest(self._device, call_id, state)
        await self._http.request("PATCH", self._url(call_id), body=body)

    async def negotiate(self, call_id: str, message: RoapMessage) -> None:
        """Send a ROAP message."""
        body = mobius.MediaRequest(self._device, call_id, self._media(message))
        await self._http.request("POST", f"{self._url(call_id)}/media", body=body)

    async def status(self, call_id: str) -> None:
        """Say that the call is still there, and learn whether the service thinks so too."""
        body = mobius.CallRequest(self._device, call_id)
        await self._http.request("POST", f"{self._url(call_id)}/status", body=body, patience=0)

    async def hold(self, call_id: str, *, held: bool) -> None:
        """Hold or resume."""
        verb = "hold" if held else "resume"
        body = mobius.CallRequest(self._device, call_id)
        url = f"{self._line.base}services/callhold/{verb}"
        await self._http.request("POST", url, body=body, patience=3.0)

    async def transfer(self, call_id: str, destination: str) -> None:
        """Send the other party on to digits."""
        context = mobius.BlindTransferContext(call_id, destination)
        await self._commit(
            mobius.TransferRequest(
                self._device,
                call_id,
                mobius.TransferType.BLIND,
                blindTransferContext=context,
            )
        )

    async def transfer_to_call(self, call_id: str, to_call_id: str) -> None:
        """Connect the other party with that of another call."""
        context = mobius.ConsultTransferContext(call_id, to_call_id)
        await self._commit(
            mobius.TransferRequest(
                self._device,
                call_id,
                mobius.TransferType.CONSULT,
                consultTransferContext=context,
            )
        )

    async def _commit(self, body: mobius.TransferRequest) -> None:
        url = f"{self._line.base}services/calltransfer/commit"
        await self._http.request("POST", url, body=body, patience=3.0)

    async def disconnect(self, call_id: str, cause: mobius.CauseCode, metrics: CallMetrics) -> None:
        """End the call."""
        body = mobius.DisconnectRequest(
            self._device,
            call_id,
            metrics=msgspec.Raw(msgspec.json.encode(metrics)),
            causecode=int(cause),
            cause=mobius.CAUSE_TEXT[cause],
        )
        await self._http.request("DELETE", self._url(call_id), body=body, patience=3.0, timeout=5.0)

    def _url(self, call_id: str) -> str:
        return f"{self._line.base}devices/{self._line.device_id}/calls/{call_id}"

    @staticmethod
    def _media(message: RoapMessage) -> mobius.LocalMedia:
        return mobius.LocalMedia(message, str(uuid4()))
