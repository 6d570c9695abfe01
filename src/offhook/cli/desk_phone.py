"""What a person does with one call at a phone on a desk: the keys, and what is shown."""

import asyncio

from offhook import (
    Call,
    CallHoldStateChangedEvent,
    CallStatus,
    DTMFReceivedEvent,
    EndReason,
    MediaOption,
    WebexError,
)
from offhook.cli.keys import Keys
from offhook.cli.report import Report

#: What there is to press, while it rings and while one talks.
RINGING_KEYS = "a answer   r decline"
TALKING_KEYS = "h hang up   p hold   m mute   0-9 * # dial tones"

_WORDS = {
    EndReason.ANSWERED_ELSEWHERE: "answered on another device",
    EndReason.LOCAL_REJECT: "declined",
    EndReason.REJECTED: "declined on another device",
    EndReason.REMOTE_CANCEL: "the caller gave up",
    EndReason.NO_ANSWER: "nobody answered",
    EndReason.MEDIA_LOST: "the audio was lost",
}


def words_for(reason: str | None) -> str:
    """Why a call ended, for people."""
    return next((text for each, text in _WORDS.items() if each == reason), "the call is over")


class DeskCall:
    """One incoming call, from its ringing to its end."""

    def __init__(self, call: Call, media: MediaOption, report: Report, keys: Keys) -> None:
        self._call = call
        self._media = media
        self._report = report
        self._keys = keys

    async def run(self, *, answer_at_once: bool) -> None:
        """Ring, do what is pressed, and say what happens until it is over."""
        call = self._call
        who = call.title or call.caller_number or "somebody"
        self._report.event(
            "incoming",
            f"{who} calls     {RINGING_KEYS}",
            caller=call.title,
            number=call.caller_number,
            call_id=call.call_id,
            tracking_id=call.external_tracking_id,
        )
        work = [
            asyncio.create_task(self._watch(), name="desk-watch"),
            asyncio.create_task(self._press(answer_at_once), name="desk-keys"),
        ]
        try:
            await call.ended()
        finally:
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)
        self._report.event("ended", f"Ended: {words_for(call.end_reason)}", reason=call.end_reason)

    async def _press(self, answer_at_once: bool) -> None:
        key = "a" if answer_at_once else await self._keys.next()
        while True:
            try:
                await self._do(key)
            except WebexError as error:
                self._report.event("failed", str(error), code=error.code.name)
            key = await self._keys.next()

    async def _do(self, key: str) -> None:
        call = self._call
        talking = call.status is CallStatus.CONNECTED
        match key:
            case "a" if not talking:
                await call.answer(self._media)
                await call.connected()
                self._report.event(
                    "connected",
                    f"Connected     {TALKING_KEYS}",
                    party=call.title,
                    tracking_id=call.external_tracking_id,
                )
            case "r" if not talking:
                await call.reject()
            case "h" if talking:
                await call.hangup()
            case "p" if talking:
                await (call.resume() if call.is_on_hold else call.hold())
            case "m" if talking:
                await (call.mute() if call.is_sending_audio else call.unmute())
                self._report.event("mute", "Unmuted" if call.is_sending_audio else "Muted")
            case _ if talking and key in "0123456789*#":
                await call.send_dtmf(key)
            case _:
                self._report.event("help", TALKING_KEYS if talking else RINGING_KEYS)

    async def _watch(self) -> None:
        async for event in self._call.events():
            match event:
                case DTMFReceivedEvent(digit=digit):
                    self._report.event("dtmf", f"The other side pressed {digit}", digit=digit)
                case CallHoldStateChangedEvent(hold_resume_info=info):
                    self._report.event("hold", "On hold" if info.is_on_hold else "Resumed")
                case _:
                    continue
