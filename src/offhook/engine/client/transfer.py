"""The other party of a call goes on with somebody else.

Assisted: with the party of another call of this phone. Direct: with whoever answers a number, and
this phone is out of it at once. Direct, but waiting: this phone calls the number itself, in
silence, and transfers once somebody answered; otherwise it takes the call back. That works with any
cloud.
"""

from offhook.engine.client import call_io as io
from offhook.engine.client import phone_io as phone
from offhook.engine.client.call import ClientCall
from offhook.engine.client.floor import Floor, refuse_if_over, refuse_unless_up
from offhook.engine.client.model import EndReason
from offhook.engine.client.script import Ask, Do, EndTurn, Left, Script, TakeTurn, Until
from offhook.engine.client.two_calls import clear_the_floor, give_back
from offhook.errors import (
    CallAssociationError,
    CallStateError,
    CallTimeoutError,
    ServiceError,
    TransferFailedError,
    WebexError,
)
from offhook.wire.mobius import MobiusErrorCode

#: Seconds in which the transferred calls end, once the service agreed.
_TRANSFER_TIMEOUT = 10.0

_REFUSALS: dict[int | None, EndReason] = {
    MobiusErrorCode.USER_BUSY: EndReason.BUSY,
    MobiusErrorCode.NUMBER_NOT_FOUND: EndReason.NOT_FOUND,
}

_WHY = {
    EndReason.BUSY: "is busy",
    EndReason.REJECTED: "declined",
    EndReason.NO_ANSWER: "did not answer",
    EndReason.NOT_FOUND: "does not exist",
    EndReason.UNAVAILABLE: "cannot be reached",
}


def transfer(floor: Floor, call: ClientCall, to: ClientCall) -> Script[None]:
    """Connect the other party of `call` with that of `to`, which may still ring there."""
    refuse_unless_up(call)
    refuse_if_over(to)
    if not to.is_up and not to.rings_there:
        raise CallStateError("A call is transferred to one that is connected, or rings there.")
    yield from _commit(floor, call, to)


def direct_transfer(floor: Floor, call: ClientCall, destination: str) -> Script[None]:
    """Send the other party of `call` on to `destination`."""
    refuse_unless_up(call)
    try:
        yield Ask(call, lambda request: phone.PostTransfer(request, destination=destination))
    except WebexError as error:
        refuse_if_over(call)
        raise _failed(_refusal(error), error) from error
    yield from _left(floor, call)


def transfer_when_answered(
    floor: Floor, call: ClientCall, consultation: ClientCall, seconds: float
) -> Script[None]:
    """Transfer `call` once `consultation` is answered, which has `seconds` for that."""
    yield TakeTurn()
    held = None
    try:
        refuse_unless_up(call)
        held = yield from clear_the_floor(floor, consultation)
        yield Do(consultation, io.Dial, can_be_left=True)
        yield EndTurn()
        yield from _until_answered(call, consultation, seconds)
        yield from _commit(floor, call, consultation)
    except (WebexError, Left) as error:
        end = consultation.end
        floor.hang_up(consultation)
        yield from _give_back(floor, held)
        refuse_if_over(call)
        if isinstance(error, Left | CallStateError | TransferFailedError):
            raise
        reason = end.reason if end is not None else EndReason.ERROR
        raise _failed(reason, error) from error
    yield from _give_back(floor, held)  # to whoever else was talked to before


def _until_answered(call: ClientCall, consultation: ClientCall, seconds: float) -> Script[None]:
    try:
        yield Until(
            lambda: consultation.is_up or consultation.end is not None or call.end is not None,
            seconds,
            "Nobody answered in time.",
            can_be_left=True,
        )
    except CallTimeoutError as error:
        raise _failed(EndReason.NO_ANSWER) from error
    refuse_if_over(call)
    if consultation.end is not None:
        raise _failed(consultation.end.reason, consultation.end.error)


def _commit(floor: Floor, call: ClientCall, to: ClientCall) -> Script[None]:
    to_id = to.call_id
    try:
        yield Ask(call, lambda request: phone.PostTransfer(request, to_call_id=to_id))
    except WebexError as error:
        refuse_if_over(call)
        refuse_if_over(to)
        raise CallAssociationError(
            f"The call was not transferred: {error.message}", error
        ) from error
    yield from _left(floor, call, to)


def _left(floor: Floor, *calls: ClientCall) -> Script[None]:
    """The service agreed: wait until it has ended the calls."""
    for call in calls:
        floor.feed(call, io.LeavingAs(EndReason.TRANSFERRED))
    try:
        yield Until(
            lambda: all(call.end is not None for call in calls),
            _TRANSFER_TIMEOUT,
            "The service agreed to the transfer, but did not carry it out in time.",
        )
    except CallTimeoutError:
        if calls[0].end is None or calls[0].end.reason is not EndReason.TRANSFERRED:
            for call in calls:
                floor.feed(call, io.LeavingAs(None))
            raise
        floor.hang_up(calls[-1])  # nobody is left on it


def _give_back(floor: Floor, held: ClientCall | None) -> Script[None]:
    if held is not None:
        yield TakeTurn()
        yield from give_back(floor, held)


def _refusal(error: WebexError) -> EndReason:
    code = error.error_code if isinstance(error, ServiceError) else None
    return _REFUSALS.get(code, EndReason.ERROR)


def _failed(reason: EndReason, error: WebexError | None = None) -> TransferFailedError:
    why = f"the number {_WHY[reason]}." if reason in _WHY else "try again."
    if reason not in _WHY and error is not None:
        why = error.message
    return TransferFailedError(f"The call was not transferred: {why}", reason, error)
