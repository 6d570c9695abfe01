"""People with one phone each who call each other, each of them with their own voice."""

from __future__ import annotations

import asyncio
from typing import TypeVar

from offhook import Call, CallEvent, MediaOption, Webex
from sdk.clouds import PATIENCE, Phones, RunningCloud, voice
from sdk.conftest import next_call

E = TypeVar("E", bound=CallEvent)


class Party:
    """Somebody with a phone."""

    def __init__(self, name: str, webex: Webex, number: str) -> None:
        self.name = name
        self.webex = webex
        self.number = number

    def voice(self) -> MediaOption:
        """What they say."""
        return voice(self.name)

    async def calls(self, other: Party) -> tuple[Call, Call]:
        """Call somebody who answers. Returns both sides."""
        call = await self.webex.phone.dial_phone_number(other.number, self.voice())
        return call, await other.answers(call)

    async def consults(self, origin: Call, other: Party) -> tuple[Call, Call]:
        """Call somebody from a call. Returns both sides."""
        call = await origin.start_associated_call(other.number, option=self.voice())
        return call, await other.answers(call)

    async def answers(self, call: Call) -> Call:
        """Take the call that rings here."""
        incoming = await next_call(self.webex)
        await incoming.answer(self.voice())
        async with asyncio.timeout(PATIENCE):
            await call.connected()
        return incoming


class Parties:
    """Everybody, on demand."""

    def __init__(self, cloud: RunningCloud, phones: Phones) -> None:
        self._cloud = cloud
        self._phones = phones

    async def of(self, *names: str) -> list[Party]:
        found = await asyncio.gather(*(self._phones.of(name) for name in names))
        return [
            Party(name, webex, self._cloud.number(name))
            for name, webex in zip(names, found, strict=True)
        ]


async def until(call: Call, kind: type[E], *, after: int = 0) -> E:
    """The next event of this kind, `after` so many others of it."""
    async with asyncio.timeout(PATIENCE):
        async for event in call.events():
            if isinstance(event, kind):
                if not after:
                    return event
                after -= 1
    raise AssertionError(f"the call ended without {kind.__name__}")


async def ends(call: Call):
    async with asyncio.timeout(PATIENCE):
        return await call.ended()
