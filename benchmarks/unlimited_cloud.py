"""``offhook up --json`` without the limits that protect a service from what a benchmark does."""

import sys

from offhook.cli.up import up
from offhook.service.config import Limits, ServiceConfig

if __name__ == "__main__":
    limits = Limits(
        calls=1_000_000,
        call_seconds=1,
        registrations=1_000_000,
        registration_seconds=1,
        lines_per_person=10_000,
        clients_per_person=10_000,
    )
    config = ServiceConfig(data=sys.argv[1], http="127.0.0.1:0", https="127.0.0.1:0", limits=limits)
    sys.exit(up(config, as_json=True))
