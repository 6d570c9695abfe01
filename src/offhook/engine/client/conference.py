"""Two calls of one phone become a conference."""

from contextlib import suppress

from offhook.engine.client import phone_io as phone
from offhook.engine.client.call import ClientCall
from offhook.engine.client.call_io import LeavingAs
from offhook.engine.client.floor import Floor, refuse_if_over, refuse_unless_up
from offhook.engine.client.model import EndReason
from offhook.engine.client.script import Ask, Do, Script, TakeTurn, Until
from offhook.engine.client.two_calls import resume_it
from offhook.errors import CallAssociationError, CallEndedError, CallTimeoutError, WebexError

#: Seconds in which the old call ends, once the service agreed.
_MERGE_TIMEOUT = 10.0
#: Seconds in which the service tells of the conference, once the old call has ended.
_NEWS_TIMEOUT = 2.0


def merge(floor: Floor, call: ClientCall, other: ClientCall) -> Script[None]:
    """Join `other` into `call`, which is talked on afterwards if one of them was before."""
    yield TakeTurn()
    refuse_unless_up(call)
    refuse_unless_up(other)
    had_floor = call.has_floor or other.has_floor
    ids = (call.call_id, other.call_id)
    try:
        yield Ask(call, lambda request: phone.PostConference(request, ids))
    except WebexError as error:
        refuse_if_over(call)
        refuse_if_over(other)
        raise CallAssociationError(f"The calls were not merged: {error.message}", error) from error
    floor.feed(other, LeavingAs(EndReason.MERGED))
    yield Until(
        lambda: other.end is not None or call.end is not None,
        _MERGE_TIMEOUT,
        "The service did not confirm in time that the calls are merged.",
    )
    refuse_if_over(call)
    with suppress(CallTimeoutError):  # somebody may have left in the same moment
        yield Until(lambda: call.info.roster.conference or call.end is not None, _NEWS_TIMEOUT, "")
    refuse_if_over(call)
    if other.end is not None and other.end.reason is not EndReason.MERGED:
        raise CallEndedError("The other call ended before they were merged.", other.end.reason)
    if had_floor and call.held:
        with suppress(WebexError):  # merged they are; it is on hold, and can be resumed
            yield Do(call, resume_it)
