"""The garbage collector may not stop a server for longer than two packets of audio are apart."""

from __future__ import annotations

import subprocess
import sys

COLLECT = """
import gc, sys, time
import offhook.cli.up, offhook.cli.push_backend
from offhook.cli.pauses import keep_pauses_short
if "keep" in sys.argv:
    keep_pauses_short()
began = time.process_time()
gc.collect()
print(time.process_time() - began)
"""


def full_collection(*arguments: str) -> float:
    """Seconds of processor time that one takes in a server with everything loaded."""
    command = [sys.executable, "-c", COLLECT, *arguments]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_a_full_collection_does_not_look_through_all_that_is_loaded() -> None:
    usual, kept = full_collection(), full_collection("keep")
    assert kept < 0.02
    assert kept < usual / 3
