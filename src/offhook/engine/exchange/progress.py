"""What the caller is told while it rings."""

from offhook.engine.exchange.call import Call, Dialling
from offhook.engine.exchange.effects import Progress
from offhook.engine.exchange.floor import Floor
from offhook.engine.exchange.session import Session

#: Seconds for which the first report waits for a called client: official callers wait for 10.
FIRST_PROGRESS = 3.0
#: Seconds between two reports: official clients give up after 60 without one.
PROGRESS_INTERVAL = 25.0


def announce_soon(floor: Floor, session: Session) -> None:
    """Tell the caller that it rings when the first phone says so, or in a moment.

    A client that is registered but does not report in must not cost the caller the call.
    """
    if not session.announced and _dialler_of(floor, session) is not None:
        session.progress_at = floor.now + FIRST_PROGRESS
        floor.session_timers.arm(session.session_id)


def announce(floor: Floor, session: Session) -> None:
    """Tell the caller that it rings, now and every so often."""
    waiter = _dialler_of(floor, session)
    if waiter is None:
        return
    session.announced = True
    session.progress_at = floor.now + PROGRESS_INTERVAL
    floor.session_timers.arm(session.session_id)
    floor.touch(session)
    waiter.told = session.callee
    floor.tell(waiter, Progress(session.callee))


def _dialler_of(floor: Floor, session: Session) -> Call | None:
    """The caller, unless its own phones ring first, or it is somebody who hears it ring."""
    waiter = floor.waiter_of(session)
    return waiter if waiter is not None and isinstance(waiter.state, Dialling) else None
