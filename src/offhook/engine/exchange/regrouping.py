"""Parties of one or two sessions go on in one: what transfers and conferences have in common.

A conference goes on, whoever leaves it or is taken in; other sessions are over, and the parties go
on in a new one. Media is anchored in the service, so nobody who stays is renegotiated with.
"""

from collections.abc import Callable, Sequence

from offhook.engine.exchange.call import Call
from offhook.engine.exchange.ending import Ending
from offhook.engine.exchange.floor import Floor
from offhook.engine.exchange.model import EndReason, Party
from offhook.engine.exchange.session import Session
from offhook.engine.exchange.viewing import Viewing


class Regrouping:
    """See the module. `new_id` makes the ids of sessions."""

    def __init__(
        self, floor: Floor, viewing: Viewing, ending: Ending, new_id: Callable[[], str]
    ) -> None:
        self._floor = floor
        self._viewing = viewing
        self._ending = ending
        self._new_id = new_id

    def gather(self, stay: Sequence[Call], leave: Sequence[Call], callee: Party) -> Session:
        """One session for those who `stay`, in which `callee` is called, or is the other party.

        Those who leave are still there, out of their sessions, which are to be retired.
        """
        floor = self._floor
        sessions = [floor.session_of(each) for each in (*stay, *leave)]
        after = next((each for each in sessions if each.is_conference), None)
        if after is None:
            after = self._begin(stay[0], callee)
        for call in leave:
            floor.session_of(call).members.remove(call.call_id)
        for call in stay:
            if call.session_id != after.session_id:
                floor.session_of(call).members.remove(call.call_id)
                after.members.append(call.call_id)
                self._viewing.move(after, call)
        if after.caller_id not in after.members:
            after.caller_id = after.members[0]
        return after

    def retire(self, session: Session, reason: EndReason, leaver: Call) -> None:
        """A session is over since `leaver` had its parties go on elsewhere."""
        if not session.members:
            self._ending.retire(session, reason, session.role_of(leaver.call_id))

    def _begin(self, first: Call, callee: Party) -> Session:
        session = Session(
            session_id=self._new_id(),
            tracking_id=first.tracking_id,
            caller=first.party,
            callee=callee,
            dialled="",
            placed=self._floor.now,
        )
        self._floor.sessions[session.session_id] = session
        return session
