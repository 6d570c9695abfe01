"""What each client is told of the others: who is at the other end, who is in the conference."""

from offhook.engine.exchange.call import Call, Talking
from offhook.engine.exchange.effects import InfoChanged, Participant, Participants
from offhook.engine.exchange.floor import Floor
from offhook.engine.exchange.model import Party
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


def introduce(floor: Floor, session: Session) -> None:
    """Tell each client whose other party is not the one that it knows of."""
    ringing = session.attempt.rings if session.attempt is not None else []
    for call_id in [*session.members, *(call for ring in ringing for call in ring.calls)]:
        call = floor.calls[call_id]
        remote = remote_of(floor, call)
        knows = call.told is not None and call.correlation_id
        if knows and call.told != remote and (call.rings or isinstance(call.state, Talking)):
            call.told = remote
            floor.tell(call, InfoChanged(remote))


def report(floor: Floor, session: Session) -> None:
    """Tell the members who else is in it, and who of them is on hold or muted, if that is new.

    Not of two who just talk: each has been told of the other.
    """
    members = [each for each in floor.members_of(session) if isinstance(each.state, Talking)]
    if len(members) < 2:
        return
    host = session.host_id
    now = tuple(
        Participant(each.call_id, each.party, each.held, each.muted, each.call_id == host)
        for each in members
    )
    before, session.told = session.told, now
    if before is None and not session.is_conference:
        before = tuple(Participant(each.call_id, each.party) for each in members)
    for each in members:
        if _others(now, each) != _others(before or (), each):
            floor.tell(each, Participants(now, session.is_conference))


def _others(participants: tuple[Participant, ...], call: Call) -> list[Participant]:
    return [each for each in participants if each.participant_id != call.call_id]
