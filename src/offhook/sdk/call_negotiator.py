"""Lets the audio of one call do its part of a negotiation, step by step."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import assert_never

from offhook.engine.client import call_io as io
from offhook.engine.client.negotiation import ApplyAnswer, MakeAnswer, MakeOffer
from offhook.errors import CallMediaError
from offhook.sdk.call_media import CallMedia
from offhook.sdk.supervisor import Supervisor

MediaStep = MakeOffer | MakeAnswer | ApplyAnswer


class CallNegotiator:
    """Reports what came of each step with `feed`, in the order of the steps."""

    def __init__(
        self, media: CallMedia, feed: Callable[[io.Input], None], supervisor: Supervisor
    ) -> None:
        self._media = media
        self._feed = feed
        self._supervisor = supervisor
        self._waiting: deque[MediaStep] = deque()
        self._working: asyncio.Task[None] | None = None

    def do(self, step: MediaStep) -> None:
        """Do it behind those that wait."""
        self._waiting.append(step)
        if self._working is None:
            self._working = self._supervisor.spawn(self._work(), "offhook-call-media")

    async def close(self) -> None:
        """Leave the rest undone, and close the audio."""
        self._waiting.clear()
        if self._working is not None:
            self._working.cancel()
            await asyncio.wait([self._working])
        await self._media.close()

    async def _work(self) -> None:
        """The task lives only while something waits."""
        try:
            while self._waiting:
                try:
                    done = await self._done(self._waiting.popleft())
                except CallMediaError as error:
                    done = io.MediaRefused(error)
                self._feed(done)
        finally:
            self._working = None

    async def _done(self, step: MediaStep) -> io.Input:
        match step:
            case MakeOffer():
                return io.OfferMade(await self._media.make_offer())
            case MakeAnswer(offer=offer):
                return io.AnswerMade(await self._media.make_answer(offer))
            case ApplyAnswer(answer=answer):
                await self._media.apply_answer(answer)
                return io.AnswerApplied()
            case _:
                assert_never(step)
