"""The service's clock."""

import time
from collections.abc import Callable


def steady_clock() -> Callable[[], float]:
    """Unix seconds that never jump.

    Taken from the machine's time once and advanced by its uptime from then on: when somebody sets
    the time, or the machine sleeps, no line expires and nobody stops ringing because of that.
    """
    offset = time.time() - time.monotonic()
    return lambda: time.monotonic() + offset
