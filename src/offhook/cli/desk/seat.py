"""A call in its slot on the phone, and what is known about it beside what the SDK knows."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from offhook import (
    Call,
    CallDisconnectedEvent,
    CallHoldStateChangedEvent,
    CallMembershipChangedEvent,
    CallStatus,
    ConnectedEvent,
    DirectTransferResult,
    InfoChangedEvent,
    MembershipJoinedEvent,
    MembershipLeftEvent,
)
from offhook.cli.desk.hearing import SILENCE, Heard, hear
from offhook.cli.desk.telling import News, member_name, name_of, news_of, regrouped, with_another

_HEARING_RATE = 8_000
_HEARING_MS = 200


class Seat:
    """See the module. `tell` is told what happens, `changed` when there is something new to see.

    `busy` is what is being done with the call; `waiting` the transfer that waits for an answer.
    """

    def __init__(
        self,
        slot: int,
        order: int,
        call: Call,
        tell: Callable[["Seat", News], None],
        changed: Callable[[], None],
    ) -> None:
        self.slot = slot
        self.order = order
        self.call = call
        self.since = time.monotonic()
        self.busy = ""
        self.heard: Heard | None = None
        self.waiting: asyncio.Task[DirectTransferResult] | None = None
        self.pressing = asyncio.Lock()
        self._tell = tell
        self._changed = changed
        self._who = name_of(call)
        self._told_tones = Heard(SILENCE)
        self._in_conference = call.is_group_call
        self._present: set[str] = set()  # in a conference, as people know by now

    @contextmanager
    def being(self, busy: str) -> Iterator[None]:
        """Something is done with the call meanwhile."""
        self.busy = busy
        self._changed()
        try:
            yield
        finally:
            self.busy = ""
            self._changed()

    async def watch(self) -> None:
        """Tell what happens, from the beginning of the call to its end."""
        async for event in self.call.events():
            match event:
                case ConnectedEvent():
                    self.since = time.monotonic()
                    self._who = name_of(self.call)
                case CallHoldStateChangedEvent() | CallMembershipChangedEvent():
                    self._told_tones = Heard(SILENCE)  # Whatever is heard next is news.
                case InfoChangedEvent() if self.call.status is CallStatus.CONNECTED:
                    self._look()
                case CallDisconnectedEvent() if not self.call.call_id:
                    return  # It never came about; whoever dialled is told why.
            news = news_of(event)
            if news is not None:
                silent = isinstance(event, CallMembershipChangedEvent) and self._is_no_news(event)
                self._tell(self, replace(news, text="") if silent else news)
            self._changed()

    def _is_no_news(self, event: CallMembershipChangedEvent) -> bool:
        """Whether people know already that somebody came or went, for programs it is news.

        Who is in a new conference was said as a whole, and of two it is said who the other one is.
        """
        who = member_name(event.membership)
        match event:
            case MembershipJoinedEvent():
                known = who in self._present or not self._in_conference
                self._present.add(who)
                return known
            case MembershipLeftEvent():
                if who in map(member_name, self.call.memberships):
                    return True  # with another call of the same phone
                known = who not in self._present
                self._present.discard(who)
                return known
            case _:
                return False

    def _look(self) -> None:
        """See who is there now."""
        who, in_conference = name_of(self.call), self.call.is_group_call
        if in_conference is not self._in_conference:
            self._tell(self, regrouped(self.call))
            self._present |= set(map(member_name, self.call.memberships))
        elif who != self._who and self.call.caller_number:  # a conference has none
            self._tell(self, with_another(self.call))
        self._who, self._in_conference = who, in_conference

    async def listen(self) -> None:
        """Hear what is said, and tell when the tones in it are others."""
        async for block in self.call.audio.frames(_HEARING_RATE, block_ms=_HEARING_MS):
            if self.call.is_on_hold:
                continue
            self.heard = hear(block, _HEARING_RATE)
            if not self.heard.same_tones(self._told_tones):
                self._told_tones = self.heard
                self._tell(self, _hearing(self.heard))
            self._changed()

    def fields(self) -> dict[str, Any]:
        """Which call it is, for programs."""
        return {"slot": self.slot, "call_id": self.call.call_id}


def _hearing(heard: Heard) -> News:
    tones = " and ".join(f"{tone} Hz" for tone in heard.tones)
    return News("hearing", f"Hearing {tones}" if tones else "", {"frequencies": list(heard.tones)})
