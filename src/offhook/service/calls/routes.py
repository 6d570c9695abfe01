"""Mobius call control over HTTP (wire document, 4.1)."""

from typing import Any, TypeVar
from uuid import uuid4

from litestar import Request, Response, delete, patch, post
from litestar.background_tasks import BackgroundTask
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from offhook.engine.exchange import ExchangeRefused
from offhook.engine.exchange.inputs import (
    Alert,
    Answer,
    BlindTransfer,
    Command,
    ConsultTransfer,
    End,
    Hold,
    KeepAlive,
    Place,
    Resume,
    Roap,
)
from offhook.service.calls.shell import ExchangeShell
from offhook.service.directory import Directory
from offhook.service.identity.principal import Principal, SignedIn
from offhook.service.lines.refusal import refusal
from offhook.service.lines.registry import Line, LineRegistry
from offhook.service.lines.routes import own_line
from offhook.serving.errors import ApiError
from offhook.serving.rate import RateLimit
from offhook.wire.body import read_body
from offhook.wire.mobius import (
    CallDevice,
    CallRequest,
    CallState,
    CauseCode,
    CreateCallRequest,
    CreateCallResponse,
    DisconnectRequest,
    MediaRequest,
    MobiusErrorCode,
    TransferRequest,
    TransferType,
    UpdateCallRequest,
)

_DEVICES = "/api/v1/calling/web/devices/{line_id:str}"
_CALL = _DEVICES + "/calls/{call_id:str}"
_SERVICES = "/api/v1/calling/web/services"
_LONGEST_ID = 128

T = TypeVar("T")
AnyRequest = Request[Any, Any, Any]


