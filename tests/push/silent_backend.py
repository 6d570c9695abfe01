"""A backend as a process of its own whose pushes never have an outcome, to be killed.

``python silent_backend.py DATA`` prints its URL, then a line for each push that it began.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable

from offhook.engine.dispatch.model import Outcome, Push
from offhook.push.app import PushBackend
from offhook.push.config import PushConfig


class Silent:
    """Takes every push and says nothing of it again."""

    def __init__(self, tell: Callable[[Outcome], None]) -> None: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def send(self, push: Push) -> None:
        print(push.push_id, flush=True)


async def main(data: str, secret: str) -> None:
    backend = PushBackend(
        PushConfig(data, http="127.0.0.1:0", cloud="http://127.0.0.1:9", secrets=[secret]), Silent
    )
    await backend.start()
    print(backend.url, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
