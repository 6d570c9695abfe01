"""How the sign-in to phone services is repeated, and what its failures mean."""

from dataclasses import dataclass

from offhook.errors import NotAuthorizedError, ServiceError, WebexError

#: Seconds of back-off: the first, and the longest after doubling.
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 32.0
#: Failures in a row after which the app is told. It is tried on all the same.
QUIET_FAILURES = 2


@dataclass(frozen=True, slots=True)
class Verdict:
    """`pause` in seconds until the next try, None if trying again cannot help."""

    pause: float | None
    tell: bool


class SignInAttempts:
    """Counts failures in a row."""

    def __init__(self) -> None:
        self._failures = 0

    def failed(self, error: WebexError) -> Verdict:
        """The sign-in failed with `error`."""
        if isinstance(error, NotAuthorizedError) or not error.retryable:
            return Verdict(None, tell=True)
        self._failures += 1
        pause = min(FIRST_PAUSE * 2.0 ** (self._failures - 1), LONGEST_PAUSE)
        if isinstance(error, ServiceError) and error.retry_after is not None:
            pause = max(pause, error.retry_after)
        return Verdict(pause, tell=self._failures > QUIET_FAILURES)
