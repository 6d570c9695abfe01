"""``/v1/telephony/calls``: what a person's calls are, and what is to become of them."""

import re
from typing import Any

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from offhook.engine.exchange.inputs import (
    Action,
    AnswerView,
    BlindTransferView,
    DivertView,
    HangUpView,
    HoldView,
    MuteView,
    RejectView,
    SendDigitsView,
    TransferView,
)
from offhook.engine.exchange.views import CallView
from offhook.service.identity.principal import Principal, SignedIn
from offhook.service.telephony.control import CallControl, must_be_oneself
from offhook.service.telephony.shown import info, shown
from offhook.serving.errors import ApiError
from offhook.wire.body import read_body
from offhook.wire.telephony import (
    AnswerCall,
    CallCommand,
    CallInfo,
    CallList,
    Dial,
    DivertCall,
    RejectAction,
    RejectCall,
    TransferCalls,
    TransmitDtmf,
)
from offhook.wire.telephony_calls import TelephonyCall

_CALLS = "/v1/telephony/calls"
_DIGITS = re.compile(r"[0-9*#A-D,]{1,64}")
#: What Webex has besides.
_NOT_OFFERED = (
    "park",
    "retrieve",
    "pickup",
    "bargeIn",
    "pull",
    "push",
    "startRecording",
    "stopRecording",
    "pauseRecording",
    "resumeRecording",
)

AnyRequest = Request[Any, Any, Any]


def routes(control: CallControl) -> list[HTTPRouteHandler]:
    """List, get, and one request an action."""

    @get(_CALLS)
    async def listing(request: AnyRequest, principal: SignedIn) -> CallList:
        must_be_oneself(principal, request.query_params.get("lineOwnerId"))
        return CallList([shown(view) for view in control.calls(principal)])

    @get(_CALLS + "/{call_id:str}")
    async def details(
        request: AnyRequest, principal: SignedIn, call_id: FromPath[str]
    ) -> TelephonyCall:
        must_be_oneself(principal, request.query_params.get("lineOwnerId"))
        return shown(control.call(principal, call_id))

    @post(_CALLS + "/dial", status_code=201)
    async def dial(request: AnyRequest, principal: SignedIn) -> CallInfo:
        body = read_body(await request.body(), Dial)
        must_be_oneself(principal, body.lineOwnerId)
        if body.endpointId or body.singleNumberReachPhoneNumber:
            raise ApiError(400, "All of your phones ring; a certain one cannot be asked for.")
        dialled, target = await control.destination(principal, body.destination)
        return control.dial(principal, dialled, target)

    @post(_CALLS + "/answer", status_code=204)
    async def answer(request: AnyRequest, principal: SignedIn) -> None:
        body = read_body(await request.body(), AnswerCall)
        if body.endpointId:
            raise ApiError(400, "All phones that ring are asked; a certain one cannot be.")
        act(principal, body, AnswerView())

    @post(_CALLS + "/reject", status_code=204)
    async def reject(request: AnyRequest, principal: SignedIn) -> None:
        body = read_body(await request.body(), RejectCall)
        if body.action is RejectAction.IGNORE:
            raise ApiError(400, "A call cannot be ignored here; it rings until it is rejected.")
        act(principal, body, RejectView(busy=body.action is RejectAction.BUSY))

    @post(_CALLS + "/hangup", status_code=204)
    async def hang_up(request: AnyRequest, principal: SignedIn) -> None:
        act(principal, read_body(await request.body(), CallCommand), HangUpView())

    @post(_CALLS + "/hold", status_code=204)
    async def hold(request: AnyRequest, principal: SignedIn) -> None:
        act(principal, read_body(await request.body(), CallCommand), HoldView(held=True))

    @post(_CALLS + "/resume", status_code=204)
    async def resume(request: AnyRequest, principal: SignedIn) -> None:
        act(principal, read_body(await request.body(), CallCommand), HoldView(held=False))

    @post(_CALLS + "/mute", status_code=204)
    async def mute(request: AnyRequest, principal: SignedIn) -> None:
        act(principal, read_body(await request.body(), CallCommand), MuteView(muted=True))

    @post(_CALLS + "/unmute", status_code=204)
    async def unmute(request: AnyRequest, principal: SignedIn) -> None:
        act(principal, read_body(await request.body(), CallCommand), MuteView(muted=False))

    @post(_CALLS + "/transmitDtmf", status_code=204)
    async def transmit_dtmf(request: AnyRequest, principal: SignedIn) -> None:
        body = read_body(await request.body(), TransmitDtmf)
        if not _DIGITS.fullmatch(body.dtmf):
            raise ApiError(400, "dtmf has up to 64 of 0-9, *, #, A-D, and commas for pauses.")
        act(principal, body, SendDigitsView(body.dtmf))

    @post(_CALLS + "/divert", status_code=204)
    async def divert(request: AnyRequest, principal: SignedIn) -> None:
        body = read_body(await request.body(), DivertCall)
        if body.toVoicemail:
            raise ApiError(400, "This service has no voicemail; name a destination.")
        view = own(principal, body)
        dialled, target = await control.destination(principal, body.destination)
        control.command(principal, view, DivertView(dialled, target))

    @post(_CALLS + "/transfer")
    async def transfer(request: AnyRequest, principal: SignedIn) -> Response[CallInfo]:
        """Webex answers 204 to a transfer of two calls; wxc-sdk expects the ids in any case."""
        body = read_body(await request.body(), TransferCalls)
        must_be_oneself(principal, body.lineOwnerId)
        if body.destination and body.callId1 and not body.callId2:
            view = control.call(principal, body.callId1)
            _, target = await control.destination(principal, body.destination)
            control.command(principal, view, BlindTransferView(target))
            return Response(info(view.view_id, view.session_id), status_code=201)
        if body.destination:
            raise ApiError(400, "A destination goes with callId1, and without callId2.")
        view, other = two_calls(principal, body)
        control.command(principal, view, TransferView(other.view_id))
        return Response(info(view.view_id, view.session_id), status_code=200)

    @post([f"{_CALLS}/{action}" for action in _NOT_OFFERED])
    async def not_offered(request: AnyRequest) -> None:
        action = request.url.path.rsplit("/", 1)[-1]
        raise ApiError(400, f"This service does not offer {action}.")

    def own(principal: Principal, body: CallCommand) -> CallView:
        must_be_oneself(principal, body.lineOwnerId)
        return control.call(principal, body.callId)

    def act(principal: Principal, body: CallCommand, action: Action) -> None:
        control.command(principal, own(principal, body), action)

    def two_calls(principal: Principal, body: TransferCalls) -> tuple[CallView, CallView]:
        """The two that are named, or all that there are if that is two."""
        if body.callId1 and body.callId2:
            return control.call(principal, body.callId1), control.call(principal, body.callId2)
        calls = control.calls(principal)
        if body.callId1 or body.callId2 or len(calls) != 2:
            raise ApiError(400, "Say which calls to transfer: callId1 and callId2.")
        return calls[0], calls[1]

    return [
        listing,
        details,
        dial,
        answer,
        reject,
        hang_up,
        hold,
        resume,
        mute,
        unmute,
        transmit_dtmf,
        divert,
        transfer,
        not_offered,
    ]
