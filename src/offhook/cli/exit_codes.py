"""What an exit code of the command line says."""

from enum import IntEnum


class ExitCode(IntEnum):
    """The outcome of `offhook call` and `offhook answer`; 2 is a wrong command line."""

    CONNECTED = 0
    FAILED = 1
    USAGE = 2
    BUSY = 3
    NO_ANSWER = 4
    REJECTED = 5
    NOT_FOUND = 6
    NOT_A_NUMBER = 7
    NO_SERVICE = 8
    NOT_SIGNED_IN = 9
    MEDIA_LOST = 10
    INTERRUPTED = 130
