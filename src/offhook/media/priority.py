"""Precedence for the thread that carries voice: a packet that comes late is worth nothing.

A mixer on a machine that others keep busy is late not because it works long but because it waits
for its turn. Linux lets a process ask for more turns if it may (root, ``CAP_SYS_NICE``).
"""

import logging
import os
import sys
from pathlib import Path

logger = logging.getLogger(__name__)

_NICE = -10
# Without service manager's groups, Linux divides the processor among sessions first.
_SESSION = Path("/proc/self/autogroup")


def put_voice_first() -> bool:
    """Give the calling thread, which is to run the event loop, precedence. False if it may not.

    Threads that it starts inherit it. For the process of a service, not for a program that embeds
    one.
    """
    if sys.platform != "linux":
        return False
    try:
        if os.getpriority(os.PRIO_PROCESS, 0) > _NICE:
            os.setpriority(os.PRIO_PROCESS, 0, _NICE)
        if _SESSION.exists():
            _SESSION.write_text(str(_NICE))
    except OSError as error:
        logger.info("Voice takes its turn with everything else: %s", error.strerror)
        return False
    return True
