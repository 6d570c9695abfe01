"""Our service for the SDK to talk to: quick to start, restarted at will, with its demo people."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import msgspec

from offhook import MediaOption, TokenAuthenticator, Webex
from offhook.media.samples import Samples
from offhook.media.spectrum import dominant_tone, level_dbfs, tone_share
from offhook.service.app import PhoneService
from offhook.service.config import ServiceConfig, Timing
from offhook.service.directory.demo import TEST_NUMBERS
from service.running import PEOPLE, config

PATIENCE = 10.0
"""Seconds that a wait may take before it is a failure."""


class RunningCloud:
    """The phone service with the demo organisation. An async context manager."""

    def __init__(self, data: Path, *, https: bool = False, keepalive: int = 30) -> None:
        settings: dict[str, Any] = {"timing": Timing(keepalive=keepalive)}
        if https:
            settings["https"] = "127.0.0.1:0"
        self._config: ServiceConfig = config(data, **settings)
        self.service = PhoneService(self._config)
        self.numbers = {kind.value: digits for kind, digits in TEST_NUMBERS.items()}

    @property
    def url(self) -> str:
        return self.service.http_url

    async def __aenter__(self) -> RunningCloud:
        await self.service.start()
        # From now on the address stays, so that clients find a restarted service.
        self._config = msgspec.structs.replace(
            self._config, http=self.service.http_url.removeprefix("http://")
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.service.stop()

    async def stop(self) -> None:
        await self.service.stop()

    async def start_again(self) -> None:
        self.service = PhoneService(self._config)
        await self.service.start()

    async def token(self, name: str) -> str:
        return await self.service.identity.personal_token(PEOPLE[name].entry())

    def number(self, name: str) -> str:
        return PEOPLE[name].extension


class Phones:
    """Makes signed-in people; closes them all at the end."""

    def __init__(self, cloud: RunningCloud) -> None:
        self.cloud = cloud
        self._stack = AsyncExitStack()
        self._tokens: dict[str, str] = {}

    async def __aenter__(self) -> Phones:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def of(self, name: str) -> Webex:
        """One more phone of this person, ready for calls."""
        if name not in self._tokens:
            self._tokens[name] = await self.cloud.token(name)
        authenticator = TokenAuthenticator(self._tokens[name])
        webex = await self._stack.enter_async_context(Webex(authenticator, cloud=self.cloud.url))
        await webex.phone.ready(PATIENCE)
        return webex


def tone(frequency: float) -> MediaOption:
    return MediaOption.audio_only(source=f"tone:{frequency:g}")


async def heard(call: Any, *, blocks: int = 3, rate: int = 16_000) -> float | None:
    """The tone that a call hears steadily, in Hz; None for silence."""
    in_a_row: list[float | None] = []
    async with asyncio.timeout(PATIENCE):
        async for block in call.audio.frames(rate, block_ms=200):
            found = dominant_tone(block, rate)
            now = round(found.frequency, -1) if found else None
            in_a_row = [*in_a_row, now] if in_a_row[-1:] == [now] else [now]
            if len(in_a_row) == blocks:
                return now
    raise AssertionError("the call ended before anything steady was heard")


#: What each person says: tones that are no multiples of each other, and far enough apart to be
#: told from each other in 10 ms.
VOICES = {"alice": 400.0, "bob": 690.0, "carol": 1030.0, "dave": 1330.0, "ada": 1720.0}
#: The share of what is heard from which on somebody is heard, and below which nobody is, if others
#: are. Music, which is heard alone, may have anybody's tone in it.
_PRESENT, _ABSENT = 0.1, 0.03
_SILENT = -50.0


def voice(name: str) -> MediaOption:
    return tone(VOICES[name])


async def hears(call: Any, *names: str, blocks: int = 3, rate: int = 16_000) -> bool:
    """Wait until a call steadily hears these people and nobody else of `VOICES`."""
    expected, in_a_row, shares = set(names), 0, {}
    try:
        async with asyncio.timeout(PATIENCE):
            async for block in call.audio.frames(rate, block_ms=200):
                shares = _shares(block, rate)
                found = {name for name, share in shares.items() if share >= _PRESENT}
                clear = not names or all(shares[each] < _ABSENT for each in shares.keys() - found)
                in_a_row = in_a_row + 1 if found == expected and clear else 0
                if in_a_row == blocks:
                    return True
    except TimeoutError:
        told = {name: round(share, 3) for name, share in shares.items()}
        raise AssertionError(f"not {sorted(expected)} were heard, but {told}") from None
    return False


def _shares(block: Samples, rate: int) -> dict[str, float]:
    """How much of what is heard is of whom."""
    if level_dbfs(block) < _SILENT:
        return dict.fromkeys(VOICES, 0.0)
    return {name: tone_share(block, rate, frequency) for name, frequency in VOICES.items()}


__all__ = [
    "PATIENCE",
    "PEOPLE",
    "VOICES",
    "Phones",
    "RunningCloud",
    "heard",
    "hears",
    "tone",
    "voice",
]
