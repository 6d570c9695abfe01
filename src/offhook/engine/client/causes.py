"""Why a call ended: what a disconnect's cause, an error or the clock says about it."""

from offhook.engine.client.call_states import Alerting, Preparing, RemoteRinging, State
from offhook.engine.client.model import Direction, EndReason
from offhook.errors import CallMediaError, CallTimeoutError, ServiceError, WebexError
from offhook.wire.mobius import CauseCode, MobiusErrorCode

_REASONS = {
    CauseCode.NOT_FOUND: EndReason.NOT_FOUND,
    CauseCode.PROCESSING_ERROR: EndReason.ERROR,
    CauseCode.BUSY: EndReason.BUSY,
    CauseCode.NO_ANSWER: EndReason.NO_ANSWER,
    CauseCode.REJECTED: EndReason.REJECTED,
    CauseCode.NOT_AVAILABLE: EndReason.UNAVAILABLE,
    CauseCode.MEDIA_INACTIVITY: EndReason.MEDIA_LOST,
    CauseCode.COMPLETED_ELSEWHERE: EndReason.ANSWERED_ELSEWHERE,
    CauseCode.TRANSFERRED: EndReason.TRANSFERRED,
    CauseCode.MERGED: EndReason.MERGED,
}

# How a call ends for which the service gives no reason of its own.
_USUAL_ENDS = (EndReason.REMOTE_HANGUP, EndReason.UNAVAILABLE)


def reason_of(
    code: int | None,
    direction: Direction,
    *,
    answered: bool,
    leaving_as: EndReason | None = None,
) -> EndReason:
    """The reason behind `code`; a missing or unknown one counts as a normal end.

    `leaving_as` is what a normal end means of a call that is being transferred or merged.
    """
    try:
        known = _REASONS.get(CauseCode(code or 0))
    except ValueError:
        known = None
    if known is not None:
        return known
    if answered:
        usual = EndReason.REMOTE_HANGUP
    elif direction is Direction.INCOMING:
        usual = EndReason.REMOTE_CANCEL
    else:
        usual = EndReason.UNAVAILABLE
    return leaving_as if leaving_as is not None and usual in _USUAL_ENDS else usual


def end_of_patience(state: State) -> tuple[EndReason, CauseCode, WebexError | None]:
    """How a call ends whose state has lasted too long: why, what the service is told, the error."""
    match state:
        case Preparing():
            error: WebexError = CallMediaError("The call's audio was not ready in time.")
            return EndReason.MEDIA_LOST, CauseCode.MEDIA_INACTIVITY, error
        case RemoteRinging() | Alerting():
            return EndReason.NO_ANSWER, CauseCode.NORMAL, None
        case _:
            error = CallTimeoutError("The service did not set the call up in time.")
            return EndReason.ERROR, CauseCode.NORMAL, error


def is_over(error: WebexError) -> bool:
    """Whether the service says that the call has ended; it knows the line that asks."""
    return isinstance(error, ServiceError) and error.status == 404 and not is_line_lost(error)


def is_line_lost(error: WebexError) -> bool:
    """Whether the service does not know the line any more, as after a restart."""
    lost = MobiusErrorCode.DEVICE_NOT_REGISTERED
    return isinstance(error, ServiceError) and error.error_code == lost
