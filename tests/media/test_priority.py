"""A service puts voice first where it may, and runs without where it may not."""

import subprocess
import sys

ASK = (
    "import os; from offhook.media.priority import put_voice_first as ask; print(ask(), os.nice(0))"
)


def asked(prelude: str = "") -> list[str]:
    """What a process of its own was given: whether it may, and its niceness."""
    return subprocess.run(
        [sys.executable, "-c", prelude + ASK],
        check=True,
        capture_output=True,
        text=True,
        start_new_session=True,
    ).stdout.split()


def test_it_says_whether_it_was_given_precedence() -> None:
    assert asked() in (["True", "-10"], ["False", "0"])


def test_who_may_not_runs_as_before() -> None:
    nobody = "import os, offhook.media.priority; os.geteuid() or os.setuid(65534); "
    assert asked(nobody) == ["False", "0"]
