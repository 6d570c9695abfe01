"""A call as one of its parties sees it: what REST lists and webhooks tell (wire document, 7).

A person has one view of a call from the first ring, whichever of the person's lines takes it, and
keeps it when the other party is transferred or the call goes on in a conference.
"""

from enum import StrEnum

import msgspec

from offhook.engine.exchange.model import EndReason, Party, Redirection


class Personality(StrEnum):
    """Which side of the call the party is."""

    ORIGINATOR = "originator"
    TERMINATOR = "terminator"
    CLICK_TO_DIAL = "clickToDial"


class ViewState(StrEnum):
    """Where the call is. `REMOTE_HELD`: the other side holds it."""

    CONNECTING = "connecting"
    ALERTING = "alerting"
    CONNECTED = "connected"
    HELD = "held"
    REMOTE_HELD = "remoteHeld"
    DISCONNECTED = "disconnected"


class CallView(msgspec.Struct, frozen=True):
    """See the module. `view_id` stays the same for as long as the party is in the call.

    `call_id` is its leg, empty while several lines ring. `conference_id` is that of the conference
    which the call is part of, empty if there is none. Times are Unix seconds. With
    `completed_elsewhere` another member of the group took it.
    """

    view_id: str
    call_id: str
    session_id: str
    tracking_id: str
    party: Party
    personality: Personality
    state: ViewState
    remote: Party
    created: float
    answered: float | None = None
    disconnected: float | None = None
    reason: EndReason | None = None
    muted: bool = False
    redirections: tuple[Redirection, ...] = ()
    conference_id: str = ""
    completed_elsewhere: bool = False
