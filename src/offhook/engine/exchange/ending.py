"""How calls end: what one side's leaving means for the others, and the record that is kept."""

from collections.abc import Callable

from offhook.engine.exchange.call import Call, Owed
from offhook.engine.exchange.effects import Disconnected, LineLost, Record, Tell, WindowClosed
from offhook.engine.exchange.floor import Floor
from offhook.engine.exchange.inputs import End
from offhook.engine.exchange.model import EndReason
from offhook.engine.exchange.parties import settle
from offhook.engine.exchange.roap import Offering
from offhook.engine.exchange.session import Ring, Session
from offhook.engine.exchange.viewing import Viewing
from offhook.wire.mobius import CauseCode

#: Seconds for which a call that ended is remembered for a client that has not reported in.
OWED_FOR = 60.0
#: Seconds for which the end of an unknown call is remembered: it may overtake the call itself.
GIVEN_UP_FOR = 10.0


class Ending:
    """`on_ring_over` is told of a person who will not have the call, or has no phone left."""

    def __init__(
        self,
        floor: Floor,
        viewing: Viewing,
        on_ring_over: Callable[[Session, Ring, EndReason], None],
    ) -> None:
        self._floor = floor
        self._viewing = viewing
        self._on_ring_over = on_ring_over

    def end(self, event: End) -> None:
        """A client ends its call: hang up, cancel, decline. A call that is unknown is no error."""
        floor = self._floor
        call = floor.calls.get(event.call_id)
        if call is None:
            owed = floor.owed.get(event.call_id)
            if owed is not None and owed.line_id == event.line_id:
                del floor.owed[event.call_id]
            call = floor.by_correlation(event.line_id, event.correlation_id)
        if call is None:
            if event.correlation_id and event.line_id in floor.lines:
                key = event.line_id, event.correlation_id
                floor.given_up.pop(key, None)
                floor.given_up[key] = floor.now + GIVEN_UP_FOR
            return
        if call.line_id != event.line_id:
            return
        if call.rings and event.cause is CauseCode.BUSY:
            ring = floor.rings[call.view_id]
            ring.calls.remove(call.call_id)
            floor.forget(call, "decline")
            self._on_ring_over(floor.session_of(call), ring, EndReason.REJECTED)
        else:
            self.leave(call, EndReason.HANGUP, tell_it=False)

    def leave(self, call: Call, reason: EndReason, *, tell_it: bool) -> None:
        """One side is out. `tell_it`: its client does not know yet."""
        session = self._floor.session_of(call)
        if call.rings:
            self._dismiss(session, call, reason, tell_it=tell_it)
            return
        if session.is_conference:
            self._leave_conference(session, call, reason, tell_it=tell_it)
            return
        hangs_up = reason is EndReason.HANGUP
        if hangs_up and session.waits:
            reason = EndReason.CANCELLED
        by = "service" if tell_it and not hangs_up else session.role_of(call.call_id)
        self.close(session, reason, by, left=None if tell_it else call)

    def close(
        self,
        session: Session,
        reason: EndReason,
        ended_by: str,
        *,
        left: Call | None = None,
    ) -> None:
        """End every call of the session, and keep the record. `left` knows: it has left."""
        floor = self._floor
        if left is not None:
            floor.forget(left, reason)
        self.stop_all_ringing(session, reason, reason)
        for call_id in reversed(session.members):
            call = floor.calls.get(call_id)
            if call is not None:
                self.drop(call, reason)
        for view_id in list(session.views):
            self._viewing.close(view_id, reason)
        self.retire(session, reason, ended_by)

    def retire(self, session: Session, reason: EndReason, ended_by: str) -> None:
        """The session is over: keep its record."""
        floor = self._floor
        floor.session_timers.disarm(session.session_id)
        del floor.sessions[session.session_id]
        floor.do(Record(session.record(reason, ended_by, floor.now)))

    def depart(self, call: Call, reason: EndReason) -> None:
        """A call ends while the others of its session go on; its client is told."""
        for side in self._viewing.sides_of(call):
            self._viewing.close(side.view_id, reason)
        self.drop(call, reason)

    def stop_ringing(
        self,
        session: Session,
        ring: Ring,
        reason: EndReason,
        outcome: EndReason | None,
        *,
        elsewhere: bool = False,
    ) -> None:
        """A person's phones stop; the clients are told `reason`, who wakes too late `outcome`."""
        floor = self._floor
        for call_id in ring.calls:
            self.drop(floor.calls[call_id], reason)
        ring.calls.clear()
        if session.attempt is not None:
            session.attempt.rings.remove(ring)
        del floor.rings[ring.ring_id]
        floor.do(WindowClosed(ring.ring_id, outcome))
        self._viewing.close(ring.ring_id, reason, elsewhere=elsewhere)

    def stop_all_ringing(self, session: Session, reason: EndReason, outcome: EndReason) -> None:
        """As `stop_ringing`, of all who are called for the session."""
        for ring in list(session.attempt.rings) if session.attempt is not None else ():
            self.stop_ringing(session, ring, reason, outcome)

    def drop(self, call: Call, reason: EndReason) -> None:
        """End the call and tell its client, as soon as that can know what it is told about."""
        floor = self._floor
        if call.correlation_id:
            floor.tell(call, Disconnected(reason))
        elif not isinstance(call.transaction, Offering):
            until = floor.now + OWED_FOR
            floor.owed[call.call_id] = Owed(call.line_id, call.tracking_id, reason, until)
        floor.forget(call, reason)

    def pay(self, line_id: str, call_id: str, correlation_id: str) -> bool:
        """Tell a client about a call that ended before it reported in; whether there was one."""
        owed = self._floor.owed.get(call_id)
        if owed is None or owed.line_id != line_id:
            return False
        del self._floor.owed[call_id]
        news = Disconnected(owed.reason)
        self._floor.do(Tell(line_id, call_id, correlation_id, owed.tracking_id, news))
        return True

    def _leave_conference(
        self, session: Session, call: Call, reason: EndReason, *, tell_it: bool
    ) -> None:
        """The others go on; with two left it is an ordinary call again."""
        floor = self._floor
        session.members.remove(call.call_id)
        for side in self._viewing.sides_of(call):
            self._viewing.close(side.view_id, reason)
        if tell_it:
            self.drop(call, reason)
        else:
            floor.forget(call, reason)
        if session.host_id == call.call_id or not session.is_conference:
            session.host_id = ""
        self._forget_participant(session, call.call_id)
        if not session.is_conference:
            for view_id in session.views:
                floor.sides[view_id].brought.clear()
        settle(floor, session)

    def _forget_participant(self, session: Session, call_id: str) -> None:
        """Who brought it in has one side less, unless it is the last on that leg."""
        for side in [self._floor.sides[view_id] for view_id in session.views]:
            if call_id not in side.brought:
                continue
            side.brought.remove(call_id)
            call = self._floor.calls[side.call_id]
            sides = self._viewing.sides_of(call)
            if not side.brought and len(sides) > 1:
                self._viewing.close(side.view_id, EndReason.HANGUP)
                if call.view_id == side.view_id:
                    call.view_id = next(each.view_id for each in sides if each is not side)

    def _dismiss(self, session: Session, call: Call, reason: EndReason, *, tell_it: bool) -> None:
        """A called line does not ring any more; the others go on."""
        ring = self._floor.rings[call.view_id]
        ring.calls.remove(call.call_id)
        self._floor.do(LineLost(ring.ring_id, call.line_id))
        if tell_it:
            self.drop(call, reason)
        else:
            self._floor.forget(call, reason)
        if not ring.calls:
            gone = EndReason.LINE_LOST if reason is EndReason.LINE_LOST else EndReason.UNAVAILABLE
            self._on_ring_over(session, ring, gone)
