"""Who has the floor: what a phone with two calls does before one of them is heard.

Whatever else is up is on hold before, so that there is no moment in which two calls are heard. If
it then comes to nothing, the floor is given back: a command that fails leaves things as they were.
"""

from contextlib import suppress

from offhook.engine.client import call_io as io
from offhook.engine.client.call import ClientCall
from offhook.engine.client.floor import Floor, refuse_if_over, refuse_unless_up
from offhook.engine.client.script import Do, Script, TakeTurn
from offhook.errors import ServiceError, WebexError


def hold_it(command: int) -> io.Command:
    """The command to hold."""
    return io.SetHold(command, held=True)


def resume_it(command: int) -> io.Command:
    """The command to resume."""
    return io.SetHold(command, held=False)


def clear_the_floor(floor: Floor, call: ClientCall) -> Script[ClientCall | None]:
    """Put on hold whoever has the floor beside `call`; returns whom."""
    holder = floor.holder(besides=call)
    if holder is None:
        return None
    try:
        yield Do(holder, hold_it)
    except WebexError:
        if holder.end is None:
            raise
        return None  # it ended instead, and is not in the way any more
    return holder


def give_back(floor: Floor, call: ClientCall | None) -> Script[None]:
    """Let `call`, which was put on hold, have the floor again, if nobody has it meanwhile."""
    if call is None or not call.is_up or not call.held or floor.holder(besides=call) is not None:
        return
    with suppress(WebexError):  # it is on hold then, as the app sees, and can be resumed
        yield Do(call, resume_it)


def dial(floor: Floor, call: ClientCall, *, origin: ClientCall | None = None) -> Script[None]:
    """Place `call`, for a consultation if there is an `origin`, which is connected."""
    yield TakeTurn()
    held = None
    try:
        refuse_if_over(call)
        if origin is not None:
            refuse_unless_up(origin)
        held = yield from clear_the_floor(floor, call)
        yield Do(call, io.Dial)
    except WebexError:
        floor.hang_up(call)
        yield from give_back(floor, held)
        raise
    if origin is not None:
        floor.associate(call, origin)


def answer(floor: Floor, call: ClientCall) -> Script[None]:
    """Take the incoming `call`."""
    yield TakeTurn()
    call.refuse_unless_alerting()
    held = yield from clear_the_floor(floor, call)
    try:
        yield Do(call, io.Answer)
    except WebexError:
        yield from give_back(floor, held)
        raise


def resume(floor: Floor, call: ClientCall) -> Script[None]:
    """Talk again on `call`, which is on hold."""
    yield TakeTurn()
    refuse_unless_up(call)
    held = yield from clear_the_floor(floor, call)
    try:
        yield Do(call, resume_it)
    except WebexError as error:
        # Without an answer nobody knows whether it is resumed. Then both can still be.
        if isinstance(error, ServiceError) or call.end is not None:
            yield from give_back(floor, held)
        raise