def routes(
    shell: ExchangeShell, lines: LineRegistry, directory: Directory, creation: RateLimit
) -> list[HTTPRouteHandler]:
    """Create, alert, answer, negotiate, keep alive, hold, resume, transfer, end."""

    def submit(command: Command) -> None:
        try:
            shell.submit(command)
        except ExchangeRefused as refused:
            raise refusal(refused.code, refused.message) from refused

    async def read(request: AnyRequest, kind: type[T]) -> T:
        return read_body(await request.body(), kind)

    def about(device: CallDevice, principal: Principal) -> Line:
        return own_line(lines, principal, device.deviceId)

    @post(_DEVICES + "/call", status_code=200)
    async def create(
        request: AnyRequest, principal: SignedIn, line_id: FromPath[str]
    ) -> Response[CreateCallResponse]:
        line = own_line(lines, principal, line_id)
        body = await read(request, CreateCallRequest)
        correlation_id = _checked(body.device, line)
        if body.callee is None or not body.callee.address:
            raise refusal(MobiusErrorCode.PARSING_ERROR, "Say whom to call: callee is missing.")
        if creation.wait_for(principal.person_id):
            message = "Too many calls at once; wait a moment."
            raise refusal(MobiusErrorCode.CALL_PROCESSING_ERROR, message)
        dialled = body.callee.address.removeprefix("tel:")
        target = await directory.resolve(principal.org_id, dialled)
        call_id = str(uuid4())
        place = Place(
            call_id=call_id,
            line_id=line.line_id,
            correlation_id=correlation_id,
            session_id=str(uuid4()),
            tracking_id=f"OFFHOOK_{uuid4()}",
            dialled=dialled,
            target=target,
            offer=body.localMedia.roap,
        )
        # The client has to know the call's id before it hears of the call.
        shell.hold_back(call_id)
        try:
            submit(place)
        except ApiError:
            shell.release(call_id)
            raise
        answer = CreateCallResponse(body.device, call_id)
        return Response(answer, background=BackgroundTask(shell.answered, call_id))

    @patch(_CALL, status_code=200)
    async def update(
        request: AnyRequest, principal: SignedIn, line_id: FromPath[str], call_id: FromPath[str]
    ) -> CallRequest:
        line = own_line(lines, principal, line_id)
        body = await read(request, UpdateCallRequest)
        kind = Alert if body.callState is CallState.ALERTING else Answer
        submit(kind(line.line_id, call_id, _checked(body.device, line)))
        return CallRequest(body.device, call_id)

    @post(_CALL + "/media", status_code=200)
    async def media(
        request: AnyRequest, principal: SignedIn, line_id: FromPath[str], call_id: FromPath[str]
    ) -> CallRequest:
        line = own_line(lines, principal, line_id)
        body = await read(request, MediaRequest)
        correlation_id = _checked(body.device, line)
        submit(Roap(line.line_id, call_id, body.localMedia.roap, correlation_id))
        return CallRequest(body.device, call_id)

    @post(_CALL + "/status", status_code=200)
    async def keep_alive(
        request: AnyRequest, principal: SignedIn, line_id: FromPath[str], call_id: FromPath[str]
    ) -> CallRequest:
        line = own_line(lines, principal, line_id)
        body = await read(request, CallRequest)
        submit(KeepAlive(line.line_id, call_id))
        return body

    @delete(_CALL, status_code=200)
    async def end(
        request: AnyRequest, principal: SignedIn, line_id: FromPath[str], call_id: FromPath[str]
    ) -> CallRequest:
        raw = await request.body()
        body = read_body(raw, DisconnectRequest) if raw else None
        correlation_id = body.device.correlationId if body is not None else ""
        line = lines.get(line_id)
        # A call that is gone is ended already, and so is one of a line that is gone.
        if line is not None and line.person_id == principal.person_id:
            cause = _cause(body.causecode) if body is not None else CauseCode.NORMAL
            submit(End(line_id, call_id, correlation_id, cause))
        return CallRequest(CallDevice(line_id, correlation_id), call_id)

    @post(_SERVICES + "/callhold/hold", status_code=200)
    async def hold(request: AnyRequest, principal: SignedIn) -> CallRequest:
        body = await read(request, CallRequest)
        submit(Hold(about(body.device, principal).line_id, body.callId))
        return body

    @post(_SERVICES + "/callhold/resume", status_code=200)
    async def resume(request: AnyRequest, principal: SignedIn) -> CallRequest:
        body = await read(request, CallRequest)
        submit(Resume(about(body.device, principal).line_id, body.callId))
        return body

    @post(_SERVICES + "/calltransfer/commit", status_code=200)
    async def transfer(request: AnyRequest, principal: SignedIn) -> CallRequest:
        body = await read(request, TransferRequest)
        line = about(body.device, principal)
        blind, consult = body.blindTransferContext, body.consultTransferContext
        if body.transferType is TransferType.BLIND and blind is not None:
            dialled = blind.destination.removeprefix("tel:")
            target = await directory.resolve(principal.org_id, dialled)
            submit(BlindTransfer(line.line_id, blind.transferorCallId, target))
        elif body.transferType is TransferType.CONSULT and consult is not None:
            submit(
                ConsultTransfer(line.line_id, consult.transferorCallId, consult.transferToCallId)
            )
        else:
            raise refusal(
                MobiusErrorCode.PARSING_ERROR,
                "A BLIND transfer needs a blindTransferContext, a CONSULT one a "
                "consultTransferContext.",
            )
        return CallRequest(body.device, body.callId)

    return [create, update, media, keep_alive, end, hold, resume, transfer]


def _checked(device: CallDevice, line: Line) -> str:
    """The client's own id of its call: it takes no notice of an event that lacks it."""
    if device.deviceId != line.line_id:
        raise refusal(
            MobiusErrorCode.PARSING_ERROR, "device.deviceId is not the device of the address."
        )
    if not device.correlationId or len(device.correlationId) > _LONGEST_ID:
        raise refusal(
            MobiusErrorCode.PARSING_ERROR,
            f"device.correlationId is your own id of the call, of 1 to {_LONGEST_ID} characters.",
        )
    return device.correlationId


def _cause(code: int) -> CauseCode:
    try:
        return CauseCode(code)
    except ValueError:
        return CauseCode.NORMAL
