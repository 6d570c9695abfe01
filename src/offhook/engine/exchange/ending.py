"""How calls end: what one side's leaving means for the others, and the record that is kept."""

from offhook.engine.exchange.call import Call, Owed
from offhook.engine.exchange.effects import Disconnected, LineLost, Record, Tell, WindowClosed
from offhook.engine.exchange.floor import Floor
from offhook.engine.exchange.inputs import End
from offhook.engine.exchange.model import EndReason
from offhook.engine.exchange.progress import announce
from offhook.engine.exchange.roap import Offering
from offhook.engine.exchange.session import Session
from offhook.wire.mobius import CauseCode

#: Seconds for which a call that ended is remembered for a client that has not reported in.
OWED_FOR = 60.0
#: Seconds for which the end of an unknown call is remembered: it may overtake the call itself.
GIVEN_UP_FOR = 10.0


class Ending:
    """See the module."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor

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
            session = floor.session_of(call)
            floor.forget(call, "decline")
            self.close(
                session, EndReason.REJECTED, "callee", to_called=EndReason.DECLINED_ELSEWHERE
            )
        else:
            self.leave(call, EndReason.HANGUP, tell_it=False)

    def leave(self, call: Call, reason: EndReason, *, tell_it: bool) -> None:
        """One side is out. `tell_it`: its client does not know yet."""
        session = self._floor.session_of(call)
        if call.rings:
            self._dismiss(session, call, reason, tell_it=tell_it)
            return
        is_caller = self._floor.is_caller(call)
        if is_caller and session.answered is None and reason is EndReason.HANGUP:
            reason = EndReason.CANCELLED
        if not tell_it:
            self._floor.forget(call, reason)
        by = "service" if tell_it else "caller" if is_caller else "callee"
        self.close(session, reason, by)

    def close(
        self,
        session: Session,
        reason: EndReason,
        ended_by: str,
        *,
        to_called: EndReason | None = None,
    ) -> None:
        """End every call of the session that is still there, and keep the record."""
        floor = self._floor
        floor.session_timers.disarm(session.session_id)
        if session.ring_until is not None:
            floor.do(WindowClosed(session.session_id, reason))
        for call_id in [*session.called, session.caller_id]:
            call = floor.calls.get(call_id)
            if call is not None:
                is_caller = call_id == session.caller_id
                self.drop(call, reason if is_caller else to_called or reason)
        del floor.sessions[session.session_id]
        floor.do(Record(session.record(reason, ended_by, floor.now)))

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

    def _dismiss(self, session: Session, call: Call, reason: EndReason, *, tell_it: bool) -> None:
        """A called line does not ring any more; the others go on."""
        session.called.remove(call.call_id)
        self._floor.do(LineLost(session.session_id, call.line_id))
        if tell_it:
            self.drop(call, reason)
        else:
            self._floor.forget(call, reason)
        if session.called:
            return
        if reason is not EndReason.LINE_LOST:
            self.close(session, EndReason.UNAVAILABLE, "callee")
        elif not session.announced:
            # The last client vanished: it rings all the same, for one that comes in time.
            announce(self._floor, session)
