"""Two calls of one phone become a conference."""

from contextlib import suppress

from offhook.engine.client import phone_io as phone
from offhook.engine.client.call import ClientCall
from offhook.engine.client.call_io import LeavingAs
from offhook.engine.client.floor import Floor, refuse_if_over, refuse_unless_up
from offhook.engine.client.model import EndReason
from offhook.engine.client.script import Ask, Do, Script, TakeTurn, Until
from offhook.engine.client.two_calls import clear_the_floor, give_back, resume_it
from offhook.errors import CallAssociationError, CallTimeoutError, WebexError

#: Seconds in which the old call ends, once the service agreed.
_MERGE_TIMEOUT = 10.0
#: Seconds in which the service tells of the conference, once the old call has ended.
_NEWS_TIMEOUT = 2.0


def merge(floor: Floor, call: ClientCall, other: ClientCall) -> Script[None]:
    """Join `other` into `call`: who merges talks in the conference, and nowhere else."""
    yield TakeTurn()
    refuse_unless_up(call)
    refuse_unless_up(other)
    held = None
    if not other.has_floor:
        held = yield from clear_the_floor(floor, call)
    ids = (call.call_id, other.call_id)
    try:
        yield Ask(call, lambda request: phone.PostConference(request, ids))
        floor.feed(other, LeavingAs(EndReason.MERGED))
        yield from _merged(call, other)
    except WebexError as error:
        floor.feed(other, LeavingAs(None))
        yield from give_back(floor, held)
        refuse_if_over(call)
        refuse_if_over(other)
        raise CallAssociationError(f"The calls were not merged: {error.message}", error) from error
    if call.held:
        with suppress(WebexError):  # merged they are; it is on hold, and can be resumed
            yield Do(call, resume_it)


def _merged(call: ClientCall, other: ClientCall) -> Script[None]:
    """The service agreed: wait until it is true."""
    yield Until(
        lambda: other.end is not None or call.end is not None,
        _MERGE_TIMEOUT,
        "The service did not confirm it in time.",
    )
    with suppress(CallTimeoutError):  # somebody may have left in the same moment
        yield Until(lambda: call.info.roster.conference or call.end is not None, _NEWS_TIMEOUT, "")
    refuse_if_over(call)
    if other.end is not None and other.end.reason is not EndReason.MERGED:
        refuse_if_over(other)
