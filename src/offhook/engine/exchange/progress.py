"""What the caller is told while it rings."""

from offhook.engine.exchange.call import Dialling
from offhook.engine.exchange.effects import Progress
from offhook.engine.exchange.floor import Floor
from offhook.engine.exchange.session import Session

#: Seconds for which the first report waits for a called client: official callers wait for 10.
FIRST_PROGRESS = 3.0
#: Seconds between two reports: official clients give up after 60 without one.
PROGRESS_INTERVAL = 25.0


def announce(floor: Floor, session: Session) -> None:
    """Tell the caller that it rings, now and every so often."""
    waiter = floor.waiter_of(session)
    if waiter is None or not isinstance(waiter.state, Dialling):
        return  # The caller's own phones ring, or who waits hears it ring.
    session.announced = True
    session.progress_at = floor.now + PROGRESS_INTERVAL
    floor.session_timers.arm(session.session_id)
    floor.touch(session)
    waiter.told = session.callee
    floor.tell(waiter, Progress(session.callee))
