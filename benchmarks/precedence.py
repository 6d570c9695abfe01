"""Start a program with the precedence that our service asks for, in a session of its own.

Both a mixer of ours and its peer get it, or neither: without the right to ask, all take turns.
"""

import subprocess
import sys

_ASK = "from offhook.media.priority import put_voice_first as ask; "
_EXEC = "import os, sys; ask(); os.execvp(sys.argv[1], sys.argv[1:])"


def first(*arguments: str, program: str = sys.executable) -> list[str]:
    """The command that runs `program` with these arguments; give it a session of its own."""
    return [sys.executable, "-c", _ASK + _EXEC, program, *arguments]


def is_given() -> bool:
    """Whether whoever runs this has the right to ask."""
    answer = subprocess.run(
        [sys.executable, "-c", _ASK + "print(ask())"],
        check=True,
        capture_output=True,
        text=True,
        start_new_session=True,
    )
    return answer.stdout.strip() == "True"
