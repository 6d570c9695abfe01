"""A person at a desk: a phone that does as it is told over the wire, and wxc-sdk to tell it.

The phone answers when its person dialled from elsewhere, or asked for it over REST. It is silent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from wxc_sdk import WebexSimpleApi
from wxc_sdk.telephony.calls import CallState, TelephonyCall

from service.running import PEOPLE, Cloud
from service.signalling import PATIENCE, Wire, leg
from service.wxc import with_wxc_sdk

T = TypeVar("T")


class Desk:
    """See the module."""

    def __init__(self, cloud: Cloud, name: str, token: str) -> None:
        self.cloud = cloud
        self.name = name
        self.token = token
        self.extension = PEOPLE[name].extension
        self.wire = Wire(cloud.http, cloud.service.http_url, token)
        self._working: asyncio.Task[None] | None = None

    async def plug_in(self) -> None:
        await self.wire.register()
        self._working = asyncio.create_task(self._work(), name=f"phone of {self.name}")

    async def unplug(self) -> None:
        if self._working is not None:
            self._working.cancel()
            await asyncio.wait([self._working])
        await self.wire.close()

    async def dial(self, number: str) -> str:
        """Call from the phone itself; the id of the phone's call."""
        async with leg() as made:
            offer = await made.create_offer()
        return await self.wire.dial(number, offer, correlation_id=f"{self.name} calls {number}")

    async def _work(self) -> None:
        number = 0
        while True:
            event = await self.wire.event(number)
            number += 1
            call_id = event.get("callId", "")
            middle = [each["eventType"] for each in event.get("midCallService", ())]
            if event["eventType"] == "mobius.call" and "callerId" in event:
                await self.wire.update(call_id, "sig_alerting")
                if event.get("answerNow"):
                    await self.wire.update(call_id, "sig_connected")
            elif "answerRequested" in middle:
                await self.wire.update(call_id, "sig_connected")

    # --- over REST ---

    async def rest(self, story: Callable[[WebexSimpleApi], T]) -> T:
        """What the person does with wxc-sdk."""
        return await with_wxc_sdk(self.cloud, self.token, story)

    async def calls(self) -> list[TelephonyCall]:
        """The person's calls."""
        return await self.rest(lambda api: api.telephony.calls.list_calls())

    async def call(self, state: CallState, remote: str = "", **members: Any) -> str:
        """The id of the call that is, or will soon be, in this state, with somebody."""
        seen: list[TelephonyCall] = []
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    seen = await self.calls()
                    for call in seen:
                        if _fits(call, state, remote, members):
                            assert call.call_id is not None
                            return call.call_id
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"{self.name} has no call {state} with {remote}: {seen}") from None

    async def answer(self, remote: str = "") -> str:
        """Answer over REST the call that rings, or soon will; its id."""
        call = await self.call(CallState.alerting, remote)
        await self.rest(lambda api: api.telephony.calls.answer(call))
        return call

    async def no_calls(self) -> None:
        """Wait until the person has no call any more."""
        async with asyncio.timeout(PATIENCE):
            while await self.calls():
                await asyncio.sleep(0.02)


def _fits(call: TelephonyCall, state: CallState, remote: str, members: dict[str, Any]) -> bool:
    name = (call.remote_party.name or "").split(" ")[0].lower()
    return (
        call.state == state.value
        and remote in ("", name)
        and all(getattr(call, key) == value for key, value in members.items())
    )
