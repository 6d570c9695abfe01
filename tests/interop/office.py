"""An office for stories of several calls: three people with official clients, one with the SDK."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack, aclosing
from types import TracebackType
from typing import Self, TypeVar

from wxc_sdk import WebexSimpleApi
from wxc_sdk.telephony.calls import CallsApi

from interop.browser import PATIENCE, BrowserPhone, Chromium
from interop.browser_call import BrowserCall
from interop.cloud import Cloud
from interop.hearing import VOICES, hears
from offhook import Call, MediaOption, TokenAuthenticator, Webex
from service.wxc import with_wxc_sdk

T = TypeVar("T")

BROWSERS = ("alice", "bob", "carol")


class Office:
    """All are registered, and each has the voice that `VOICES` says. An async context manager.

    `dave` has the SDK.
    """

    dave: Webex

    def __init__(self, chromium: Chromium, cloud: Cloud) -> None:
        self.cloud = cloud
        self.phones = {
            name: BrowserPhone(chromium, cloud.https_url, cloud.people[name].token, VOICES[name])
            for name in BROWSERS
        }
        self._taken: set[tuple[str, str]] = set()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            authenticator = TokenAuthenticator(self.cloud.people["dave"].token)
            self.dave = await stack.enter_async_context(
                Webex(authenticator, cloud=self.cloud.https_url, ca=self.cloud.service.ca_path)
            )
            async with asyncio.TaskGroup() as group:
                group.create_task(self.dave.phone.ready(timeout=PATIENCE))
                for phone in self.phones.values():
                    group.create_task(_open(stack, phone))
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    def number(self, name: str) -> str:
        """A person's extension, or what one of the service's own numbers is for."""
        person = self.cloud.people.get(name)
        return self.cloud.test_numbers[name] if person is None else person.extension

    def name(self, person: str) -> str:
        """The whole of it, as phones show it."""
        return self.cloud.people[person].name

    # -- calls ----------------------------------------------------------------------------------

    async def dial(self, caller: str, callee: str) -> BrowserCall:
        """Call somebody from a browser; the caller's side."""
        phone = self.phones[caller]
        return BrowserCall(phone, await phone.dial(self.number(callee)))

    async def rings(self, name: str, *, of: str) -> BrowserCall:
        """Wait until somebody's browser rings with the next call, which is of `of`."""
        phone = self.phones[name]
        mark = 0
        while True:
            event = await phone.incoming_call(after=mark)
            mark = phone.events.index(event) + 1
            if event.call is not None and (name, event.call) not in self._taken:
                self._taken.add((name, event.call))
                call = BrowserCall(phone, event.call)
                await call.shows(self.name(of))
                return call

    async def daves_phone_rings(self) -> Call:
        """Wait until the SDK's phone rings."""
        async with asyncio.timeout(PATIENCE), aclosing(self.dave.phone.incoming_calls()) as calls:
            return await anext(calls)

    async def talk_with_dave(self, caller: str) -> tuple[BrowserCall, Call]:
        """A browser calls the SDK, and they hear each other; both sides."""
        a = await self.dial(caller, "dave")
        dave = await self.daves_phone_rings()
        await a.happens("progress")
        await dave.answer(voice_of_dave())
        await a.happens("established")
        await asyncio.gather(hears(a, "dave"), hears(dave, caller))
        return a, dave

    async def talk(self, caller: str, callee: str) -> tuple[BrowserCall, BrowserCall]:
        """One calls the other from browser to browser, and they hear each other; both sides."""
        a = await self.dial(caller, callee)
        b = await self.rings(callee, of=caller)
        await a.happens("progress")
        await b.answer()
        await a.happens("established")
        await asyncio.gather(hears(a, callee), hears(b, caller))
        return a, b

    # -- over REST ------------------------------------------------------------------------------

    async def rest(self, name: str, do: Callable[[WebexSimpleApi], T]) -> T:
        """What somebody does with wxc-sdk."""
        return await with_wxc_sdk(self.cloud, self.cloud.people[name].token, do)

    async def command(self, name: str, do: Callable[[CallsApi, str], object], *, on: str) -> None:
        """Have something done to somebody's call with `on`."""
        call_id = await self.rest_id(name, on)
        await self.rest(name, lambda api: do(api.telephony.calls, call_id))

    async def rest_id(self, name: str, remote: str) -> str:
        """What REST calls somebody's call with `remote`."""
        calls = await self.rest(name, lambda api: api.telephony.calls.list_calls())
        found = [call.call_id for call in calls if call.remote_party.name == self.name(remote)]
        assert len(found) == 1, f"{name} has calls {calls}"
        return str(found[0])

    # -- afterwards -----------------------------------------------------------------------------

    async def clear_up(self) -> None:
        """Hang up whatever a story has left, and forget it."""
        for phone in self.phones.values():
            await phone.end_all()
        exchange = self.cloud.service.shell.exchange
        async with asyncio.timeout(PATIENCE):
            while exchange.calls():
                await asyncio.sleep(0.02)
        for phone in self.phones.values():
            phone.events.clear()
            phone.console.clear()
        self._taken.clear()


async def _open(stack: AsyncExitStack, phone: BrowserPhone) -> None:
    await stack.enter_async_context(phone)
    await phone.register()


def voice_of_dave() -> MediaOption:
    """What the SDK says."""
    return MediaOption.audio_only(source=f"tone:{VOICES['dave']:.0f}")
