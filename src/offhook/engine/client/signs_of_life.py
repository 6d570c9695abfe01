"""A connected call says now and then that it is still there, and learns whether it is."""

#: Seconds between two signs of life of a connected call, and until one that failed is repeated.
KEEPALIVE_INTERVAL = 600.0
KEEPALIVE_RETRY = 30.0
KEEPALIVE_TRIES = 4


class SignsOfLife:
    """When the next one is due: `due_at`, None while one is on its way or none is wanted."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._tries = 0
        self.due_at: float | None = None

    def begin(self, now: float) -> None:
        """The call is up, or one came through."""
        self._tries = 0
        self.due_at = now + self._interval

    def is_due(self, now: float) -> bool:
        """Whether one is to be sent. It is on its way then."""
        if self.due_at is None or self.due_at > now:
            return False
        self.due_at = None
        return True

    def sent_early(self) -> None:
        """One is on its way before it was due."""
        self.due_at = None

    def failed(self, now: float, retry_after: float | None) -> None:
        """One did not come through, but the call may well be there."""
        self._tries += 1
        wait = retry_after or KEEPALIVE_RETRY
        if self._tries > KEEPALIVE_TRIES:
            self._tries, wait = 0, self._interval
        self.due_at = now + wait
