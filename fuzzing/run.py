"""Feed damaged messages to the parsers until one of them does what it should not.

    python fuzzing/run.py                       every target for ten seconds
    python fuzzing/run.py sdp rtp --seconds 600
    python fuzzing/run.py --runs 500 --seed 7   the same inputs each time
    python fuzzing/run.py sdp --replay FILE     one input again

A find is written to ``crash-<target>-<hash>`` in the directory given by ``--finds``, with the
traceback on standard error and exit code 1.
"""

import argparse
import hashlib
import itertools
import random
import sys
import time
import traceback
from pathlib import Path

from media_port import media_port
from mutation import inputs
from targets import TARGETS, Target

#: Seconds of processor time in which any input must have been dealt with.
SLOW = 2.0


class Find(Exception):  # noqa: N818 - a find is not an error of the fuzzer
    """An input that the target did not survive; the cause says how."""

    def __init__(self, target: Target, data: bytes) -> None:
        super().__init__(f"{target.name}: {data[:120]!r}")
        self.data = data


def feed(target: Target, data: bytes) -> None:
    """One input. Raises `Find`."""
    before = time.process_time()
    try:
        target.check(data)
    except Exception as error:
        raise Find(target, data) from error
    if time.process_time() - before > SLOW:
        raise Find(target, data) from TimeoutError(f"took more than {SLOW} s")


def fuzz(target: Target, *, seed: int, runs: int | None, seconds: float) -> int:
    """Feed `runs` inputs, or as many as fit in `seconds`. Their number; raises `Find`."""
    stream = inputs(target.seeds, random.Random(f"{target.name} {seed}"))
    until = time.monotonic() + seconds
    done = 0
    for done, data in enumerate(itertools.islice(stream, runs), 1):  # noqa: B007 - the count is used
        feed(target, data)
        if runs is None and time.monotonic() > until:
            break
    return done


def main(arguments: list[str] | None = None) -> int:
    """The command line; see the module. The exit code."""
    known = {target.name: target for target in [*TARGETS, media_port()]}
    parser = argparse.ArgumentParser(description="Fuzz the parsers of Offhook.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(known))
    parser.add_argument("--seconds", type=float, default=10.0, help="for each target")
    parser.add_argument("--runs", type=int, help="inputs for each target, instead of seconds")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    parser.add_argument("--replay", type=Path, help="feed this file only")
    parser.add_argument("--finds", type=Path, default=Path(), help="where finds are written")
    options = parser.parse_args(arguments)
    unknown = set(options.targets) - set(known)
    if unknown:
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    chosen = [known[name] for name in options.targets or known]
    found = 0
    for target in chosen:
        try:
            if options.replay is not None:
                feed(target, options.replay.read_bytes())
                print(f"{target.name}: survived")
                continue
            done = fuzz(target, seed=options.seed, runs=options.runs, seconds=options.seconds)
            print(f"{target.name}: {done} inputs, no find (seed {options.seed})")
        except Find as find:
            found += 1
            path = options.finds / f"crash-{target.name}-{hashlib.sha1(find.data).hexdigest()[:12]}"
            path.write_bytes(find.data)
            traceback.print_exception(find)
            print(f"{target.name}: FOUND {path}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
