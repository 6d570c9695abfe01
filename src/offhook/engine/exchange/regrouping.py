"""Parties of one or two sessions go on in a new one: what transfers and conferences have in common.

Media is anchored in the service, so nobody who stays is renegotiated with.
"""

from collections.abc import Callable, Sequence

from offhook.engine.exchange.call import Call
from offhook.engine.exchange.ending import Ending
from offhook.engine.exchange.floor import Floor
from offhook.engine.exchange.model import EndReason, Party
from offhook.engine.exchange.parties import introduce, report
from offhook.engine.exchange.plugging import plug
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

    def move(self, members: Sequence[Call], callee: Party) -> Session:
        """A new session of these calls; the ones that they leave are still there."""
        floor = self._floor
        first = members[0]
        session = Session(
            session_id=self._new_id(),
            tracking_id=first.tracking_id,
            caller=first.party,
            callee=callee,
            dialled="",
            placed=floor.now,
            members=[each.call_id for each in members],
            caller_id=first.call_id,
        )
        floor.sessions[session.session_id] = session
        for call in members:
            floor.session_of(call).members.remove(call.call_id)
            self._viewing.move(session, call)
        return session

    def retire(self, session: Session, reason: EndReason, leaver: Call) -> None:
        """A session is over since `leaver` had its parties go on elsewhere."""
        by = "caller" if session.caller_id == leaver.call_id else "callee"
        self._ending.retire(session, reason, by)

    def settle(self, session: Session) -> None:
        """Connect the parties and tell them of each other."""
        plug(self._floor, session)
        introduce(self._floor, session)
        report(self._floor, session)
