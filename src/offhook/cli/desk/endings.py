"""Why a call ended, for people."""

from typing import assert_never

from offhook import Direction, EndReason


def words_for(reason: str, direction: Direction = Direction.INCOMING) -> str:
    """A few words, to stand behind the name of the other party."""
    incoming = direction is Direction.INCOMING
    match EndReason(reason):
        case EndReason.LOCAL_HANGUP:
            return "you hung up"
        case EndReason.LOCAL_CANCEL:
            return "you gave up"
        case EndReason.LOCAL_REJECT:
            return "declined"
        case EndReason.REMOTE_HANGUP:
            return "hung up"
        case EndReason.REMOTE_CANCEL:
            return "gave up"
        case EndReason.BUSY:
            return "busy"
        case EndReason.REJECTED:
            return "declined on another device" if incoming else "declined"
        case EndReason.NO_ANSWER:
            return "missed" if incoming else "did not answer"
        case EndReason.ANSWERED_ELSEWHERE:
            return "answered elsewhere"
        case EndReason.TRANSFERRED:
            return "transferred"
        case EndReason.MERGED:
            return "in the conference now"
        case EndReason.NOT_FOUND:
            return "there is no such number"
        case EndReason.UNAVAILABLE:
            return "cannot be reached"
        case EndReason.MEDIA_LOST:
            return "the audio was lost"
        case EndReason.SERVICE_LOST:
            return "the service has lost the call"
        case EndReason.ERROR:
            return "the call failed"
        case other:
            assert_never(other)
