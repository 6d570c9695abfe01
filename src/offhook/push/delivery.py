"""From a call that came in to the pushes for it, and from their outcomes back to the books."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol, assert_never
from uuid import UUID, uuid5

from offhook.engine.dispatch.model import Device, Outcome, OutcomeKind, Provider, Push
from offhook.push.figures import Figures
from offhook.push.history import History
from offhook.push.inbox import Inbox, Taken, event_id
from offhook.push.registry import STORE_FAULTS, DeviceRegistry
from offhook.push.webhook import CallEvent

logger = logging.getLogger(__name__)

#: The push of an event for a device has the same id in every process that sends it.
_PUSHES = UUID("6a3b8c52-3c1e-4d57-9a38-6d0e7b7a5f10")
_LOOK_AGAIN_SECONDS = 0.5


class PushSender(Protocol):
    """What sends pushes: `offhook.push.dispatcher.Dispatcher`, or something in its place."""

    async def start(self) -> None:
        """Be ready to send."""

    async def stop(self) -> None:
        """Send no more. Bounded."""

    def send(self, push: Push) -> None:
        """Begin with a push: never blocks, never raises, and gives it exactly one outcome."""


@dataclass(slots=True)
class _OpenCall:
    """A call some of whose pushes have no outcome yet. `left`: their ids."""

    row_id: str
    left: set[str]


class Delivery:
    """Carries each call to the devices of who is called. Call `stop` before the sender's own.

    With `exclusive` (no other process has these calls) a call is pushed while it is written, and
    its sender answered when it is on disk; otherwise writing it first finds out whose it is.
    """

    def __init__(
        self,
        inbox: Inbox,
        registry: DeviceRegistry,
        figures: Figures,
        history: History,
        clock: Callable[[], float],
        *,
        exclusive: bool = False,
    ) -> None:
        self._inbox = inbox
        self._exclusive = exclusive
        self._registry = registry
        self._figures = figures
        self._history = history
        self._clock = clock
        self._sender: PushSender | None = None
        self._open: dict[str, _OpenCall] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        figures.open_calls.set_function(self._count_open)
        figures.misconfigured.set_function(lambda: len(history.alarms))

    def attach(self, sender: PushSender) -> None:
        """What sends. It is made after this, since it is given `on_outcome`."""
        self._sender = sender

    async def accept(self, event: CallEvent) -> None:
        """Write the call down and begin to push. Never raises: the sender has done its part."""
        if self._exclusive:
            # `take` has put the call before whatever is written of its outcome: nothing else runs
            # between here and there.
            self._begin(event)
        match await self._inbox.take(event):
            case Taken.DUPLICATE:
                self._figures.unneeded.labels("duplicate").inc()
                return
            case Taken.UNWRITTEN:
                self._figures.unwritten.inc()
            case Taken.WRITTEN:
                pass
            case other:
                assert_never(other)
        if not self._exclusive:
            self._begin(event)

    async def resume(self) -> None:
        """Take up what an earlier process left. Raises what the database raises."""
        for each in await self._inbox.unfinished():
            self._figures.resumed.inc()
            self._spawn(self._push(each.event, each.reached))

    async def stop(self, seconds: float) -> None:
        """Begin nothing new; what has no outcome yet is left for the next start."""
        self._stopping = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def on_outcome(self, outcome: Outcome) -> None:
        """What the sender calls for each push, once."""
        call = self._open.pop(outcome.push.push_id, None)
        device = outcome.push.device
        if self._stopping and outcome.kind in (OutcomeKind.SHED, OutcomeKind.EXPIRED):
            return  # It was not tried to the end: the next process may.
        self._note(outcome)
        if outcome.kind is OutcomeKind.TOKEN_DEAD and not self._stopping:
            self._spawn(self._drop(device, outcome.since))
        if call is None:
            return
        call.left.discard(outcome.push.push_id)
        if not call.left:
            self._inbox.finish(call.row_id)
        elif outcome.kind is OutcomeKind.SENT:
            self._inbox.reach(call.row_id, device.device_id)

    def _begin(self, event: CallEvent) -> None:
        """Push at once if the devices are known, else as soon as they are."""
        if (known := self._registry.known(event.person_id)) is not None:
            self._push_to(known, event, frozenset())
        else:
            self._spawn(self._push(event, frozenset()))

    async def _push(self, event: CallEvent, reached: frozenset[str]) -> None:
        self._push_to(await self._devices(event), event, reached)

    def _push_to(
        self, devices: tuple[Device, ...] | None, event: CallEvent, reached: frozenset[str]
    ) -> None:
        row_id = event_id(event)
        pushes = [
            push
            for device in devices or ()
            if device.device_id not in reached and (push := _push_for(event, device)) is not None
        ]
        if devices is None:
            result = "not_found"
        elif not pushes:
            result = "no_device"
        elif self._clock() >= event.until:
            result = "too_late"
        else:
            result = "pushed"
        self._figures.on_call(result)
        if result != "pushed":
            # That there is no device is nothing unusual: many people have no phone that sleeps.
            logger.log(
                logging.INFO if result == "no_device" else logging.WARNING,
                "nobody is pushed for a call",
                extra={
                    "facts": {
                        "result": result,
                        "person": event.person_id,
                        "tracking_id": event.tracking_id,
                    }
                },
            )
            self._inbox.finish(row_id)
            return
        assert self._sender is not None
        call = _OpenCall(row_id, {push.push_id for push in pushes})
        self._open.update(dict.fromkeys(call.left, call))
        for push in pushes:
            self._figures.on_push(push.device.provider.value)
            self._sender.send(push)

    async def _devices(self, event: CallEvent) -> tuple[Device, ...] | None:
        """Looked for until the call is over: None if the database could not be read till then."""
        while True:
            try:
                return await self._registry.devices_of(event.person_id)
            except STORE_FAULTS:
                logger.exception("the devices of a person cannot be read")
                if self._clock() + _LOOK_AGAIN_SECONDS >= event.until:
                    return None
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    def _note(self, outcome: Outcome) -> None:
        self._figures.on_outcome(outcome)
        past = self._history.add(outcome, self._clock())
        level = logging.INFO
        if outcome.kind is OutcomeKind.MISCONFIGURED:
            level = logging.ERROR
        elif outcome.kind is not OutcomeKind.SENT:
            level = logging.WARNING
        if logger.isEnabledFor(level):
            facts = {
                "outcome": past.kind.value,
                "provider": past.provider.value,
                "app": past.app,
                "person": past.person_id,
                "attempts": past.attempts,
                "ms": round(past.seconds * 1000, 1),
                "status": past.status,
                "reason": past.reason,
                "push_id": outcome.push.push_id,
                "tracking_id": past.tracking_id,
            }
            logger.log(level, "push ended", extra={"facts": facts})

    async def _drop(self, device: Device, since: float | None) -> None:
        try:
            if await self._registry.drop_dead(device, since):
                self._figures.dropped.inc()
        except STORE_FAULTS:
            logger.exception("a dead token could not be dropped; its next push will try again")

    def _count_open(self) -> float:
        return len({id(call) for call in self._open.values()})

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name="offhook-push-delivery")
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("a call could not be pushed", exc_info=error)


def _push_for(event: CallEvent, device: Device) -> Push | None:
    """The push for a device, None if the event has no payload for its kind."""
    match device.provider:
        case Provider.APNS:
            payload = event.apns_payload
        case Provider.FCM:
            payload = event.fcm_payload
        case other:
            assert_never(other)
    if not payload:
        return None
    return Push(
        push_id=str(uuid5(_PUSHES, f"{event_id(event)}/{device.device_id}")),
        device=device,
        payload=payload,
        until=event.until,
        received=event.received,
        tracking_id=event.tracking_id,
    )
