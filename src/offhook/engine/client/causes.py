"""What a disconnect's cause says about why a call ended."""

from offhook.engine.client.model import Direction, EndReason
from offhook.wire.mobius import CauseCode

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


def reason_of(code: int | None, direction: Direction, *, answered: bool) -> EndReason:
    """The reason behind `code`; a missing or unknown one counts as a normal end."""
    try:
        known = _REASONS.get(CauseCode(code or 0))
    except ValueError:
        known = None
    if known is not None:
        return known
    if answered:
        return EndReason.REMOTE_HANGUP
    return EndReason.REMOTE_CANCEL if direction is Direction.INCOMING else EndReason.UNAVAILABLE
