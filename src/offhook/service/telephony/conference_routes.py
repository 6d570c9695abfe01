"""``/v1/telephony/conference``: the conference that a person hosts.

Its participants are known by the host's calls with them, which go on being the host's calls.
"""

from typing import Any

from litestar import Request, delete, get, post
from litestar.handlers import HTTPRouteHandler

from offhook.engine.exchange import Exchange
from offhook.engine.exchange.inputs import (
    ConferenceViews,
    EndConferenceView,
    HoldView,
    MuteParticipantView,
    MuteView,
)
from offhook.engine.exchange.views import CallView, ViewState
from offhook.service.firehose.firehose import iso_time
from offhook.service.identity.principal import Principal, SignedIn
from offhook.service.telephony.control import CallControl, must_be_oneself
from offhook.service.telephony.shown import rest_id
from offhook.serving.errors import ApiError
from offhook.wire.body import read_body
from offhook.wire.telephony import (
    CallCommand,
    ConferenceDetails,
    ConferenceParticipant,
    ConferenceState,
    StartConference,
)

_CONFERENCE = "/v1/telephony/conference"

AnyRequest = Request[Any, Any, Any]


def routes(control: CallControl, exchange: Exchange) -> list[HTTPRouteHandler]:
    """Start, get, end; add, mute and unmute somebody; hold and resume as the host."""

    @post(_CONFERENCE, status_code=204)
    async def start(request: AnyRequest, principal: SignedIn) -> None:
        body = read_body(await request.body(), StartConference)
        must_be_oneself(principal, body.lineOwnerId)
        views = [control.call(principal, each) for each in body.callIds]
        if len({view.view_id for view in views}) < 2:
            raise ApiError(400, "callIds: name at least two calls to join.")
        others = tuple(view.view_id for view in views[1:])
        control.command(principal, views[0], ConferenceViews(others))

    @get(_CONFERENCE)
    async def details(request: AnyRequest, principal: SignedIn) -> ConferenceDetails:
        must_be_oneself(principal, request.query_params.get("lineOwnerId"))
        views = hosted(principal)
        if not views:
            return ConferenceDetails()
        session = exchange.session(views[0].conference_id)
        held = views[0].state is ViewState.HELD
        return ConferenceDetails(
            state=ConferenceState.HELD if held else ConferenceState.CONNECTED,
            created=None if session is None else iso_time(session.placed),
            muted=views[0].muted,
            participants=[
                ConferenceParticipant(rest_id(view.view_id), muted=is_muted(view)) for view in views
            ],
        )

    @delete(_CONFERENCE)
    async def end(request: AnyRequest, principal: SignedIn) -> None:
        control.command(principal, as_host(request, principal), EndConferenceView())

    @post(_CONFERENCE + "/addParticipant", status_code=204)
    async def add_participant(request: AnyRequest, principal: SignedIn) -> None:
        body = read_body(await request.body(), CallCommand)
        must_be_oneself(principal, body.lineOwnerId)
        new = control.call(principal, body.callId)
        control.command(principal, as_host(request, principal), ConferenceViews((new.view_id,)))

    @post([_CONFERENCE + "/mute", _CONFERENCE + "/unmute"], status_code=204)
    async def mute(request: AnyRequest, principal: SignedIn) -> None:
        raw = await request.body()
        body = read_body(raw, CallCommand) if raw else CallCommand()
        muted = request.url.path.endswith("/mute")
        host = as_host(request, principal)
        if body.callId:
            view = control.call(principal, body.callId)
            control.command(principal, view, MuteParticipantView(muted))
        else:
            control.command(principal, host, MuteView(muted))

    @post([_CONFERENCE + "/hold", _CONFERENCE + "/resume"], status_code=204)
    async def hold(request: AnyRequest, principal: SignedIn) -> None:
        held = request.url.path.endswith("/hold")
        control.command(principal, as_host(request, principal), HoldView(held))

    @post([_CONFERENCE + "/deafen", _CONFERENCE + "/undeafen"], status_code=204)
    async def deafen() -> None:
        raise ApiError(400, "A participant cannot be deafened here; hold or mute instead.")

    def hosted(principal: Principal) -> list[CallView]:
        """The host's calls in the conference, one a participant; none if there is none."""
        return [
            view
            for view in control.calls(principal)
            if (session := exchange.session(view.conference_id)) is not None
            and session.host_id == view.call_id
        ]

    def as_host(request: AnyRequest, principal: Principal) -> CallView:
        must_be_oneself(principal, request.query_params.get("lineOwnerId"))
        views = hosted(principal)
        if not views:
            raise ApiError(404, "You host no conference.")
        return views[0]

    def is_muted(view: CallView) -> bool:
        """Whether the participant of the host's `view` is muted: they have a view of it, too."""
        return any(
            theirs.muted
            for theirs in exchange.views(view.remote.person_id)
            if theirs.conference_id == view.conference_id
        )

    return [start, details, end, add_participant, mute, hold, deafen]
