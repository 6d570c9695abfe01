"""One call of an official client, for stories of several calls and people."""

from __future__ import annotations

from dataclasses import dataclass

from interop.browser import PATIENCE, BrowserPhone, Event


@dataclass(frozen=True, slots=True)
class BrowserCall:
    """A call and the phone that has it."""

    phone: BrowserPhone
    key: str

    # -- what a person does ---------------------------------------------------------------------

    async def answer(self) -> None:
        """Take it, and wait until both sides know."""
        await self.phone.answer(self.key)
        await self.happens("established")

    async def hold(self) -> None:
        await self.phone.hold(self.key)

    async def resume(self) -> None:
        await self.phone.resume(self.key)

    async def end(self) -> None:
        """Hang up, decline or cancel."""
        await self.phone.end(self.key)

    async def send_on(self, number: str) -> None:
        """Transfer the other party to a number, without asking there first."""
        await self.phone.blind_transfer(self.key, number)

    async def connect_with(self, other: BrowserCall) -> None:
        """Transfer the other party to that of another call of this phone."""
        await self.phone.consult_transfer(self.key, other.key)

    # -- what a person notices ------------------------------------------------------------------

    @property
    def mark(self) -> int:
        """A place among the phone's events, to wait for something after it."""
        return self.phone.mark

    @property
    def story(self) -> list[str]:
        """The names of the events of the call, in the order they came."""
        return self.phone.names(call=self.key)

    async def happens(self, event: str, *, after: int = 0, within: float = PATIENCE) -> Event:
        """Wait for an event of the call; it may have come already."""
        return await self.phone.event(event, call=self.key, after=after, within=within)

    async def is_over(self, *, within: float = 5.0) -> None:
        """Wait until the phone was told that the call is over."""
        await self.happens("disconnect", within=within)

    async def shows(self, name: str) -> None:
        """Wait until the phone says that this is who it talks with."""
        await self.phone.shows(self.key, name)

    async def is_held(self) -> bool:
        """Whether the phone believes that it holds the call."""
        return bool((await self.phone.status(self.key))["held"])
