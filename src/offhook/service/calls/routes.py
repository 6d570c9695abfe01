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
    Command,
    End,
    Hold,
    KeepAlive,
    Place,
    Resume,
    Roap,
)
from offhook.service.calls.shell import ExchangeShell
from offhook.service.directory import Directory
from offhook.service.http.errors import ApiError
from offhook.service.http.rate import RateLimit
from offhook.service.identity.principal import Principal, SignedIn
from offhook.service.lines.registry import Line, LineRegistry
from offhook.service.lines.routes import own_line
from offhook.wire.body import read_body
from offhook.wire.mobius import (
    CallRequest,
    CallState,
    CauseCode,
    CreateCallRequest,
    CreateCallResponse,
    DisconnectRequest,
    MediaRequest,
    MobiusError,
    MobiusErrorCode,
    TransferRequest,
    UpdateCallRequest,
)

_DEVICES = "/api/v1/calling/web/devices/{line_id:str}"
_CALL = _DEVICES + "/calls/{call_id:str}"
_SERVICES = "/api/v1/calling/web/services"

T = TypeVar("T")
AnyRequest = Request[Any, Any, Any]


def routes(
    shell: ExchangeShell, lines: LineRegistry, directory: Directory, creation: RateLimit
) -> list[HTTPRouteHandler]:
    """Create, alert, answer, negotiate, keep alive, hold, resume, end."""

    def submit(command: Command) -> None:
        try:
            shell.submit(command)
        except ExchangeRefused as refused:
            raise refusal(refused.code, refused.message) from refused

    async def read(request: AnyRequest, kind: type[T]) -> T:
        return read_body(await request.body(), kind)

    def about(body: CallRequest, principal: Principal) -> Line:
        return own_line(lines, principal, body.device.deviceId)

    @post(_DEVICES + "/call", status_code=200)
    async def create(
        request: AnyRequest, principal: SignedIn, line_id: FromPath[str]
    ) -> Response[CreateCallResponse]:
        line = own_line(lines, principal, line_id)
        body = await read(request, CreateCallRequest)
        if body.callee is None or not body.callee.address:
            raise refusal(MobiusErrorCode.PARSING_ERROR, "Say whom to call: callee is missing.")
        if creation.wait_for(principal.person_id):
            message = "Too many calls at once; wait a moment."
            code = MobiusErrorCode.CALL_PROCESSING_ERROR
            # Without Retry-After: an official client would fall silent until its own time-out.
            raise ApiError(503, message, body=MobiusError(message, errorCode=code))
        dialled = body.callee.address.removeprefix("tel:")
        target = await directory.resolve(principal.org_id, dialled)
        call_id = str(uuid4())
        shell.hold_back(call_id)
        try:
            submit(
                Place(
                    call_id=call_id,
                    line_id=line.line_id,
                    correlation_id=body.device.correlationId,
                    session_id=str(uuid4()),
                    tracking_id=f"OFFHOOK_{uuid4()}",
                    dialled=dialled,
                    target=target,
                    offer=body.localMedia.roap,
                )
            )
        except ApiError:
            shell.release(call_id)
            raise

        async def release() -> None:
            shell.release(call_id)

        answer = CreateCallResponse(body.device, call_id)
        return Response(answer, background=BackgroundTask(release))

    @patch(_CALL, status_code=200)
    async def update(
        request: AnyRequest, principal: SignedIn, line_id: FromPath[str], call_id: FromPath[str]
    ) -> CallRequest:
        line = own_line(lines, principal, line_id)
        body = await read(request, UpdateCallRequest)
        kind = Alert if body.callState is CallState.ALERTING else Answer
        submit(kind(line.line_id, call_id, body.device.correlationId))
        return CallRequest(body.device, call_id)

    @post(_CALL + "/media", status_code=200)
    async def media(
        request: AnyRequest, principal: SignedIn, line_id: FromPath[str], call_id: FromPath[str]
    ) -> CallRequest:
        line = own_line(lines, principal, line_id)
        body = await read(request, MediaRequest)
        submit(Roap(line.line_id, call_id, body.localMedia.roap, body.device.correlationId))
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
    ) -> dict[str, Any]:
        line = lines.get(line_id)
        raw = await request.body()
        if line is None or line.person_id != principal.person_id:
            return {}
        correlation_id, cause = "", CauseCode.NORMAL
        if raw:
            body = read_body(raw, DisconnectRequest)
            correlation_id = body.device.correlationId
            cause = _cause(body.causecode)
        submit(End(line_id, call_id, correlation_id, cause))
        return {"device": {"deviceId": line_id, "correlationId": correlation_id}, "callId": call_id}

    @post(_SERVICES + "/callhold/hold", status_code=200)
    async def hold(request: AnyRequest, principal: SignedIn) -> CallRequest:
        body = await read(request, CallRequest)
        submit(Hold(about(body, principal).line_id, body.callId))
        return body

    @post(_SERVICES + "/callhold/resume", status_code=200)
    async def resume(request: AnyRequest, principal: SignedIn) -> CallRequest:
        body = await read(request, CallRequest)
        submit(Resume(about(body, principal).line_id, body.callId))
        return body

    @post(_SERVICES + "/calltransfer/commit", status_code=200)
    async def transfer(request: AnyRequest, principal: SignedIn) -> None:
        body = await read(request, TransferRequest)
        own_line(lines, principal, body.device.deviceId)
        raise refusal(
            MobiusErrorCode.NOT_ACCEPTABLE, "This service does not transfer calls; hang up instead."
        )

    return [create, update, media, keep_alive, end, hold, resume, transfer]


def refusal(code: MobiusErrorCode, message: str) -> ApiError:
    """An error as Mobius writes it: official clients choose their text by `errorCode`."""
    status = 404 if code is MobiusErrorCode.CALL_NOT_FOUND else 403
    return ApiError(status, message, body=MobiusError(message, errorCode=code))


def _cause(code: int) -> CauseCode:
    try:
        return CauseCode(code)
    except ValueError:
        return CauseCode.NORMAL
