"""When a Mercury socket that closed is opened again (wire document, 2.2)."""

from offhook.wire.mercury import CloseCode

_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 32.0
_COMES_BACK = (1001, 1005, 1006, 1011)
_BACK_FOR_REASONS = ("idle", "done (forced)", "pong not received", "pong mismatch")
_GIVES_UP_BEFORE_OPEN = (CloseCode.BAD_REQUEST, CloseCode.FORBIDDEN)


class Reconnection:
    """The pauses between attempts: at once after a good connection, then 1, 2, 4 ... 32 s."""

    def __init__(self) -> None:
        self._attempts = 0

    def connected(self) -> None:
        """The socket is open: the next loss begins from the shortest pause."""
        self._attempts = 0

    def pause(self) -> float:
        """Seconds until the next attempt."""
        if self._attempts == 0:
            wait = 0.1
        else:
            wait = min(_FIRST_PAUSE * 2 ** (self._attempts - 1), _LONGEST_PAUSE)
        self._attempts += 1
        return wait

    @staticmethod
    def comes_back(code: int, reason: str, *, was_open: bool) -> bool:
        """Whether a close with this code is answered by another attempt."""
        if not was_open:
            return code not in _GIVES_UP_BEFORE_OPEN
        if code in _COMES_BACK:
            return True
        if code in (1000, 3050):
            return reason.casefold() in _BACK_FOR_REASONS
        # Unlike official clients we come back from any code that does not say we were replaced,
        # shut down or refused: an app without a window has nobody who reloads it.
        return code not in (1003, CloseCode.REPLACED, CloseCode.SHUTDOWN_SWITCHED)
