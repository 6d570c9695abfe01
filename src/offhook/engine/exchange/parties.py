"""The parties of a session: what they hear, and what each client is told of the others."""

from dataclasses import replace

from offhook.engine.exchange.call import Call, Dialling, Talking
from offhook.engine.exchange.effects import (
    InfoChanged,
    Muted,
    MuteLeg,
    Participant,
    Participants,
)
from offhook.engine.exchange.floor import Floor
from offhook.engine.exchange.model import Party
from offhook.engine.exchange.plugging import plug
from offhook.engine.exchange.progress import announce
from offhook.engine.exchange.session import Session

#: Who is at the other end of a call with several.
CONFERENCE = Party("Conference", "")


def remote_of(floor: Floor, call: Call) -> Party:
    """Who is at the other end of the call now, or is being called."""
    session = floor.session_of(call)
    if call.rings:
        waiter = floor.waiter_of(session)
        return session.callee if waiter is None else waiter.party
    others = floor.others_of(call)
    if not others:
        return session.callee
    return others[0].party if len(others) == 1 else CONFERENCE


def settle(floor: Floor, session: Session) -> None:
    """Somebody came or left: connect the parties and tell them of each other.

    Who is in the call comes before who is at the other end, so that nobody takes a conference for a
    person.
    """
    _lift_mutes(floor, session)
    plug(floor, session)
    report(floor, session)
    introduce(floor, session)


def mute(floor: Floor, call: Call, muted_by: str) -> None:
    """Pass on no more what the client of the call says, or again if `muted_by` is empty."""
    if call.muted is not bool(muted_by):
        call.muted_by = muted_by
        floor.do(MuteLeg(call.call_id, call.muted))
        floor.tell(call, Muted(call.muted))
        floor.touch(floor.session_of(call))


def introduce(floor: Floor, session: Session) -> None:
    """Tell each client whose other party is not the one that it knows of."""
    ringing = session.attempt.rings if session.attempt is not None else []
    for call_id in [*session.members, *(call for ring in ringing for call in ring.calls)]:
        call = floor.calls[call_id]
        remote = remote_of(floor, call)
        if call.told == remote or not call.correlation_id:
            continue
        if isinstance(call.state, Dialling):
            if session.announced:
                announce(floor, session)
        elif isinstance(call.state, Talking) or call.told is not None:
            call.told = remote
            floor.tell(call, InfoChanged(remote))


def report(floor: Floor, session: Session) -> None:
    """Tell the members who else is in it, and who of them is on hold or muted, if that is new.

    Not of two who just talk: each has been told of the other.
    """
    members = [each for each in floor.members_of(session) if isinstance(each.state, Talking)]
    if not session.is_conference and all(_is_plain(each) for each in members):
        return
    host = session.host_id
    now = tuple(
        Participant(each.call_id, each.party, each.held, each.muted, each.call_id == host)
        for each in members
    )
    for each in members:
        others = tuple(one for one in now if one.participant_id != each.call_id)
        knows = each.knows
        if knows is None and not session.is_conference:
            knows = tuple(replace(one, held=False, muted=False) for one in others)
        if others != knows and each.correlation_id:
            each.knows = others
            floor.tell(each, Participants(now, session.is_conference))


def _lift_mutes(floor: Floor, session: Session) -> None:
    """Who was muted by another is heard again once that one is gone, or the conference is over."""
    members = floor.members_of(session)
    for call in members:
        if call.muted and call.muted_by != call.party.person_id:
            there = any(each.party.person_id == call.muted_by for each in members)
            if not (there and session.is_conference):
                mute(floor, call, "")


def _is_plain(call: Call) -> bool:
    """Whether there is nothing to tell of it, and it was told nothing of others."""
    return not call.held and not call.muted and call.knows is None
