"""`offhook serve`: the phone service for production, without anybody to try it."""

import asyncio
import logging
import os
import sys
from collections.abc import Coroutine

import uvloop
from rich.console import Console

from offhook.cli.pauses import keep_pauses_short
from offhook.cli.signals import until_signal
from offhook.media.priority import put_voice_first
from offhook.service.app import PhoneService
from offhook.service.config import ServiceConfig, load
from offhook.serving.address import ConfigError
from offhook.serving.listener import ListenError
from offhook.store import StoreError

__all__ = ["ConfigError", "ServiceConfig", "StartErrors", "load", "run_server", "serve"]

#: What stops a start, each with a sentence of its own.
StartErrors = (ConfigError, ListenError, StoreError)


def serve(config: ServiceConfig) -> int:
    """Run the service until a signal. The exit code."""
    return run_server(_serve(config))


def run_server(work: Coroutine[None, None, int]) -> int:
    """`work` on a loop of its own; the exit code, after a sentence if it could not start."""
    logging.basicConfig(
        level=os.environ.get("OFFHOOK_LOG", "WARNING").upper(),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(work)
    except StartErrors as error:
        Console(stderr=True, highlight=False).print(f"offhook: {error}", soft_wrap=True)
        return 1


async def _serve(config: ServiceConfig) -> int:
    with until_signal() as stopped:
        service = PhoneService(config)
        await service.start()
        keep_pauses_short()
        put_voice_first()
        try:
            logging.getLogger("offhook").warning(
                "serving on %s %s", service.http_url, service.https_url
            )
            await stopped.wait()
        finally:
            await service.stop()
    return 0
