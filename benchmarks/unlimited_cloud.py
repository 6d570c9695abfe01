"""``python -m benchmarks.unlimited_cloud FOLDER``: the phone service with the demo's people.

Without the limits that protect a service from what a benchmark does, and without a push backend,
whose work is measured elsewhere. Prints a line of JSON when it is ready; ends by a signal.
"""

import sys
from dataclasses import asdict

import msgspec

from offhook.cli.pauses import keep_pauses_short
from offhook.cli.serve import run_server
from offhook.cli.signals import until_signal
from offhook.service.config import Limits, ServiceConfig
from offhook.testing import local_cloud

LIMITS = Limits(
    calls=1_000_000,
    call_seconds=1,
    registrations=1_000_000,
    registration_seconds=1,
    lines_per_person=10_000,
    clients_per_person=10_000,
)


async def serve(folder: str) -> int:
    """Run until a signal."""
    config = ServiceConfig(data=folder, http="127.0.0.1:0", https="127.0.0.1:0", limits=LIMITS)
    with until_signal() as stopped:
        async with local_cloud(config) as cloud:
            keep_pauses_short()
            ready = {
                "http": cloud.http,
                "people": [asdict(person) for person in cloud.people],
                "test_numbers": cloud.test_numbers,
            }
            print(msgspec.json.encode(ready).decode(), flush=True)
            await stopped.wait()
    return 0


if __name__ == "__main__":
    sys.exit(run_server(serve(sys.argv[1])))
