"""Run the benchmarks, one process each, and write what they print into RESULTS.md.

``python -m benchmarks`` runs all; ``python -m benchmarks relay`` one, leaving the others' results.
"""

import argparse
import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

#: Name of the script and the heading of its results, in the order of the page.
BENCHMARKS = {
    "call_setup": "Call set-up",
    "relay": "Relay",
    "mixing": "Mixing",
    "merging": "From two calls to a conference",
    "call_rate": "Calls a second",
    "transfer_rate": "Transfers a second",
    "exchange": "The exchange alone",
    "memory": "Memory",
    "push": "Pushes to Apple",
    "push_backend": "From webhook to push",
    "wake": "Waking a phone",
    "push_faults": "Pushes while everything breaks",
}
RESULTS = Path(__file__).with_name("RESULTS.md")
TIMEOUT = 600.0

HEAD = """# Results

Each section is one script of this folder, measured beside its peer in the same run. The machine is
shared and noisy: read the ratios and medians, not the absolute numbers. `make bench` measures
again.
"""


def machine() -> str:
    """One line about where the figures come from."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    model = models[0] if models else "unknown processor"
    cores = sum(line.startswith("processor") for line in lines)
    day = datetime.now(UTC).date().isoformat()
    # `chrt -r 10 python -m benchmarks`, as root: where others need the machine at the same time.
    ahead = os.sched_getscheduler(0) != os.SCHED_OTHER
    return (
        f"{day}, {cores} cores of {model}, {platform.system()} {platform.release().split('-')[0]}, "
        f"Python {platform.python_version()}, loopback" + (", at real-time priority" * ahead)
    )


def sections(text: str) -> dict[str, str]:
    """The results page by heading."""
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return {title: body.strip() for title, body in zip(parts[1::2], parts[2::2], strict=True)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], help="which (default: all)")
    chosen = parser.parse_args().names or list(BENCHMARKS)
    known = sections(RESULTS.read_text()) if RESULTS.exists() else {}
    failed = False
    for name in chosen:
        print(f"— {name}", flush=True)
        done = subprocess.run(
            [sys.executable, "-m", f"benchmarks.{name}"],
            stdout=subprocess.PIPE,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        print(done.stdout, flush=True)
        if done.returncode:
            failed = True
            continue
        known[BENCHMARKS[name]] = f"{machine()}.\n\n{done.stdout.strip()}"
    page = [HEAD.strip()]
    page += [f"## {title}\n\n{known[title]}" for title in BENCHMARKS.values() if title in known]
    RESULTS.write_text("\n\n".join(page) + "\n")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
