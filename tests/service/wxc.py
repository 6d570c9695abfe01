"""wxc-sdk, unmodified: told where Webex is, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol, TypeVar

from wxc_sdk import WebexSimpleApi
from wxc_sdk.rest import RestSession
from wxc_sdk.tokens import Tokens

from offhook.service.app import PhoneService

T = TypeVar("T")


class Running(Protocol):
    """What has a service that runs."""

    @property
    def service(self) -> PhoneService: ...


async def with_wxc_sdk(cloud: Running, token: str, story: Callable[[WebexSimpleApi], T]) -> T:
    """Run `story`, which blocks, with a wxc-sdk."""

    class Session(RestSession):
        BASE = f"{cloud.service.http_url}/v1"

    def run() -> T:
        tokens = Tokens(access_token=token)
        session = Session(tokens=tokens, concurrent_requests=2)
        with WebexSimpleApi(tokens=tokens, session=session) as api:
            return story(api)

    return await asyncio.to_thread(run)
