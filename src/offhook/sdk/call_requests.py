"""The requests of one call, sent in the order in which they were decided."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import assert_never

from offhook.engine.client import call_io as io
from offhook.engine.client import phone_io as phone
from offhook.engine.client.negotiation import PostOffer, PostRoap
from offhook.errors import CallEndedError, WebexError
from offhook.sdk.conference import ConferenceClient
from offhook.sdk.mobius import CallClient
from offhook.sdk.supervisor import Supervisor
from offhook.wire.call_metrics import CallMetrics
from offhook.wire.mobius import Callee, CallState

OwnRequest = (
    PostOffer | PostRoap | io.PatchAlerting | io.PatchConnected | io.PostHold | io.PostStatus
)
#: About more calls than one; answered by its number.
SharedRequest = phone.PostTransfer | phone.PostConference
CallRequest = OwnRequest | SharedRequest


class CallRequests:
    """Reports each answer with `feed`. What still waits when the call ends is not sent; those that
    are about other calls too are told so.

    `call_id` gives the call's id as far as it is known.
    """

    def __init__(
        self,
        client: CallClient,
        conferences: ConferenceClient,
        callee: Callee | None,
        call_id: Callable[[], str],
        feed: Callable[[io.Input | phone.RequestAnswered], None],
        supervisor: Supervisor,
    ) -> None:
        self._client = client
        self._conferences = conferences
        self._callee = callee or Callee("uri", "")
        self._call_id = call_id
        self._feed = feed
        self._supervisor = supervisor
        self._waiting: deque[CallRequest] = deque()
        self._sending: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._over = False

    def send(self, request: CallRequest) -> None:
        """Send it behind those that wait."""
        if self._over:
            return
        self._waiting.append(request)
        if self._sending is None:
            self._sending = self._supervisor.spawn(self._send_all(), "offhook-call-requests")

    def disconnect(self, effect: io.Disconnect, metrics: CallMetrics) -> None:
        """Tell the service that the call is over, ahead of everything else."""
        self._over = True
        unsent = [each for each in self._waiting if isinstance(each, SharedRequest)]
        self._waiting.clear()
        for request in unsent:
            ended = CallEndedError("The call ended before the service was asked.", "ended")
            self._feed(phone.RequestAnswered(request.request, ended))
        task = self._supervisor.spawn(self._disconnect(effect, metrics), "offhook-disconnect")
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def told(self) -> None:
        """Wait until the service was told of the end, or could not be."""
        if self._ending:
            await asyncio.wait(self._ending)

    async def _disconnect(self, effect: io.Disconnect, metrics: CallMetrics) -> None:
        with suppress(WebexError):  # the service learns by itself of a client that is cut off
            await self._client.disconnect(effect.call_id, effect.cause, metrics)

    async def _send_all(self) -> None:
        """The task lives only while something waits."""
        try:
            while self._waiting:
                request = self._waiting.popleft()
                if isinstance(request, SharedRequest):
                    self._feed(await self._send_shared(request))
                else:
                    self._feed(await self._send_own(request))
        finally:
            self._sending = None

    async def _send_shared(self, request: SharedRequest) -> phone.RequestAnswered:
        try:
            match request:
                case phone.PostConference(call_ids=call_ids):
                    await self._conferences.join(call_ids)
                case phone.PostTransfer(to_call_id=to_call_id) if to_call_id:
                    await self._client.transfer_to_call(self._call_id(), to_call_id)
                case phone.PostTransfer(destination=destination):
                    await self._client.transfer(self._call_id(), destination)
                case _:
                    assert_never(request)
        except WebexError as error:
            return phone.RequestAnswered(request.request, error)
        return phone.RequestAnswered(request.request)

    async def _send_own(
        self, request: OwnRequest
    ) -> io.Created | io.RequestDone | io.RequestFailed:
        try:
            return await self._send(request)
        except WebexError as error:
            return io.RequestFailed(_kind_of(request), error)

    async def _send(self, request: OwnRequest) -> io.Created | io.RequestDone:
        client, call_id = self._client, self._call_id()
        match request:
            case PostOffer(message=message):
                created, tracking_id = await client.create(message, self._callee)
                return io.Created(created, tracking_id)
            case PostRoap(message=message):
                await client.negotiate(call_id, message)
            case io.PatchAlerting():
                await client.update(call_id, CallState.ALERTING)
            case io.PatchConnected():
                await client.update(call_id, CallState.CONNECTED)
            case io.PostHold(held=held):
                await client.hold(call_id, held=held)
            case io.PostStatus():
                await client.status(call_id)
            case _:
                assert_never(request)
        return io.RequestDone(_kind_of(request))


def _kind_of(request: OwnRequest) -> io.Request:
    match request:
        case PostOffer():
            return io.Request.CREATE
        case PostRoap():
            return io.Request.MEDIA
        case io.PatchAlerting():
            return io.Request.ALERT
        case io.PatchConnected():
            return io.Request.CONNECT
        case io.PostHold():
            return io.Request.HOLD
        case io.PostStatus():
            return io.Request.STATUS
        case _:
            assert_never(request)
