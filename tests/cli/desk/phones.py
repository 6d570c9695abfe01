"""Phones in the states that the tests are about."""

from __future__ import annotations

from dataclasses import replace

from offhook.cli.desk.view import CallView, ParticipantView, PhoneView, Services, State

BOB = CallView(
    slot=1,
    state=State.CONNECTED,
    name="Bob Brown",
    number="1002",
    order=1,
    is_incoming=True,
    seconds=133.0,
    may_transfer=True,
    may_add=True,
)
CAROL = CallView(
    slot=2,
    state=State.CONNECTED,
    name="Carol Clark",
    number="1003",
    order=2,
    seconds=41.0,
    may_transfer=True,
    may_add=True,
)
DAVE_CALLS = CallView(
    slot=2,
    state=State.RINGING_HERE,
    name="Dave Davis",
    number="1004",
    order=3,
    is_incoming=True,
    seconds=4.0,
)
CONFERENCE = CallView(
    slot=1,
    state=State.CONNECTED,
    name="the conference",
    order=1,
    seconds=313.0,
    may_add=True,
    participants=(
        ParticipantView("Alice Adams", "1001", is_self=True, is_host=True, is_muted=True),
        ParticipantView("Bob Brown", "1002", speaks=True),
        ParticipantView("Carol Clark", "1003", is_on_hold=True),
    ),
)


def held(call: CallView) -> CallView:
    """The same call, on hold."""
    return replace(call, state=State.ON_HOLD)


def ringing_there(call: CallView) -> CallView:
    """The same call, not answered yet."""
    return replace(call, state=State.RINGING_THERE, may_transfer=False, may_add=False, seconds=2.0)


def phone(*calls: CallView, selected: int = 0, services: Services = Services.READY) -> PhoneView:
    """Alice's phone with these calls."""
    view = PhoneView("Alice Adams", "1001 · +1 202-555-0101", services).showing(calls)
    return replace(view, selected=selected) if selected else view
